"""What the private memory of a container's processes is mapped for, where that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from memcollect.explain.mapped import EVIDENCE, Held, beside, held, label, program_of, whole_of
from memcollect.reporters.escape import visible
from memcollect.reporters.mapping_words import left_over, unread
from memcollect.reporters.sizes import interval, share, short_size, size
from memcollect.reporters.terminal.findings import section
from memcollect.reporters.terminal.lines import cut, cut_middle, paragraph, right

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memcollect.documents.snapshot import Container, PrivatePart

MOST_PARTS = 10
HEADINGS = ("PRIVATE", "SHARE", "PID")
COLUMN_WIDTHS = (9, 7, 9)


def mapping_lines(container: Container, width: int, *, full: bool) -> Iterator[Text]:
    """Yield the largest parts and the others as one; `full`: every part with its evidence."""
    if not container.private:
        return
    whole = whole_of(container.private)
    parts = held(container)
    shown = parts if full else parts[:MOST_PARTS]
    name = visible(container.name)
    yield from section(cut_middle(f"Private memory of {name} by mapping, {size(whole)}", width))
    if parts:
        yield Text(_row(HEADINGS, "WHAT", width), style="bold")
    for each in shown:
        yield Text(_part(each, whole, width))
        if full:
            yield from paragraph(_evidence(each), width, indent=" " * sum(COLUMN_WIDTHS) + "    ")
    rest = whole - sum(each.part.estimate_bytes for each in shown) - left_over(container.private)
    if rest:
        yield Text(
            _row((short_size(rest), share(rest, whole), ""), f"{len(parts) - len(shown)} others", width)
        )
    left = left_over(container.private)
    if left:
        yield Text(
            _row((short_size(left), share(left, whole), ""), "moved while it was read, or unread", width)
        )
    for sentence in unread(container):
        yield from paragraph(sentence, width, indent="    ", first="  ? ")


def _sum(amount: int, whole: int, what: str, width: int) -> str:
    return _row((short_size(amount), share(amount, whole), ""), what, width)


def _part(each: Held, whole: int, width: int) -> str:
    part = each.part
    sign = "~" if part.confidence == "inferred" else ""
    cells = (short_size(part.estimate_bytes), share(part.estimate_bytes, whole), str(each.process.pid))
    more = beside(part)
    what = f"{sign}{label(part, short=True)}{f' ({more})' if more else ''}, {program_of(each.process)}"
    return _row(cells, visible(what), width)


def _evidence(each: Held) -> str:
    part = each.part
    bounds = "" if part.low_bytes == part.high_bytes else f"{interval(part.low_bytes, part.high_bytes)}; "
    name = f"{part.name}: " if part.name.startswith("/") else ""
    return f"{name}{bounds}{EVIDENCE.get(part.kind, '')}; {_extent(part)}"


def _extent(part: PrivatePart) -> str:
    count = "1 mapping" if part.mappings == 1 else f"{part.mappings} mappings"
    return f"{count} of {size(part.size_bytes)}"


def _row(cells: tuple[str, ...], what: str, width: int) -> str:
    numbers = "".join(right(cell, space) for cell, space in zip(cells, COLUMN_WIDTHS, strict=True))
    return numbers + "  " + cut(what, width - len(numbers) - 2)
