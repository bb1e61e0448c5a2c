"""The terminal report: a few lines on the whole, the pods in a table, then each pod in full.

Every line is folded or cut by us to the console's width, so that 80 columns are enough; colour is rich's to
decide (none when piped, none with NO_COLOR).
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from memcollect.reporters.columns import by_size, listed_pods
from memcollect.reporters.groups import missing_groups, said_once, whose
from memcollect.reporters.terminal.lines import left, paragraph
from memcollect.reporters.terminal.node import account_lines
from memcollect.reporters.terminal.overview import attention_lines, overview_lines
from memcollect.reporters.terminal.pod import pod_lines
from memcollect.reporters.terminal.subtotals import subtotal_lines
from memcollect.reporters.words import Details, Whole, heading, platform_remarks, shows_details

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memcollect.documents.snapshot import Snapshot

MIN_WIDTH = 80
LABEL_WIDTH = 13


def render(  # noqa: PLR0913 - all of them have a default
    snapshot: Snapshot,
    *,
    width: int = 80,
    color: bool = False,
    details: Details = "auto",
    full: bool = False,
    whole: Whole = frozenset(),
) -> str:
    """Return the report in lines of at most `width` columns (never fewer than 80).

    `details` says whether pods are shown one by one: "auto" does where they are few. With `full`
    every piece of evidence is written out and every container has its own ladder; `whole` says
    which lists are shown to their end.
    """
    width = max(width, MIN_WIDTH)
    lines = _lines(said_once(snapshot), width, details=details, full=full, whole=whole)
    if not color:
        # Without styles there is nothing for rich to do, and for thousands of pods it would do it long.
        return "".join(f"{line.plain.rstrip()}\n" for line in lines)
    sink = io.StringIO()
    console = Console(
        file=sink,
        width=width,
        force_terminal=True,
        color_system="standard",
        legacy_windows=False,
    )
    for line in lines:
        line.rstrip()
        # no_wrap and ignore: our lines fit already, and rich must neither fold nor crop them again.
        console.print(line, no_wrap=True, overflow="ignore", crop=False, soft_wrap=True)
    return sink.getvalue()


def _lines(snapshot: Snapshot, width: int, *, details: Details, full: bool, whole: Whole) -> Iterator[Text]:
    in_full = shows_details(snapshot, details)
    if len(snapshot.pods) == 1 and in_full and not snapshot.accounts:
        yield from _only_pod(snapshot, width, full=full, whole=whole)
        return
    if snapshot.pods:
        yield from _missing_at_end(snapshot, width)
        yield from attention_lines(snapshot.pods, width)
        yield Text()
        yield from overview_lines(*listed_pods(snapshot, details), width)
        yield Text()
    for account in snapshot.accounts:
        yield from account_lines(account, width, full=full)
        yield Text()
    yield from _heading(snapshot, width)
    yield from subtotal_lines(snapshot, width)
    yield from _missing(snapshot, width)
    if in_full:
        for pod in sorted(snapshot.pods, key=by_size):
            yield Text()
            yield from pod_lines(pod, width, full=full, whole=whole)
    elif snapshot.pods:
        yield Text()
        yield from paragraph("Each pod in full: --details all, or `memcollect explain`.", width, indent="")
    yield from _notes(snapshot, width, full=full)


def _only_pod(snapshot: Snapshot, width: int, *, full: bool, whole: Whole) -> Iterator[Text]:
    """Yield the pod first: whoever asked for one wants its answer, not when and how it was measured."""
    yield from _missing_at_end(snapshot, width)
    yield from pod_lines(snapshot.pods[0], width, full=full, whole=whole)
    yield Text()
    yield from _heading(snapshot, width)
    yield from _missing(snapshot, width)
    yield from _notes(snapshot, width, full=full)


def _missing_at_end(snapshot: Snapshot, width: int) -> Iterator[Text]:
    """Yield how much is missing: the numbers that follow are no more whole than that."""
    if not snapshot.missing:
        return
    text = f"{len(snapshot.missing)} asked for and not measured: which, and why, stands below."
    for line in paragraph(text, width, indent=""):
        line.stylize("bold red")
        yield line
    yield Text()


def _heading(snapshot: Snapshot, width: int) -> Iterator[Text]:
    for label, text in heading(snapshot):
        yield from paragraph(text, width, indent=" " * LABEL_WIDTH, first=left(label, LABEL_WIDTH))


def _missing(snapshot: Snapshot, width: int) -> Iterator[Text]:
    if not snapshot.missing:
        return
    yield Text()
    yield Text(f"Asked for and not measured ({len(snapshot.missing)})", style="bold red")
    for missing, names in missing_groups(snapshot.missing):
        where = f" on {missing.node}" if missing.node else ""
        text = f"{whose(missing, names)}{where} ({missing.reason}): {missing.detail}"
        yield from paragraph(text, width, indent="    ", first="  ✗ ")


def _notes(snapshot: Snapshot, width: int, *, full: bool) -> Iterator[Text]:
    notes = [*([] if full else platform_remarks(snapshot.pods)), *snapshot.notes]
    if not notes:
        return
    yield Text()
    yield Text("Notes", style="bold cyan")
    for note in notes:
        yield from paragraph(note, width, indent="    ", first="  - ")
