"""The live view as a person uses it: a window over the table, a selected pod, a filter, pages to open. Pure.

What does not fit is above or below the window, and the heading says how many pods there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from rich.text import Text

from memcollect.live.groups import Group, groups_of
from memcollect.live.model import Frame
from memcollect.live.view import HELP, Scene, View, selected_index
from memcollect.reporters.escape import visible
from memcollect.reporters.terminal.lines import cut, left
from memcollect.reporters.terminal.top.notes import note_lines
from memcollect.reporters.terminal.top.page import cut_notes, heading
from memcollect.reporters.terminal.top.table import (
    Layout,
    heading_line,
    layout_of,
    more_line,
    pod_lines,
    sum_line,
    total_line,
)

HINTS = "↑↓ select  Enter open  / filter  s sort  g group  c columns  p pause  ? help  q quits"
PAGE_HINTS = "↑↓ scroll  r read again  Esc back  Ctrl-C ends"
HELP_KEY_WIDTH = 12
FEWEST_ROWS = 3
"""With less room for pods than that the notes give way."""


class Screen(Struct, frozen=True, kw_only=True):
    """Lines that fit, and what keys need to know of them."""

    lines: Sequence[Text]
    scene: Scene
    offset: int = 0
    """How many lines of the table are above the window."""


class _Body(Struct, frozen=True, kw_only=True):
    """The lines of all rows, and where each pod's begin."""

    lines: Sequence[Text]
    uids: Sequence[str]
    starts: Sequence[int]


def table_screen(frame: Frame, view: View, title: str, width: int, height: int) -> Screen:
    """Return the table around the selected pod in `height` lines of at most `width` columns."""
    layout = layout_of(frame, width, view.columns)
    body = _body(frame, view, layout, width)
    head = [_title(frame, view, title, width), _prompt(frame, view, width), heading_line(frame, layout)]
    foot = [*_sums(frame, layout), *_notes(frame, layout, width, height), _hints(HINTS, width)]
    room = max(height - len(head) - len(foot), 1)
    offset = _offset(body, view, room)
    window = [*body.lines[offset : offset + room]]
    lines = [*head, *window, *[Text()] * (room - len(window)), *foot][:height]
    for line in lines:
        line.truncate(width)
    per_row = 2 if layout.two_lines else 1
    scene = Scene(uids=body.uids, rows=max(room // per_row - 1, 1))
    return Screen(lines=lines, scene=scene, offset=offset)


def page_screen(
    title: str, page: Sequence[Text], view: View, uids: Sequence[str], size: tuple[int, int]
) -> Screen:
    """Return what of a page is to be seen; `size` is the screen's columns and lines."""
    width, height = size
    room = max(height - 2, 1)
    last = max(len(page) - room, 0)
    scroll = min(view.scroll, last)
    window = list(page[scroll : scroll + room])
    where = f"  {scroll + len(window)} of {len(page)} lines" if last else ""
    lines = [
        Text(cut(f"memcollect top  {visible(title)}{where}", width), style="bold cyan"),
        *window,
        *[Text()] * (room - len(window)),
        _hints(PAGE_HINTS, width),
    ][:height]
    return Screen(lines=lines, scene=Scene(uids=uids, last_scroll=last, page_lines=max(room - 1, 1)))


def help_lines(width: int) -> list[Text]:
    """Return what each key does, in lines of at most `width` columns."""
    return [
        Text(),
        *(Text(cut(f"  {left(keys, HELP_KEY_WIDTH)}{what}", width)) for keys, what in HELP),
        Text(),
        Text(cut("  WORKSET is what kubectl top shows: memory.current − inactive_file, read now.", width)),
        Text(cut("  yellow and red: growth, and use of the limit from 75 and from 90 %", width)),
    ]


def _title(frame: Frame, view: View, title: str, width: int) -> Text:
    order = f"by {view.sort.replace('-', ' ')}{', reversed' if view.reverse else ''}"
    text = heading(frame, f"{'PAUSED (p goes on), ' if view.paused else ''}{order}, {title}")
    return Text(cut(text, width), style="bold yellow" if view.paused else "bold cyan")


def _prompt(frame: Frame, view: View, width: int) -> Text:
    """Return the filter, while it is typed and while it holds; an empty line otherwise."""
    if not view.typing and not view.needle:
        return Text()
    total = frame.total.pods + frame.left_out
    counted = f"{frame.total.pods} of {total} pods"
    end = "▏  Enter keeps it, Esc clears it" if view.typing else f"  {counted}, Esc shows all"
    return Text(cut(f"/{visible(view.needle)}{end}", width), style="bold" if view.typing else "yellow")


def _sums(frame: Frame, layout: Layout) -> Iterator[Text]:
    if frame.more is not None:
        yield more_line(frame.more, layout)
    yield total_line(frame, layout)


def _hints(text: str, width: int) -> Text:
    return Text(cut(text, width), style="dim")


def _notes(frame: Frame, layout: Layout, width: int, height: int) -> list[Text]:
    notes = list(note_lines(frame, layout.left_out, width))
    if not notes or height < 2 * FEWEST_ROWS + len(notes[:1]):
        return []
    return [Text(), *cut_notes(notes, height)]


def _body(frame: Frame, view: View, layout: Layout, width: int) -> _Body:
    groups = groups_of(frame, view.grouping)
    uids = [shown.row.uid for group in groups for shown in group.rows]
    chosen = uids[selected_index(view, uids)] if uids else ""
    lines: list[Text] = []
    starts: list[int] = []
    for group in groups:
        lines += _group_heading(group, layout)
        for shown in group.rows:
            starts.append(len(lines))
            lines += pod_lines(frame, shown, layout, width, selected=shown.row.uid == chosen)
    return _Body(lines=lines, uids=uids, starts=starts)


def _group_heading(group: Group, layout: Layout) -> Iterator[Text]:
    if group.name:
        count = len(group.rows)
        yield sum_line(f"{group.name}: {count} pod{'' if count == 1 else 's'}", group.totals, layout, "cyan")


def _offset(body: _Body, view: View, room: int) -> int:
    """Return from where the window shows the selected pod whole, moved no further than it must be."""
    if not body.uids:
        return 0
    index = selected_index(view, body.uids)
    first = body.starts[index] if index else 0
    last = (body.starts[index + 1] if index + 1 < len(body.starts) else len(body.lines)) - 1
    offset = min(view.offset, first)
    offset = max(offset, last - room + 1)
    return max(min(offset, len(body.lines) - room), 0)
