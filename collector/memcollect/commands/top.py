"""`memcollect top`: pods' memory, live."""

from __future__ import annotations

import os
import signal
import sys

import click

from memcollect.commands import complete
from memcollect.commands.connection import cluster_options, pod_options
from memcollect.commands.help_page import GroupedCommand
from memcollect.commands.modes import check_mode
from memcollect.commands.options import (
    Duration,
    clean_text,
    machine_options,
    match_option,
    option,
    process_ceiling_option,
    timeout_option,
    typed,
    verbose_option,
)
from memcollect.commands.output import deliver_more
from memcollect.commands.taking import EXIT_INCOMPLETE, EXIT_OK
from memcollect.commands.top_page import Page
from memcollect.commands.top_pod import Load, loader_of
from memcollect.commands.watched import Rounds, TopOptions, one_by_one, watch_of
from memcollect.errors import UsageError
from memcollect.live.frame import SORTS
from memcollect.live.model import World
from memcollect.watching.watch import Watch

EPILOG = """\b
Examples:
  memcollect top
  memcollect top -n agents -l app=sandbox --sort growth
  memcollect top -A --selector '' --limit 20 --interval 10
  memcollect top --once | less
  memcollect top --local --match 'postgres*'

Keys: arrows select, Enter opens a pod in full, / filters, s sorts, ? lists all keys, q or Ctrl-C quits.

Exit codes: 0 everything measured, or you quit; 1 failed; 2 wrong usage; 3 something you asked for was
missing in the last round.
"""


@click.command("top", cls=GroupedCommand, epilog=EPILOG)
@click.argument("pods", nargs=-1, metavar="[POD]...", callback=clean_text, shell_complete=complete.pods)
@option(
    "--interval",
    type=Duration(min=1, max=3600),
    default="5s",
    show_default=True,
    metavar="DURATION",
    help="How often to ask the agents. The metrics API is asked every 15 s at most.",
)
@option(
    "--sort",
    type=click.Choice(list(SORTS)),
    default="working-set",
    show_default=True,
    help="What to order rows by; the most comes first.",
)
@option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Show N pods, and the sum of the others in one line.",
)
@option("--once", is_flag=True, help="Print one round and end. [default when there is no terminal]")
@option("--rounds", type=click.IntRange(min=1), metavar="N", help="End after N rounds.")
@option("--local", is_flag=True, help="Watch this machine, without Kubernetes' API.")
@match_option("only what matches this shell pattern, as in `memcollect snapshot`")
@timeout_option(
    10.0, "How long each agent may take. One that takes longer than the interval delays only itself."
)
@process_ceiling_option
@pod_options(
    nodes="Also watch sandboxes without a Pod (CubeSandbox, E2B, …), on every node that has an agent."
)
@cluster_options
@machine_options
@verbose_option
@typed(TopOptions)
def command(options: TopOptions) -> int:
    """Watch pods' working sets: what they are made of, how they change, and what kubectl top says.

    It asks the agents on the pods' nodes every few seconds. POD is NAMESPACE/NAME, or a name that is looked
    for in every namespace of -n.
    """
    check_mode(click.get_current_context(), local=options.local)
    if options.once and options.rounds is not None:
        raise UsageError("--once and --rounds contradict each other.", "Give one of them.")
    watch = watch_of(options)
    page = Page(sort=options.sort, limit=options.limit, interval=options.interval)
    if options.once or not _has_screen():
        return _print(watch, options.rounds or 1, page, options.bounds.timeout)
    return _on_screen(Rounds(watch, options.interval, options.rounds), page, loader_of(options))


def _has_screen() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _print(watch: Watch, rounds: int, page: Page, timeout: float) -> int:
    texts: list[str] = []

    def show(world: World) -> bool:
        texts.append(page.text(world))
        return deliver_more(("\n" if len(texts) > 1 else "") + texts[-1])

    return page.exit_code(one_by_one(watch, rounds, page.interval, timeout, show))


def _on_screen(rounds: Rounds, page: Page, load: Load) -> int:
    # Only here: termios is nothing that every system has, and a pipe needs none of it.
    from memcollect.commands.screen import show  # noqa: PLC0415
    from memcollect.commands.top_screen import Interactive  # noqa: PLC0415

    shown = Interactive(rounds, page, load)
    rounds.start()
    try:
        ended_by = show(shown)
    finally:
        rounds.stop()
    if rounds.error is not None:
        raise rounds.error
    if ended_by is not None:
        return EXIT_OK if ended_by == signal.SIGINT else 128 + ended_by
    if shown.quit:
        return EXIT_OK
    if rounds.world is None:
        return EXIT_INCOMPLETE
    deliver_more(page.text(rounds.world))
    return page.exit_code(rounds.world)
