"""Which pictures a table's numbers make: a size that is followed by its range is drawn, row by row. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from memcollect.reporters.html.markup import NOTHING, Markup
from memcollect.reporters.html.plots import Sample, difference, dots, percentiles
from memcollect.reporters.html.shapes import Scale
from memcollect.reporters.paged.layout import Bytes, Cell, Range, Table, Timing
from memcollect.reporters.paged.texts import long_text
from memcollect.reporters.sizes import signed_size, size

DOTS = "A dot is a repeat, the line reaches from the smallest to the largest, the stroke is the median."
DIFFERENCES = "To the left is less, to the right more; the line is what the change lies in."
TIMES = "A faint dot is a pod; the dot is p50, the ring p95, the stroke p99."


class Drawing(NamedTuple):
    """A column of pictures: its heading, one picture of each row, and how to read them."""

    title: str
    pictures: list[Markup]
    legend: str


class _Drawn(NamedTuple):
    """What of a row is drawn; all None where it has no number."""

    point: int | None
    spread: Range | None
    inner: Range | None


def drawing(table: Table) -> Drawing | None:
    """Return the pictures; None where the table's numbers make none."""
    if table.timings:
        return _timings(table.timings)
    place, signed = _pair(table.rows)
    if place is None:
        return None
    rows = [_drawn(row, place) for row in table.rows]
    scale = _scale(rows)
    draw = _difference if signed else _dots
    ends = (
        f"{signed_size(int(scale.low))} to {signed_size(int(scale.high))}"
        if signed
        else size(int(scale.high))
    )
    title = ends if signed else f"0 to {ends}"
    return Drawing(title, [draw(row, scale) for row in rows], DIFFERENCES if signed else DOTS)


def _pair(rows: Sequence[Sequence[Cell]]) -> tuple[int | None, bool]:
    """Return where a size stands before its range, and whether they are changes: those go first."""
    found: dict[int, bool] = {}
    for row in rows:
        for place, (cell, after) in enumerate(pairwise(row)):
            if isinstance(cell, Bytes) and isinstance(after, Range) and cell.value is not None:
                found.setdefault(place, cell.signed)
    changes = [place for place, signed in found.items() if signed]
    return min(changes or found, default=None), bool(changes)


def _drawn(row: Sequence[Cell], place: int) -> _Drawn:
    point, spread, *rest = row[place:]
    if not isinstance(point, Bytes):
        return _Drawn(None, None, None)
    known = isinstance(spread, Range) and spread.low is not None and spread.high is not None
    inner = rest[0] if rest and isinstance(rest[0], Range) else None
    return _Drawn(point.value, spread if known and isinstance(spread, Range) else None, inner)


def _scale(rows: Sequence[_Drawn]) -> Scale:
    ends = [end for row in rows for end in _ends(row)]
    return Scale(min([0, *ends]), max([0, *ends]))


def _ends(row: _Drawn) -> Iterator[int]:
    yield from [] if row.point is None else [row.point]
    if row.spread is not None:
        yield from (end for end in (row.spread.low, row.spread.high) if end is not None)


def _limits(range_: Range | None) -> tuple[int, int] | None:
    if range_ is None or range_.low is None or range_.high is None:
        return None
    return range_.low, range_.high


def _dots(row: _Drawn, scale: Scale) -> Markup:
    if row.point is None:
        return NOTHING
    ends = _limits(row.spread) or (row.point, row.point)
    values = [(value, size(value)) for value in (row.spread.values if row.spread else ())]
    single = f"; single: {', '.join(text for _, text in values)}" if values else ""
    spread = f", {long_text(row.spread)}" if row.spread else ""
    sample = Sample(values, ends, row.point, _limits(row.inner))
    return dots(f"{size(row.point)}{spread}{single}", scale, sample)


def _difference(row: _Drawn, scale: Scale) -> Markup:
    if row.point is None:
        return NOTHING
    spread = f", {long_text(row.spread)}" if row.spread else ""
    return difference(f"{signed_size(row.point)}{spread}", scale, row.point, _limits(row.spread))


def _timings(timings: Sequence[Timing]) -> Drawing:
    longest = max([0.0, *(value for each in timings for value in (*each.seconds, *(each.percentiles or ())))])
    scale = Scale(0, longest)
    return Drawing(f"0 to {longest:.2f} s", [_timing(each, scale) for each in timings], TIMES)


def _timing(timing: Timing, scale: Scale) -> Markup:
    if timing.percentiles is None:
        return NOTHING
    p50, p95, p99 = timing.percentiles
    title = f"p50 {p50:.2f} s, p95 {p95:.2f} s, p99 {p99:.2f} s"
    return percentiles(title, scale, timing.seconds, timing.percentiles)
