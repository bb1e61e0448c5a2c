"""A whole screen of the live view: title, table, footnotes, cut to what there is room for. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.text import Text

from memcollect.live.model import Frame
from memcollect.reporters.terminal.lines import cut
from memcollect.reporters.terminal.top.notes import note_lines
from memcollect.reporters.terminal.top.table import layout_of, table_lines

MOST_OF_NOTES = 3
"""One line in so many is theirs at most, where there is not room for all."""
FEWEST_NOTES = 4

FrameOf = Callable[[int | None], Frame]
"""Gives the frame with at most so many rows; None: with all that were asked for."""


def page_lines(frame_of: FrameOf, title: str, width: int, height: int | None = None) -> list[Text]:
    """Return the lines, none wider than `width`, and where `height` is given no more than that.

    Where not all pods fit, the rest is summed in a line, just as a limit's is.
    """
    frame = frame_of(None)
    lines = _lines(frame, title, width, height)
    if height is None or len(lines) <= height:
        return lines
    per_row = 2 if layout_of(frame, width).two_lines else 1
    rows = len(frame.rows)
    while len(lines) > height and rows > 1:
        # One more line goes to the sum of what is left out.
        over = len(lines) - height + (1 if frame.more is None else 0)
        rows = max(1, rows - max(1, -(-over // per_row)))
        frame = frame_of(rows)
        lines = _lines(frame, title, width, height)
    return lines[:height]


def _lines(frame: Frame, title: str, width: int, height: int | None) -> list[Text]:
    layout = layout_of(frame, width)
    heading = Text(cut(_heading(frame, title), width), style="bold cyan")
    notes = _cut_notes(list(note_lines(frame, layout.left_out, width)), height)
    lines = [heading, Text(), *table_lines(frame, layout, width), *([Text()] if notes else []), *notes]
    for line in lines:
        line.truncate(width)
    return lines


def _heading(frame: Frame, title: str) -> str:
    nodes = f"{frame.nodes} node" + ("" if frame.nodes == 1 else "s")
    stale = f", {frame.stale_nodes} stale" if frame.stale_nodes else ""
    pods = f"{frame.total.pods} pod" + ("" if frame.total.pods == 1 else "s")
    return f"memcollect top  {pods} on {nodes}{stale}, {title}"


def _cut_notes(notes: Sequence[Text], height: int | None) -> list[Text]:
    most = len(notes) if height is None else max(FEWEST_NOTES, height // MOST_OF_NOTES)
    if len(notes) <= most:
        return list(notes)
    left_out = len(notes) - most + 1
    return [*notes[: most - 1], Text(f"  … {left_out} more lines: `--once` prints them all", style="dim")]
