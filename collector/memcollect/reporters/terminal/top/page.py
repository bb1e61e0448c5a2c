"""The live view for a pipe or a terminal that scrolls: title, table, footnotes. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from memcollect.live.model import Frame
from memcollect.reporters.terminal.lines import cut
from memcollect.reporters.terminal.top.notes import note_lines
from memcollect.reporters.terminal.top.table import layout_of, table_lines

MOST_OF_NOTES = 3
"""One line in so many is theirs at most, where there is not room for all."""
FEWEST_NOTES = 4


def page_lines(frame: Frame, title: str, width: int) -> list[Text]:
    """Return all of the frame in lines of at most `width` columns."""
    layout = layout_of(frame, width)
    notes = list(note_lines(frame, layout.left_out, width))
    lines = [
        Text(cut(heading(frame, title), width), style="bold cyan"),
        Text(),
        *table_lines(frame, layout, width),
        *([Text()] if notes else []),
        *notes,
    ]
    for line in lines:
        line.truncate(width)
    return lines


def heading(frame: Frame, title: str) -> str:
    """Return the first line: how many pods, on how many nodes, and how they are shown."""
    nodes = f"{frame.nodes} node" + ("" if frame.nodes == 1 else "s")
    stale = f", {frame.stale_nodes} stale" if frame.stale_nodes else ""
    pods = f"{frame.total.pods} pod" + ("" if frame.total.pods == 1 else "s")
    return f"memcollect top  {pods} on {nodes}{stale}, {title}"


def cut_notes(notes: Sequence[Text], height: int) -> list[Text]:
    """Return the first of the notes, on a screen of `height` lines, and how many are left out."""
    most = max(FEWEST_NOTES, height // MOST_OF_NOTES)
    if len(notes) <= most:
        return list(notes)
    left_out = len(notes) - most + 1
    return [*notes[: most - 1], Text(f"  … {left_out} more lines: `--once` prints them all", style="dim")]
