"""The numbers: per pod, by phase, by backend, term by term. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from memcollect.compare.model import Cell as PhaseCell
from memcollect.compare.model import Comparison, Delta, Pair, Spread
from memcollect.compare.values import HEADLINE, TOTALS, WHOLE_POD
from memcollect.compare.values import TERMS as VALUES
from memcollect.compare.wording import percent
from memcollect.reporters.compare.claims import main_kind
from memcollect.reporters.paged.layout import Bullet, Bytes, Cell, Column, Range, Section, Table
from memcollect.reporters.words import TERMS

METRICS = {
    "working_set": "working set",
    "top": "kubectl top",
    "pod_working_set": "whole pod cgroup",
    "pod_charge": "charged, with cache",
    "pss": "PSS of processes",
}
FIRST = TOTALS
TERM_ORDER = {term: index for index, term in enumerate(VALUES)}


def metric_label(metric: str) -> str:
    """Return what a person calls the metric."""
    return METRICS.get(metric) or TERMS.get(metric) or metric.replace("_", " ")


def overview(comparison: Comparison) -> Section:
    """Return the working set of every phase of every backend."""
    columns = [
        Column("Phase", right=False),
        Column("Backend", right=False),
        Column("n"),
        Column("Pods"),
        Column("Median"),
        Column("Min–max"),
        Column("Middle half", wide=True),
        Column("Whole pod", wide=all(_spread(cell, HEADLINE) for cell in comparison.cells)),
    ]
    return Section("Working set per pod", table=Table(columns, [_overview_row(e) for e in comparison.cells]))


def _overview_row(cell: PhaseCell) -> list[Cell]:
    pods = "/".join(map(str, sorted(set(cell.pods))))
    head: list[Cell] = [cell.phase.short, cell.backend, str(cell.repeats), pods]
    spread, whole = _spread(cell, HEADLINE), _spread(cell, WHOLE_POD)
    last = Bytes(whole.median_bytes if whole else None)
    if spread is None:
        return [*head, Bytes(None), "?", "?", last]
    ends = Range(spread.low_bytes, spread.high_bytes, values=spread.values_bytes)
    return [*head, Bytes(spread.median_bytes), ends, Range(spread.q1_bytes, spread.q3_bytes), last]


def _spread(cell: PhaseCell, metric: str) -> Spread | None:
    measure = cell.measure(metric)
    return measure.spread if measure else None


def term_tables(comparison: Comparison) -> Iterator[Section]:
    """Yield a table for each pair of backends, what changed, term by term; of phases where there is one."""
    for pair in comparison.pairs:
        if pair.kind == main_kind(comparison) and pair.deltas:
            yield _term_table(pair)


def _term_table(pair: Pair) -> Section:
    before, after = pair.baseline, pair.candidate
    if pair.kind == "backends":
        title, names = (
            f"{after.phase.label}: {after.backend} against {before.backend}",
            (before.backend, after.backend),
        )
    else:
        title, names = (
            f"{after.phase.label} against {before.phase.label}",
            (before.phase.short, after.phase.short),
        )
    columns = [
        Column("Per pod", right=False),
        Column("n"),
        Column(names[0], foreign=True),
        Column("Min–max", wide=True),
        Column(names[1], foreign=True),
        Column("Min–max", wide=True),
        Column("Change"),
        Column(_interval([pair])),
    ]
    rows = [_delta_row(each) for each in _told(pair.deltas)]
    reasons = dict.fromkeys(
        f"{metric_label(each.metric)}: {each.reason}" for each in pair.deltas if each.reason
    )
    return Section(
        title, bullets=[Bullet(reason) for reason in reasons], table=Table(columns, rows), folded=True
    )


def _told(deltas: Iterable[Delta]) -> list[Delta]:
    """Return what is worth a row, the largest change first: no terms that hold nothing on either side."""
    told = [each for each in deltas if each.metric in FIRST or not _is_nothing(each)]

    def weight(delta: Delta) -> tuple[int, int, str]:
        if delta.metric in FIRST:
            return (FIRST.index(delta.metric), 0, "")
        change = abs(delta.difference.estimate_bytes) if delta.difference else 0
        return (len(FIRST) + (delta.metric == "residual"), -change, delta.metric)

    return sorted(told, key=weight)


def _is_nothing(delta: Delta) -> bool:
    sides = (delta.baseline, delta.candidate)
    return not delta.reason and all(
        side is not None and side.low_bytes == 0 and side.high_bytes == 0 for side in sides
    )


def _delta_row(delta: Delta) -> list[Cell]:
    sides = (delta.baseline, delta.candidate)
    counts = "/".join("?" if side is None else str(side.n) for side in sides)
    row: list[Cell] = [metric_label(delta.metric), counts]
    for side in sides:
        row += (
            [Bytes(None), ""]
            if side is None
            else [Bytes(side.median_bytes), Range(side.low_bytes, side.high_bytes)]
        )
    found = delta.difference
    if found is None:
        return [*row, Bytes(None), "?"]
    return [
        *row,
        Bytes(found.estimate_bytes, signed=True),
        Range(found.low_bytes, found.high_bytes, signed=True),
    ]


def differences(comparison: Comparison) -> Iterator[Section]:
    """Yield what each other backend holds more than the baseline, phase by phase, and in which terms."""
    for backend in comparison.backends:
        pairs = [e for e in comparison.pairs if e.kind == "backends" and e.candidate.backend == backend]
        if pairs:
            yield _changes(f"{backend}: working set per pod, against {pairs[0].baseline.backend}", pairs)


def growth(comparison: Comparison) -> Iterator[Section]:
    """Yield what each backend's phases hold more than its first, and in which terms."""
    for backend in comparison.backends:
        pairs = [e for e in comparison.pairs if e.kind == "phases" and e.baseline.backend == backend]
        if pairs:
            yield _changes(f"{backend}: working set per pod, against {pairs[0].baseline.phase.label}", pairs)


def _changes(title: str, pairs: Sequence[Pair]) -> Section:
    terms = _moving(pairs)
    columns = [
        Column("Phase", right=False),
        Column("n"),
        Column("Change"),
        Column(_interval(pairs)),
        Column("Most of it", right=False),
        *(Column(metric_label(term), wide=True) for term in terms),
    ]
    rows = [[*_growth_row(pair), *(_part(pair, term) for term in terms)] for pair in pairs]
    return Section(title, table=Table(columns, rows))


def _interval(pairs: Iterable[Pair]) -> str:
    """Return the heading of intervals: with their level, where they have one and the same."""
    found = [each.difference for pair in pairs for each in pair.deltas if each.difference is not None]
    levels = {percent(each.level) for each in found if each.low_bytes is not None}
    return f"{next(iter(levels))} interval" if len(levels) == 1 else "Interval"


def _moving(pairs: Iterable[Pair]) -> list[str]:
    """Return the terms of which some phase holds more or less, in the order of the composition."""
    moving = {
        each.metric: None
        for pair in pairs
        for each in pair.deltas
        if each.metric not in FIRST and each.difference is not None and _change(each)
    }
    return sorted(moving, key=lambda term: (term == "residual", TERM_ORDER.get(term, len(TERM_ORDER))))


def _part(pair: Pair, term: str) -> Bytes:
    found = next((each.difference for each in pair.deltas if each.metric == term), None)
    return Bytes(found.estimate_bytes if found is not None else None, signed=True)


def _growth_row(pair: Pair) -> list[Cell]:
    headline = next((each for each in pair.deltas if each.metric == "working_set"), None)
    found = headline.difference if headline is not None else None
    if found is None:
        return [pair.candidate.phase.short, "?", Bytes(None), "?", ""]
    way = 1 if found.estimate_bytes >= 0 else -1
    largest = max(
        (each for each in pair.deltas if each.metric not in FIRST),
        key=lambda each: way * _change(each),
        default=None,
    )
    most = metric_label(largest.metric) if largest is not None and way * _change(largest) > 0 else ""
    return [
        pair.candidate.phase.short,
        f"{found.n_before}/{found.n_after}",
        Bytes(found.estimate_bytes, signed=True),
        Range(found.low_bytes, found.high_bytes, signed=True),
        most,
    ]


def _change(delta: Delta) -> int:
    return delta.difference.estimate_bytes if delta.difference is not None else 0
