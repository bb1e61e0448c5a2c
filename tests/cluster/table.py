"""The table at the end of a run: what was tried, what was seen, what was not tried and why."""

import textwrap
from collections.abc import Iterable, Sequence

from msgspec import Struct

COLUMNS = ("tried", "outcome", "seen, or why not")
_WIDTHS = (46, 9, 78)


class Row(Struct, frozen=True):
    """One line of the table."""

    tried: str
    outcome: str
    seen: str = ""


def words_of(node: str) -> str:
    """Return a test's name as words: "a/test_b.py::test_c_d[e]" is "c d: e"."""
    name, _, parameter = node.rpartition("::")[2].partition("[")
    told = name.removeprefix("test_").replace("_", " ")
    return f"{told}: {parameter.removesuffix(']')}" if parameter else told


def row_of(node: str, outcome: str, seen: Iterable[str], why: str) -> Row:
    """Return the row of a test that has ended; `why` it was skipped, or how it failed."""
    told = "; ".join([*seen, *([why] if why else [])])
    return Row(words_of(node), outcome, " ".join(told.split()))


def table(rows: Sequence[Row]) -> list[str]:
    """Return the lines of the table, each cell wrapped."""
    lines = [_line(COLUMNS), "  ".join("─" * width for width in _WIDTHS)]
    for row in rows:
        lines += _wrapped(row)
    return lines


def _wrapped(row: Row) -> list[str]:
    cells = [
        textwrap.wrap(text, width) or [""]
        for text, width in zip((row.tried, row.outcome, row.seen), _WIDTHS, strict=True)
    ]
    height = max(map(len, cells))
    return [_line([cell[at] if at < len(cell) else "" for cell in cells]) for at in range(height)]


def _line(cells: Sequence[str]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip()
