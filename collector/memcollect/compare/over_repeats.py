"""What nodes lost and held, over the repeats of a phase. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, TypeVar

from memcollect.compare.model import Leftover, LeftoverSummary, NodeRow, NodeSummary, Spread
from memcollect.compare.statistics import spread

R = TypeVar("R", NodeRow, Leftover)
Number = TypeVar("Number", int, float)


def node_summaries(rows: Iterable[NodeRow]) -> Iterator[NodeSummary]:
    """Yield one summary for each phase, backend and node, in the order in which they first come."""
    for some in _together(rows):
        yield NodeSummary(
            backend=some[0].backend,
            phase=some[0].phase,
            node=some[0].node,
            pods=max(row.pods for row in some),
            lost=spread([row.per_pod_bytes for row in some]),
            working_set_bytes=_median([row.working_set_bytes for row in some]),
            charged_bytes=_median([row.charged_bytes for row in some]),
            pss_bytes=_median([row.pss_bytes for row in some]),
        )


def leftover_summaries(rows: Iterable[Leftover]) -> Iterator[LeftoverSummary]:
    """Yield one summary for each phase (None: the whole run), backend and node, likewise."""
    for some in _together(rows):
        yield LeftoverSummary(
            backend=some[0].backend,
            phase=some[0].phase,
            node=some[0].node,
            available_change=_spread([row.available_change_bytes for row in some]),
            pods_charge_change=_spread([row.pods_charge_change_bytes for row in some]),
            cgroups=_most([row.cgroups for row in some]),
            dying_change=_most([row.dying_change for row in some]),
            processes=sorted({name for row in some for name in row.processes}),
            waited_seconds=_most([row.waited_seconds for row in some]),
            processes_unknown=next((row.processes_unknown for row in some if row.processes_unknown), ""),
        )


def _together(rows: Iterable[R]) -> Iterator[list[R]]:
    listed = list(rows)
    first: dict[Any, int] = {}
    for place, row in enumerate(listed):
        first.setdefault(_key(row), place)
    ordered = sorted(listed, key=lambda row: first[_key(row)])
    for _, some in groupby(ordered, _key):
        yield list(some)


def _key(row: NodeRow | Leftover) -> Any:
    return (row.phase, row.backend, row.node)


def _spread(values: Sequence[int | None]) -> Spread | None:
    known = _all_known(values)
    return spread(known) if known else None


def _median(values: Sequence[int | None]) -> int | None:
    known = _all_known(values)
    return spread(known).median_bytes if known else None


def _most(values: Sequence[Number | None]) -> Number | None:
    known = _all_known(values)
    return max(known) if known else None


def _all_known(values: Sequence[Number | None]) -> list[Number]:
    """Return the values, none where one of them is not known: a part is not the whole."""
    known = [value for value in values if value is not None]
    return known if len(known) == len(values) else []
