"""What nodes lost while they held pods, and what they did not get back. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from memcollect.compare.model import Comparison, LeftoverSummary, NodeSummary, Spread
from memcollect.compare.nodes import WHY_THEY_DIFFER
from memcollect.reporters.paged.layout import Bytes, Cell, Column, Range, Section, Table

AFTER_DELETION = (
    "Against the look before the pods were asked for: the median over the repeats, and of counts the worst."
    " Available: of the node, negative where memory did not come back. Charged: to the cgroup of all pods,"
    " positive where removed ones still hold memory or other pods grew. Dying: how many more removed cgroups"
    " still hold some. Shims are looked for on the whole node, by the ids of the pods' containers. A kubelet"
    " needs some seconds: cgroups and processes are looked for each second until none is left, for 60 s"
    " and a last look, and what stands here was seen then. Looked: how long, the longest over the repeats."
)


def nodes(comparison: Comparison) -> Iterator[Section]:
    """Yield what nodes lost per pod: of each phase the median over the repeats."""
    if not comparison.node_summaries:
        return
    columns = [
        Column("Phase", right=False),
        Column("Backend", right=False),
        Column("Pods"),
        Column("n", wide=True),
        Column("Node lost"),
        Column("Min–max", wide=True),
        Column("Work. set"),
        Column("Charged"),
        Column("PSS"),
        Column("Node", right=False, wide=True),
    ]
    rows = [_node_row(row) for row in comparison.node_summaries]
    yield Section("Per pod: what the node lost", [WHY_THEY_DIFFER], table=Table(columns, rows))


def _node_row(row: NodeSummary) -> list[Cell]:
    return [
        row.phase.short,
        row.backend,
        str(row.pods),
        str(row.lost.n),
        Bytes(row.lost.median_bytes),
        Range(row.lost.low_bytes, row.lost.high_bytes, values=row.lost.values_bytes),
        Bytes(row.working_set_bytes),
        Bytes(row.charged_bytes),
        Bytes(row.pss_bytes),
        row.node,
    ]


def leftovers(comparison: Comparison) -> Iterator[Section]:
    """Yield what nodes still held once pods were deleted."""
    if not comparison.leftover_summaries:
        return
    columns = [
        Column("Deleted", right=False),
        Column("Backend", right=False),
        Column("Available"),
        Column("Min–max", wide=True),
        Column("Charged"),
        Column("Min–max", wide=True),
        Column("Cgroups"),
        Column("Dying"),
        Column("Looked"),
        Column("Processes", right=False),
        Column("Node", right=False, wide=True),
    ]
    rows = [_leftover_row(row) for row in comparison.leftover_summaries]
    yield Section("After deletion", [AFTER_DELETION], table=Table(columns, rows))


def _leftover_row(row: LeftoverSummary) -> list[Cell]:
    return [
        "the whole run" if row.phase is None else row.phase.short,
        row.backend,
        *_median(row.available_change),
        *_median(row.pods_charge_change),
        _count(row.cgroups),
        "?" if row.dying_change is None else f"{row.dying_change:+d}" if row.dying_change else "0",
        "?" if row.waited_seconds is None else f"{ceil(row.waited_seconds)} s",
        ", ".join(row.processes) or _none_seen(row),
        row.node,
    ]


def _median(found: Spread | None) -> tuple[Cell, Cell]:
    if found is None:
        return Bytes(None), "?"
    return Bytes(found.median_bytes, signed=True), Range(found.low_bytes, found.high_bytes, signed=True)


def _none_seen(row: LeftoverSummary) -> str:
    return (
        f"none in cgroups; others not known: {row.processes_unknown}"
        if row.processes_unknown
        else "none seen"
    )


def _count(number: int | None) -> str:
    return "?" if number is None else str(number)
