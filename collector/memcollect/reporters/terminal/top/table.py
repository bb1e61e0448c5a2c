"""The live table: one line for each pod where the terminal is wide, two where it is not. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from rich.text import Text

from memcollect.live.model import Frame, Shown
from memcollect.live.totals import Totals
from memcollect.reporters.escape import visible
from memcollect.reporters.terminal.lines import cut, cut_middle, left, right
from memcollect.reporters.terminal.top import cells
from memcollect.reporters.terminal.top.columns import Column, all_columns, number_columns

MIN_NAME_WIDTH = 12
WIDE_NAME_WIDTH = 18
"""With less room for names, two lines are better than one."""
MAX_NAME_WIDTH = 50
NEAR_LIMIT = 0.9


class Layout(Struct, frozen=True, kw_only=True):
    """What fits: the columns, the name's width, and whether each pod has a second line."""

    name_width: int
    columns: Sequence[Column]
    two_lines: bool
    left_out: Sequence[str] = ()


def layout_of(frame: Frame, width: int) -> Layout:
    """Return how the frame is laid out in `width` columns."""
    names = [visible(name) for name in _names(frame)]
    longest = max((len(name) for name in names), default=0) + 1
    wide = all_columns(frame)
    room = width - sum(column.width for column in wide)
    if room >= min(max(longest, MIN_NAME_WIDTH), WIDE_NAME_WIDTH):
        return Layout(name_width=_name_width(room, longest), columns=wide, two_lines=False)
    columns = number_columns()
    kept = list(columns)
    while kept and width - sum(column.width for column in kept) < MIN_NAME_WIDTH:
        kept.pop()
    room = max(width - sum(column.width for column in kept), 1)
    left_out = [column.title for column in columns[len(kept) :]]
    return Layout(name_width=_name_width(room, longest), columns=kept, two_lines=True, left_out=left_out)


def table_lines(frame: Frame, layout: Layout, width: int) -> Iterator[Text]:
    """Yield the heading, the pods, what the others sum to, and the total."""
    namespace = shared_namespace(frame)
    title = f"POD ({visible(namespace)})" if namespace else "POD"
    yield Text(_line(title, [column.title for column in layout.columns], layout), style="bold")
    for shown, name in zip(frame.rows, _names(frame), strict=True):
        yield from _pod(shown, name, layout, width, with_top=frame.with_top)
    if frame.more is not None:
        yield Text(_sum(f"and {_counted(frame.more)} more", frame.more, layout), style="dim")
    noun = "pod" if frame.total.pods == 1 else "pods"
    yield Text(_sum(f"{_counted(frame.total)} {noun}", frame.total, layout), style="bold")


def shared_namespace(frame: Frame) -> str | None:
    """Return the namespace of all rows, where it is one."""
    namespaces = {each.row.namespace for each in frame.rows}
    return namespaces.pop() if len(namespaces) == 1 else None


def _names(frame: Frame) -> list[str]:
    shared = shared_namespace(frame) is not None
    return [each.row.name if shared else each.row.full_name for each in frame.rows]


def _name_width(room: int, longest: int) -> int:
    return max(1, min(room, max(longest, WIDE_NAME_WIDTH), MAX_NAME_WIDTH))


def _counted(totals: Totals) -> str:
    return str(totals.pods) if totals.measured == totals.pods else f"{totals.measured} of {totals.pods}"


def _pod(shown: Shown, name: str, layout: Layout, width: int, *, with_top: bool) -> Iterator[Text]:
    style = _style(shown)
    yield Text(_line(visible(name), [column.cell(shown) for column in layout.columns], layout), style=style)
    if layout.two_lines:
        row = shown.row
        words = "  ".join(filter(None, cells.details(shown, with_top=with_top)))
        text = visible(f"not measured: {row.unmeasured}" if row.parts is None else words)
        yield Text("  " + cut(text, max(width - 2, 0)), style="dim" if style != "red" else style)


def _style(shown: Shown) -> str:
    if shown.stale:
        return "yellow"
    if shown.row.parts is None:
        return "dim"
    share = shown.row.use.share
    return "red" if share is not None and share >= NEAR_LIMIT else ""


def _sum(label: str, totals: Totals, layout: Layout) -> str:
    return _line(label, [column.total(totals) for column in layout.columns], layout)


def _line(name: str, texts: Sequence[str], layout: Layout) -> str:
    columns = zip(layout.columns, texts, strict=True)
    shown = left(cut_middle(name, layout.name_width - 1), layout.name_width)
    return shown + "".join(right(text, column.width) for column, text in columns)
