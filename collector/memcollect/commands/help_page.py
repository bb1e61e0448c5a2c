"""The options of a command's help, in groups; and once, not beside each, how else they can be given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    Records = list[tuple[str, str]]

GROUPS = {
    "What": (
        *(
            "--local",
            "--match",
            "--namespace",
            "--all-namespaces",
            "--selector",
            "--field-selector",
            "--nodes",
        ),
        *("--label", "--by", "--baseline", "--source", "--rows", "--driver", "--kernel", "--run", "--empty"),
        *("--check", "--resume", "--clean", "--show", "--known"),
    ),
    "How much": (
        *(
            "--depth",
            "--full",
            "--include-processes",
            "--process-limit",
            "--services",
            "--mappings",
            "--files",
            "--files-pod",
        ),
        *("--process-ceiling",),
    ),
    "Timing": ("--interval", "--once", "--rounds", "--timeout", "--jobs", "--pace"),
    "Output": (
        *("--sample", "--backend", "--issue", "--cluster", "--format", "--output", "--force", "--details"),
        *("--sort", "--limit"),
    ),
    "The cluster and its agents": (
        *("--context", "--kubeconfig", "--concurrency", "--request-timeout"),
        *("--agent-namespace", "--agent-selector", "--agent-port"),
    ),
    "This machine": ("--cgroup-root", "--proc-root", "--sys-root", "--log-root", "--root"),
    "Help": ("--verbose", "--help"),
}
"""Titles, and the long names of their options in the order of the page."""
OF_THIS_MACHINE = "This machine"
OTHER_WAYS = (
    "Any option can also come from the environment ({variable} for {option}) or from the config file;"
    " docs/settings.md has the order."
)


class GroupedCommand(click.Command):
    """A command whose help has its options in groups."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the groups that have an option."""
        for title, records in grouped(self, ctx):
            with formatter.section(title):
                formatter.write_dl(records)
        if told := other_ways(self):
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(told)


def other_ways(command: click.Command) -> str:
    """Return how else its options can be given, by one of its own; "" where only one can, or none."""
    named = [each for each in command.params if isinstance(each.envvar, str)]
    return OTHER_WAYS.format(option=named[0].opts[0], variable=named[0].envvar) if len(named) > 1 else ""


def grouped(command: click.Command, context: click.Context) -> Iterator[tuple[str, Records]]:
    """Yield each title with its options, as click tells of one: how it is written, and what it is for."""
    by_name = {each: parameter for parameter in command.get_params(context) for each in parameter.opts}
    for title, names in GROUPS.items():
        told = [by_name[name].get_help_record(context) for name in names if name in by_name]
        records = [record for record in told if record is not None]
        if records:
            is_half = title == OF_THIS_MACHINE and "--local" in by_name
            yield (f"{title}, with --local" if is_half else title), records
