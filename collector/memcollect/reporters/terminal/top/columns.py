"""The columns of the live table, as data: a heading, a width, and what stands in them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from msgspec import Struct

from memcollect.live.model import Frame, Shown
from memcollect.live.parts import Part, Parts
from memcollect.live.totals import Totals
from memcollect.live.trend import TREND_POINTS
from memcollect.live.view import ColumnSet
from memcollect.reporters.escape import visible
from memcollect.reporters.sizes import short_size
from memcollect.reporters.terminal.lines import cut_middle
from memcollect.reporters.terminal.top import cells

PART_WIDTH = 8
"""A size with its mark takes seven at most."""
MAX_NODE_WIDTH = 20
PARTIAL_TOTAL = "*"
"""Before a change that is not over all pods."""


WORTH_A_COLOUR_BYTES = 1 << 20
"""A change per minute below it is noise: a page here and there."""
FAST_GROWTH, SLOW_GROWTH = 0.1, 0.001
"""Shares of the working set per minute: doubled in ten minutes, and in most of a day."""
NEAR_LIMIT, TOWARDS_LIMIT = 0.9, 0.75
_ALWAYS = ("WORKSET", "LAST MIN", "CHANGE/MIN", "STALE")
_SETS: Mapping[ColumnSet, Collection[str]] = {
    "parts": (*_ALWAYS, "ANON", "SHMEM", "HOT", "KERNEL", "OTHER"),
    "limits": (*_ALWAYS, "TOP", "AGE", "LIMIT", "USED", "OOM", "NODE"),
}


class Column(Struct, frozen=True, kw_only=True):
    """A column: how it is headed, and what stands in it, for a pod and for a sum."""

    title: str
    width: int
    cell: Callable[[Shown], str]
    style: Callable[[Shown], str] = lambda _shown: ""
    """In which colour it stands, where it is news."""
    total: Callable[[Totals], str] = lambda _totals: ""


def number_columns() -> list[Column]:
    """Return the columns that every layout begins with, the most telling first."""
    return [
        Column(
            title="WORKSET",
            width=8,
            cell=lambda shown: cells.working_set(shown.row),
            total=lambda totals: short_size(totals.parts.working_set_bytes if totals.parts else None),
        ),
        Column(
            title="CHANGE/MIN",
            width=12,
            cell=lambda shown: cells.change(shown.row.growth),
            style=_growth_style,
            total=_total_change,
        ),
        _part("ANON", PART_WIDTH, lambda parts: parts.anon),
        _part("SHMEM", PART_WIDTH, lambda parts: parts.shmem),
        _part("HOT", PART_WIDTH, lambda parts: parts.hot_cache),
        _part("KERNEL", PART_WIDTH, lambda parts: parts.kernel),
        Column(
            title="OTHER",
            width=PART_WIDTH,
            cell=lambda shown: cells.other(shown.row),
            total=lambda totals: short_size(totals.parts.other_bytes if totals.parts else None),
        ),
    ]


def _part(title: str, width: int, chosen: Callable[[Parts], Part]) -> Column:
    return Column(
        title=title,
        width=width,
        cell=lambda shown: cells.part(chosen(shown.row.parts) if shown.row.parts else Part()),
        total=lambda totals: cells.part(chosen(totals.parts) if totals.parts else Part()),
    )


def _total_change(totals: Totals) -> str:
    mark = PARTIAL_TOTAL if 0 < totals.with_minute < totals.measured else ""
    return f"{mark}{cells.signed(totals.per_minute_bytes)}"


def _growth_style(shown: Shown) -> str:
    """Return red for what doubles within ten minutes, yellow for what does within a day."""
    growth, parts = shown.row.growth, shown.row.parts
    change = growth.per_minute_bytes if growth is not None else None
    if change is None or parts is None or change < WORTH_A_COLOUR_BYTES:
        return ""
    share = change / max(parts.working_set_bytes, 1)
    return "red" if share >= FAST_GROWTH else "yellow" if share >= SLOW_GROWTH else ""


def _use_style(shown: Shown) -> str:
    share = shown.row.use.share
    if share is None:
        return ""
    return "bold red" if share >= NEAR_LIMIT else "yellow" if share >= TOWARDS_LIMIT else ""


def chosen_columns(frame: Frame, columns: ColumnSet) -> list[Column]:
    """Return the columns of a set, of those that have something to say."""
    return [each for each in all_columns(frame) if columns == "all" or each.title in _SETS[columns]]


def all_columns(frame: Frame) -> list[Column]:
    """Return every column that has something to say."""
    numbers = number_columns()
    trend = Column(title="LAST MIN", width=TREND_POINTS + 2, cell=lambda shown: cells.trend(shown.row.growth))
    top = Column(
        title="TOP",
        width=8,
        cell=lambda shown: short_size(shown.row.top_bytes),
        total=lambda totals: (
            ("≥" if totals.in_top < totals.pods else "") * bool(totals.in_top) + short_size(totals.top_bytes)
        ),
    )
    top_age = Column(title="AGE", width=6, cell=lambda shown: cells.age(shown.top_age_seconds))
    kills = Column(
        title="OOM",
        width=5,
        cell=lambda shown: cells.kills(shown.row.oom_kills),
        style=lambda shown: "bold red" if shown.row.oom_kills else "",
        total=lambda totals: cells.kills(totals.oom_kills),
    )
    stale = Column(
        title="STALE", width=7, cell=lambda shown: cells.age(shown.age_seconds) if shown.stale else ""
    )
    nodes = {visible(each.row.node or "") for each in frame.rows}
    node_width = min(max((len(node) for node in nodes), default=0), MAX_NODE_WIDTH)
    node = Column(
        title="NODE",
        width=max(node_width, 4) + 2,
        cell=lambda shown: cut_middle(visible(shown.row.node or ""), MAX_NODE_WIDTH),
    )
    return [
        numbers[0],
        trend,
        *numbers[1:],
        *([top, top_age] if frame.with_top else []),
        Column(title="LIMIT", width=8, cell=lambda shown: cells.limit(shown.row.use)),
        Column(title="USED", width=6, cell=lambda shown: cells.used(shown.row.use), style=_use_style),
        *([kills] if any(each.row.oom_kills for each in frame.rows) else []),
        *([stale] if any(each.stale for each in frame.rows) else []),
        node,
    ]
