"""The rows of a frame by node or by namespace, each group with its sums. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from memcollect.live.model import Frame, Shown
from memcollect.live.rows import Row
from memcollect.live.totals import Totals, totals_of
from memcollect.live.view import Grouping

NOWHERE = {"node": "on no node", "namespace": "in no namespace"}


class Group(Struct, frozen=True, kw_only=True):
    """Rows that belong together; `name` is "" where the frame is one group."""

    name: str
    rows: Sequence[Shown]
    totals: Totals


def groups_of(frame: Frame, grouping: Grouping) -> list[Group]:
    """Return the groups, the one with the largest working set first, each in the frame's own order."""
    if grouping == "none":
        return [Group(name="", rows=frame.rows, totals=frame.total)]
    found: dict[str, list[Shown]] = {}
    for each in frame.rows:
        found.setdefault(_name(each.row, grouping) or NOWHERE[grouping], []).append(each)
    groups = [
        Group(name=name, rows=rows, totals=totals_of([each.row for each in rows]))
        for name, rows in found.items()
    ]
    return sorted(groups, key=lambda group: (-_size(group.totals), group.name))


def _name(row: Row, grouping: Grouping) -> str | None:
    return row.node if grouping == "node" else row.namespace


def _size(totals: Totals) -> int:
    return totals.parts.working_set_bytes or 0 if totals.parts is not None else 0
