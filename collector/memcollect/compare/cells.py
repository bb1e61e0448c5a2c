"""Observations gathered: backend by phase, repeat by repeat. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from memcollect.compare.inputs import NOT_RECORDED, Observation, returns
from memcollect.compare.model import Capacity, Cell, Delta, Measure, PhaseKey
from memcollect.compare.statistics import difference, spread
from memcollect.compare.values import (
    HEADLINE,
    WHOLE_POD,
    Known,
    held_bytes,
    measured_pods,
    repeat_values,
)
from memcollect.documents.snapshot import Pod
from memcollect.documents.times import taken_at


@dataclass(frozen=True)
class Group:
    """All observations of one phase of one backend."""

    backend: str
    phase: PhaseKey
    observations: list[Observation] = field(default_factory=list)

    def repeats(self) -> dict[str, list[Observation]]:
        """Return the observations by repeat; several of one repeat (the rounds of a phase) count once."""
        by_repeat: defaultdict[str, list[Observation]] = defaultdict(list)
        for each in self.observations:
            by_repeat[f"{each.source}\0{each.repeat}"].append(each)
        return dict(by_repeat)

    def pods(self) -> list[Pod]:
        """Return every pod of every snapshot."""
        return [pod for each in self.observations for pod in each.snapshot.pods]


def group(observed: Iterable[tuple[str, Observation]]) -> dict[tuple[str, PhaseKey], Group]:
    """Return groups by (backend, phase), each with its observations in an order of their own."""
    groups: dict[tuple[str, PhaseKey], Group] = {}
    for backend, each in sorted(observed, key=_order):
        key = (backend, each.phase)
        groups.setdefault(key, Group(backend, each.phase)).observations.append(each)
    return groups


def _order(observed: tuple[str, Observation]) -> tuple[object, ...]:
    backend, each = observed
    return (backend, each.source, each.repeat, each.order, taken_at(each.snapshot))


def phase_order(observed: Iterable[Observation]) -> list[PhaseKey]:
    """Return the phases as the plans order them, those of no plan by their earliest snapshot."""
    first: dict[PhaseKey, tuple[object, ...]] = {}
    for each in observed:
        known = first.get(each.phase)
        first[each.phase] = each.order if known is None else min(known, each.order)
    return sorted(first, key=lambda key: (first[key], key.label))


def in_turn(groups: Iterable[Group], order: Sequence[PhaseKey]) -> Iterator[tuple[Observation, Observation]]:
    """Yield each two phases of one repeat that follow one another, of those that list their processes."""
    place = {key: index for index, key in enumerate(order)}
    by_repeat: defaultdict[str, list[Observation]] = defaultdict(list)
    for each in (each for group_ in groups for each in group_.observations):
        if each.snapshot.scope.processes:
            by_repeat[_sequence(each)].append(each)
    for some in by_repeat.values():
        ordered = sorted(some, key=lambda each: (place[each.phase], taken_at(each.snapshot)))
        yield from (pair for pair in pairwise(ordered) if pair[0].phase != pair[1].phase)


def _sequence(observation: Observation) -> str:
    """Single snapshots are one sequence: nobody numbered their repeats."""
    return f"{observation.source}\0{observation.repeat}" if observation.status is not None else ""


def cell(group_: Group) -> Cell:
    """Return the group's numbers over its repeats."""
    repeats = [_pods_of(each) for each in group_.repeats().values()]
    values = [repeat_values(pods) for pods in repeats if pods]
    names = dict.fromkeys(name for row in values for name in row)
    reuses = returns(group_.observations)
    statuses = Counter(each.status or NOT_RECORDED for each in group_.observations)
    return Cell(
        backend=group_.backend,
        phase=group_.phase,
        repeats=len(repeats),
        pods=sorted(len(pods) for pods in repeats),
        measures=[_measure(name, [row.get(name, 0) for row in values]) for name in names],
        capacity=_capacity(repeats),
        statuses=dict(sorted(statuses.items())),
        reused=sum(reuses) if reuses else None,
        reuses=len(reuses),
    )


def _capacity(repeats: Sequence[Sequence[Pod]]) -> Capacity | None:
    measured = [pods for pods in repeats if pods]
    if not measured or any(len({pod.uid for pod in pods}) < len(pods) for pods in measured):
        return None  # one pod in two snapshots of a repeat is not two
    for metric in (HEADLINE, WHOLE_POD):
        sizes = [[held_bytes(pod, metric) for pod in pods] for pods in measured]
        known = [[size for size in each if size is not None] for each in sizes]
        if known == sizes:
            total, largest = spread([sum(each) for each in known]), max(map(max, known))
            return Capacity(metric=metric, total=total, largest_bytes=largest)
    return None


def _pods_of(observations: Sequence[Observation]) -> list[Pod]:
    return measured_pods(pod for each in observations for pod in each.snapshot.pods)


def _measure(name: str, values: Sequence[Known]) -> Measure:
    numbers = [value for value in values if isinstance(value, int)]
    reasons = sorted({value for value in values if isinstance(value, str)})
    lacking = len(values) - len(numbers)
    reason = f"{lacking} of {len(values)} repeats: {reasons[0]}" if reasons else ""
    return Measure(metric=name, spread=spread(numbers) if numbers else None, reason=reason)


def deltas(baseline: Cell, candidate: Cell) -> list[Delta]:
    """Return every metric that either side has, and its difference where both have it in every repeat."""
    names = dict.fromkeys(each.metric for side in (baseline, candidate) for each in side.measures)
    return [_delta(name, baseline, candidate) for name in names]


def _delta(name: str, baseline: Cell, candidate: Cell) -> Delta:
    sides = [side.measure(name) or _absent(name, side) for side in (baseline, candidate)]
    known = [side.spread for side in sides]
    reason = "; ".join(dict.fromkeys(side.reason for side in sides if side.reason))
    before, after = known
    found = None
    if before is not None and after is not None and not reason:
        found = difference(before.values_bytes, after.values_bytes)
    return Delta(metric=name, baseline=before, candidate=after, difference=found, reason=reason)


def _absent(name: str, side: Cell) -> Measure:
    """Return the metric of a side that does not name it: zero in a whole composition, else unknown."""
    measured = [count for count in side.pods if count]
    if not measured:
        return Measure(metric=name, reason="no pod was measured")
    return Measure(metric=name, spread=spread([0] * len(measured)))
