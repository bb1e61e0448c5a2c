"""The page for a terminal: plain lines of at most the width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len

from memcollect.reporters.escape import visible
from memcollect.reporters.paged.layout import NO_INTERVAL, Bytes, Cell, Column, Page, Range, Section, Table
from memcollect.reporters.sizes import short_size
from memcollect.reporters.terminal.lines import cut_middle, left, paragraph, right

MIN_WIDTH = 80
LEAST_NAME = 8
GAP = 2


def render(laid_out: Page, *, width: int = MIN_WIDTH) -> str:
    """Return a page in lines of at most `width` columns (never fewer than 80)."""
    width = max(width, MIN_WIDTH)
    return "".join(f"{line.rstrip()}\n" for line in _lines(laid_out, width))


def _lines(laid_out: Page, width: int) -> Iterator[str]:
    yield from _folded(laid_out.verdict, width, "", "")
    for section in laid_out.sections:
        if section.lengthy:
            continue
        yield ""
        yield from _section(section, width)


def _section(section: Section, width: int) -> Iterator[str]:
    yield from _folded(section.title, width, "", "")
    for text in section.paragraphs:
        yield from _folded(text, width, "  ", "  ")
    if section.table is not None:
        yield from _table(section.table, width - GAP)
    for bullet in section.bullets:
        yield from _folded(bullet.text, width, "  - ", "    ")
        for text in bullet.below:
            yield from _folded(text, width, "    · ", "      ")


def _folded(text: str, width: int, first: str, indent: str) -> Iterator[str]:
    return (line.plain for line in paragraph(text, width, indent=indent, first=first))


def _table(table: Table, width: int) -> Iterator[str]:
    columns, rows = list(table.columns), [[_cell(cell) for cell in row] for row in table.rows]
    if _natural(columns, rows) > width:
        kept = [index for index, column in enumerate(columns) if not column.wide]
        columns, rows = [columns[index] for index in kept], [[row[index] for index in kept] for row in rows]
    widths = _widths(columns, rows, width)
    for row in [[visible(column.title) for column in columns], *rows]:
        yield "  " + (" " * GAP).join(
            _put(cell, column, room) for cell, column, room in zip(row, columns, widths, strict=True)
        )


def _put(cell: str, column: Column, width: int) -> str:
    shown = cut_middle(cell, width)
    return right(shown, width) if column.right else left(shown, width)


def _natural(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> int:
    return sum(_longest(columns, rows)) + GAP * (len(columns) - 1)


def _longest(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
    texts = [[visible(column.title) for column in columns], *rows]
    return [max(cell_len(row[index]) for row in texts) for index in range(len(columns))]


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return the columns' widths; what is too much is taken from the widest names, never from numbers.

    A number's column may be headed by a name from outside, which is cut down to what its numbers need.
    """
    widths = _longest(columns, rows)
    least = [_least(column, [row[index] for row in rows]) for index, column in enumerate(columns)]
    while sum(widths) + GAP * (len(columns) - 1) > width:
        spare = [index for index in range(len(columns)) if widths[index] > least[index]]
        if not spare:
            break
        widths[max(spare, key=lambda index: widths[index])] -= 1
    return widths


def _least(column: Column, cells: Sequence[str]) -> int:
    """Return below what the column cannot go."""
    if not column.right:
        return LEAST_NAME
    title = min(cell_len(visible(column.title)), LEAST_NAME) if column.foreign else cell_len(column.title)
    return max([title, *(cell_len(cell) for cell in cells)])


def _cell(cell: Cell) -> str:
    if isinstance(cell, Bytes):
        return _signed(cell.value) if cell.signed else short_size(cell.value)
    if isinstance(cell, Range):
        if cell.low is None or cell.high is None:
            return NO_INTERVAL
        if cell.low == cell.high:
            return _signed(cell.low) if cell.signed else short_size(cell.low)
        if cell.signed or cell.low < 0:
            return f"{_signed(cell.low)} to {_signed(cell.high)}"
        return f"{short_size(cell.low)}–{short_size(cell.high)}"
    return visible(cell)


def _signed(value: int | None) -> str:
    return f"+{short_size(value)}" if value is not None and value > 0 else short_size(value)
