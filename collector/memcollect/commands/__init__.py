"""The command line: one command per module, which parses its options, calls, and prints.

A command's module is imported only when it is called, so that `memcollect explain FILE` does not wait
for a Kubernetes client.
"""

from __future__ import annotations

import importlib

import click
from click.shell_completion import CompletionItem

from memcollect.commands.config import defaults, settings
from memcollect.nearest import nearest
from memcollect_agent import __version__ as version

COMMANDS = {
    "compare": "Compare snapshots or runs: what grew, and what you may claim.",
    "demo": "See all of it on a real kernel in a minute, without a cluster.",
    "doctor": "Check what works and what does not, with a remedy for each.",
    "evidence": "Check what a sandbox backend does besides using memory: eight rows of checks.",
    "explain": "Explain one pod now, or a saved snapshot offline.",
    "export": "Turn saved snapshots into Parquet files that you can query.",
    "node": "Show where all of a node's memory is, and why kubectl top node and free differ.",
    "profile": "Run a plan's phases in sandboxes and measure after each.",
    "record": "Pack this node's kernel files into one archive that replays anywhere.",
    "redact": "Replace the names in a snapshot or recording, so that you can share it.",
    "schema": "Print what every field of a JSON document means.",
    "snapshot": "Measure pods and show where their memory is.",
    "top": "Watch pods live: what kubectl top would say, what it is made of, how it changes.",
}
"""Every command's name (its module here has a `command`) and its line in the help."""

ALIASES = {"diff": "compare", "why": "explain"}
"""Other words for a command, which the help does not list."""
GROUPS = (
    ("Start here", ("demo", "doctor")),
    ("Measure", ("snapshot", "top", "node")),
    ("Understand", ("explain", "compare", "export")),
    ("Test a backend", ("profile", "evidence")),
    ("Share", ("record", "redact", "schema")),
)
"""The commands as the help has them."""

EPILOG = """\b
Examples:
  memcollect demo
  memcollect snapshot --local --sample after-python
  memcollect snapshot --local --format json -o before.json
  memcollect explain before.json my-pod

Exit codes: 0 everything measured; 1 failed; 2 wrong usage; 3 written, but something you asked for is
missing; 130 interrupted; 143 ended by SIGTERM, 129 by SIGHUP.
"""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """Return the names in the order of the alphabet."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's signature)
        """Return the command, or None where there is none of that name."""
        name = ALIASES.get(cmd_name, cmd_name)
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"memcollect.commands.{name}")
        command: click.Command = module.command
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete commands, with their lines in the help and without importing one of them, and options."""
        commands = sorted(COMMANDS.items())
        named = [CompletionItem(name, help=says) for name, says in commands if name.startswith(incomplete)]
        return [*named, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command; end with wrong usage and the nearest names where there is none."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            meant = nearest(args[0], [*COMMANDS, *ALIASES])
            ctx.fail(f"No command {args[0]!r}." + (f" Did you mean {meant}?" if meant else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (click's signature)
        """Write the list of commands without importing one of them."""
        for title, names in GROUPS:
            with formatter.section(title):
                formatter.write_dl([(name, COMMANDS[name]) for name in names])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EPILOG,
)
@click.option(
    "--profile",
    metavar="NAME",
    envvar="MEMCOLLECT_PROFILE",
    show_envvar=True,
    help="Take the defaults of options from this profile of ~/.config/memcollect/config.toml.",
)
@click.version_option(version, "-V", "--version", message="memcollect %(version)s")
@click.pass_context
def cli(context: click.Context, profile: str | None) -> None:
    """Show where a sandbox pod's memory is, as far as it can be proven, and why kubectl top differs."""
    found = settings(profile)
    name = context.invoked_subcommand
    command = cli.get_command(context, name) if found and name else None
    if name and command is not None:
        others = [cli.get_command(context, each) for each in COMMANDS if ALIASES.get(name, name) != each]
        context.default_map = {name: defaults(found, command, [each for each in others if each])}
