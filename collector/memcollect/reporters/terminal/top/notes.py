"""Below the live table: what is missing and why, and what the marks in it mean. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from memcollect.live.model import Frame
from memcollect.live.rows import Row
from memcollect.live.totals import Totals
from memcollect.reporters.groups import missing_groups, some_names, whose
from memcollect.reporters.sizes import size
from memcollect.reporters.terminal.lines import paragraph
from memcollect.reporters.terminal.top.cells import age
from memcollect.reporters.words import term_label

WHY_INTERVAL = (
    "~ lies between two numbers: pages given back with MADV_FREE cannot be told from page cache without"
    " reading the processes, which `memcollect snapshot` does"
)
WHY_CONTAINER = "c before a limit: it is the limit of the container that is nearest to its own"


def note_lines(frame: Frame, left_out: Sequence[str], width: int) -> Iterator[Text]:
    """Yield the footnotes, the gravest first."""
    for missing, names in missing_groups(frame.missing):
        where = f" on {missing.node}" if missing.node else ""
        text = f"{whose(missing, names)}{where} ({missing.reason}): {missing.detail}"
        for line in paragraph(text, width, indent="    ", first="  ✗ "):
            line.stylize("red")
            yield line
    for text in _sentences(frame, left_out):
        for line in paragraph(text, width, indent="    ", first="  · "):
            line.stylize("dim")
            yield line


def _sentences(frame: Frame, left_out: Sequence[str]) -> Iterator[str]:
    rows = [each.row for each in frame.rows]
    yield from _unmeasured(frame)
    yield from _open(rows)
    yield from _without_top(frame)
    yield from _marks(frame, rows)
    if frame.finished:
        yield f"finished, without memory: {some_names(frame.finished, 'pod')}"
    for each in frame.departed:
        held = f", last with {size(each.working_set_bytes)}" if each.working_set_bytes is not None else ""
        yield f"pod {each.name} went {age(frame.now - each.noticed)} ago{held}"
    if left_out:
        yield f"too narrow for {', '.join(left_out)}: 80 columns show them"
    yield from frame.notes


def _unmeasured(frame: Frame) -> Iterator[str]:
    """Yield why pods have no numbers, where that is no failure: they run in a guest, say."""
    told = {missing.detail for missing in frame.missing}
    found: dict[str, list[str]] = {}
    for each in frame.rows:
        if each.row.parts is None and each.row.unmeasured not in told:
            found.setdefault(each.row.unmeasured, []).append(each.row.full_name)
    for reason, names in found.items():
        yield f"no working set of {some_names(names, 'pod')}: {reason or 'no reason is known'}"


def _open(rows: Iterable[Row]) -> Iterator[str]:
    """Yield once what a kernel does not give: its bytes are in OTHER."""
    found: dict[tuple[str, str, str, str], list[str]] = {}
    for row in rows:
        for column, each in row.open:
            key = (column, each.name, each.missing, each.reason)
            found.setdefault(key, []).append(row.full_name)
    for (column, name, missing, reason), names in found.items():
        of = some_names(names, "pod")
        yield f"{column} is without {term_label(name)}, which is in OTHER ({missing}: {reason}): {of}"


def _without_top(frame: Frame) -> Iterator[str]:
    told = {missing.detail for missing in frame.missing}
    found: dict[str, list[str]] = {}
    for each in frame.rows:
        row = each.row
        if frame.with_top and row.parts is not None and row.top_bytes is None and row.top_detail not in told:
            found.setdefault(row.top_detail or "it has no number", []).append(row.full_name)
    for detail, names in found.items():
        yield f"kubectl top shows nothing of {some_names(names, 'pod')}: {detail}"


def _marks(frame: Frame, rows: Sequence[Row]) -> Iterator[str]:
    parts = [row.parts for row in rows if row.parts is not None]
    if any(part.is_interval for each in parts for part in (each.anon, each.hot_cache)):
        yield WHY_INTERVAL
    if any(row.use.container for row in rows):
        yield WHY_CONTAINER
    total = frame.total
    if total.with_minute < total.measured:
        yield _partial_sum(total)


def _partial_sum(total: Totals) -> str:
    beside = "a change over less than a minute stands with its time"
    if not total.with_minute:
        return f"no sum of changes: no pod has a whole minute of history yet; {beside}"
    return f"* sums {total.with_minute} of {total.measured} pods, those with a whole minute; {beside}"
