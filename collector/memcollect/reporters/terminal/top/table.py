"""The live table: one line for each pod where the terminal is wide, two where it is not. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from rich.text import Text

from memcollect.live.model import Frame, Shown
from memcollect.live.totals import Totals
from memcollect.live.view import ColumnSet
from memcollect.reporters.escape import visible
from memcollect.reporters.terminal.lines import cut, cut_middle, left, right
from memcollect.reporters.terminal.top import cells
from memcollect.reporters.terminal.top.columns import NEAR_LIMIT, Column, chosen_columns, number_columns

MIN_NAME_WIDTH = 12
WIDE_NAME_WIDTH = 18
"""With less room for names, two lines are better than one."""
MAX_NAME_WIDTH = 50
SELECTED = "reverse"


class Layout(Struct, frozen=True, kw_only=True):
    """What fits: the columns, the name's width, and whether each pod has a second line."""

    name_width: int
    columns: Sequence[Column]
    two_lines: bool
    left_out: Sequence[str] = ()


def layout_of(frame: Frame, width: int, columns: ColumnSet = "all") -> Layout:
    """Return how the frame is laid out in `width` columns."""
    names = [visible(name) for name in _names(frame)]
    longest = max((len(name) for name in names), default=0) + 1
    wide = chosen_columns(frame, columns)
    room = width - sum(column.width for column in wide)
    if room >= min(max(longest, MIN_NAME_WIDTH), WIDE_NAME_WIDTH):
        return Layout(name_width=_name_width(room, longest), columns=wide, two_lines=False)
    numbers = number_columns()
    kept = list(numbers)
    while kept and width - sum(column.width for column in kept) < MIN_NAME_WIDTH:
        kept.pop()
    room = max(width - sum(column.width for column in kept), 1)
    left_out = [column.title for column in numbers[len(kept) :]]
    return Layout(name_width=_name_width(room, longest), columns=kept, two_lines=True, left_out=left_out)


def table_lines(frame: Frame, layout: Layout, width: int) -> Iterator[Text]:
    """Yield the heading, the pods, what the others sum to, and the total."""
    yield heading_line(frame, layout)
    for shown in frame.rows:
        yield from pod_lines(frame, shown, layout, width)
    if frame.more is not None:
        yield more_line(frame.more, layout)
    yield total_line(frame, layout)


def heading_line(frame: Frame, layout: Layout) -> Text:
    """Return the names of the columns."""
    namespace = shared_namespace(frame)
    title = f"POD ({visible(namespace)})" if namespace else "POD"
    return Text(_line(title, [column.title for column in layout.columns], layout), style="bold")


def more_line(more: Totals, layout: Layout) -> Text:
    """Return the sums over the pods beyond the limit."""
    return sum_line(f"and {_counted(more)} more", more, layout, "dim")


def total_line(frame: Frame, layout: Layout) -> Text:
    """Return the sums over all pods."""
    noun = "pod" if frame.total.pods == 1 else "pods"
    return sum_line(f"{_counted(frame.total)} {noun}", frame.total, layout, "bold")


def sum_line(label: str, totals: Totals, layout: Layout, style: str) -> Text:
    """Return sums under a label, which is made visible here."""
    texts = [column.total(totals) for column in layout.columns]
    return Text(_line(visible(label), texts, layout), style=style)


def pod_lines(
    frame: Frame, shown: Shown, layout: Layout, width: int, *, selected: bool = False
) -> Iterator[Text]:
    """Yield a pod's line, or its two lines where the layout has two."""
    row = shown.row
    name = row.name if shared_namespace(frame) is not None else row.full_name
    texts = [column.cell(shown) for column in layout.columns]
    style = _style(shown)
    line = Text(_line(visible(name), texts, layout), style=SELECTED if selected else style)
    if not style and not selected:
        _colour_cells(line, shown, layout)
    yield line
    if layout.two_lines:
        words = "  ".join(filter(None, cells.details(shown, with_top=frame.with_top)))
        text = visible(f"not measured: {row.unmeasured}" if row.parts is None else words)
        style = style if style == "red" else "dim"
        yield Text("  " + cut(text, max(width - 2, 0)), style=SELECTED if selected else style)


def _colour_cells(line: Text, shown: Shown, layout: Layout) -> None:
    end = layout.name_width
    for column in layout.columns:
        end += column.width
        line.stylize(column.style(shown), end - column.width, end)


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


def _style(shown: Shown) -> str:
    if shown.stale:
        return "yellow"
    if shown.row.parts is None:
        return "dim"
    share = shown.row.use.share
    return "red" if share is not None and share >= NEAR_LIMIT else ""


def _line(name: str, texts: Sequence[str], layout: Layout) -> str:
    columns = zip(layout.columns, texts, strict=True)
    shown = left(cut_middle(name, layout.name_width - 1), layout.name_width)
    return shown + "".join(right(text, column.width) for column, text in columns)
