"""Totals by namespace and by node, where there are several."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from memcollect.documents.snapshot import Snapshot, Subtotal
from memcollect.reporters.escape import visible
from memcollect.reporters.groups import subtotals
from memcollect.reporters.sizes import short_size
from memcollect.reporters.terminal.lines import cut_middle, left, right

COLUMN_WIDTH = 10
HEADINGS = ("PODS", "MEASURED", "WORKSET", "TOP")
AVAILABLE = "AVAILABLE"
"""A node's own MemAvailable: what no sum over pods can tell."""


def subtotal_lines(snapshot: Snapshot, width: int) -> Iterator[Text]:
    """Yield a small table for each kind of subtotal."""
    for title, rows, left_out in subtotals(snapshot):
        headings = [*HEADINGS, *([AVAILABLE] if title == "Node" else [])]
        name_width = width - COLUMN_WIDTH * len(headings)
        yield Text()
        cells = "".join(right(heading, COLUMN_WIDTH) for heading in headings)
        yield Text(left(title.upper(), name_width) + cells, style="bold")
        for row in rows:
            yield Text(_line(row, name_width, with_node=title == "Node"))
        if left_out:
            yield Text(f"  and {left_out} more: --format json lists them all", style="dim")


def _line(row: Subtotal, name_width: int, *, with_node: bool) -> str:
    cells = [
        str(row.pods),
        str(row.pods_measured),
        short_size(row.working_set_bytes),
        short_size(row.top_bytes),
    ]
    if with_node:
        cells.append(short_size(row.memory_available_bytes))
    name = left(cut_middle(visible(row.name), name_width - 1), name_width)
    return name + "".join(right(cell, COLUMN_WIDTH) for cell in cells)
