"""All nodes at one moment -> rows in order, the rest of them summed, totals, footnotes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from memcollect.documents.snapshot import Missing
from memcollect.join import Failure
from memcollect.live.model import Departed, Frame, Shown, Sort, World
from memcollect.live.nodes import NodeView, overdue
from memcollect.live.rows import Row
from memcollect.live.totals import totals_of

GONE_SECONDS = 60.0
"""So long a pod that was deleted stays in the footer."""


def frame_of(  # noqa: PLR0913 # what is known, when, and how it is to be shown
    world: World,
    now: float,
    patience: float,
    sort: Sort,
    limit: int | None = None,
    *,
    keep: Callable[[Row], bool] = lambda _row: True,
    reverse: bool = False,
) -> Frame:
    """Return the frame of the moment `now`; numbers are stale after `patience` seconds without an answer.

    Only rows that `keep` wants are in it and in its sums; `reverse` turns their order round.
    """
    rows: list[Shown] = []
    missing = list(world.problems)
    stale_nodes = 0
    for view in world.nodes.values():
        why = overdue(view, now, patience) if view.received is not None else None
        stale_nodes += why is not None
        rows += [_shown(row, view, now, stale=why is not None) for row in view.rows]
        missing += view.missing
        missing += [_stale(view, why, now)] if why is not None else []
    kept = [each for each in rows if keep(each.row)]
    running = _ordered([each for each in kept if not each.row.finished], sort, reverse=reverse)
    shown = running if limit is None else running[:limit]
    rest = running[len(shown) :]
    return Frame(
        rows=tuple(shown),
        more=totals_of([each.row for each in rest]) if rest else None,
        total=totals_of([each.row for each in running]),
        missing=tuple(missing),
        stale_nodes=stale_nodes,
        nodes=sum(1 for name in world.nodes if name is not None),
        finished=tuple(sorted(each.row.full_name for each in kept if each.row.finished)),
        left_out=len(rows) - len(kept),
        departed=tuple(each for each in world.departed if now - each.noticed < GONE_SECONDS),
        notes=world.notes,
        with_top=world.with_top,
        now=now,
    )


def departures(
    known: Iterable[Departed], before: Iterable[Row], after: Iterable[Row], now: float
) -> tuple[Departed, ...]:
    """Return the pods that have gone lately: the known ones that are no older than a minute, and new ones."""
    there = {(row.uid, row.full_name) for row in after}
    gone = [
        Departed(
            name=row.full_name,
            noticed=now,
            working_set_bytes=row.parts.working_set_bytes if row.parts is not None else None,
        )
        for row in before
        if (row.uid, row.full_name) not in there
    ]
    return (*(each for each in known if now - each.noticed < GONE_SECONDS), *gone)


def _shown(row: Row, view: NodeView, now: float, *, stale: bool) -> Shown:
    age = now - view.received if view.received is not None else None
    top_age = None
    if age is not None and row.top_at is not None and row.read_at is not None:
        top_age = max(0.0, row.read_at - row.top_at + age)
    measured = row.parts is not None
    return Shown(
        row=row,
        age_seconds=age if measured else None,
        top_age_seconds=top_age,
        stale=stale and measured,
    )


def _stale(view: NodeView, why: Failure, now: float) -> Missing:
    age = now - (view.received or now)
    return Missing(
        kind="node",
        name=view.name or "",
        node=view.name,
        reason=why.reason,
        detail=f"what is shown of it was read {age:.0f} s ago: {why.detail}",
    )


def _ordered(rows: Iterable[Shown], sort: Sort, *, reverse: bool) -> list[Shown]:
    """Return the rows, the largest first or last, the unknown always last; names decide among equals."""
    by_name = sorted(rows, key=lambda shown: shown.row.full_name, reverse=reverse and sort == "name")
    weigh = _WEIGHTS[sort]

    def key(shown: Shown) -> float:
        weight = weigh(shown.row)
        if weight is None:
            return float("inf")
        return weight if reverse else -weight

    return sorted(by_name, key=key)


_WEIGHTS: Mapping[Sort, Callable[[Row], float | None]] = {
    "working-set": lambda row: row.parts.working_set_bytes if row.parts else None,
    "growth": lambda row: row.growth.change_bytes if row.growth else None,
    "limit-share": lambda row: row.use.share,
    "name": lambda _row: 0.0,
}
SORTS: Sequence[Sort] = tuple(_WEIGHTS)
