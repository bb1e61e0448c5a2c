"""Release and reuse: whether the same pod came back, and whether it grew from round to round. Pure.

Growth is taken within each repeat, last round − first round of one sandbox, so that what differs between
repeats does not hide it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from memcollect.compare.cells import Group
from memcollect.compare.inputs import Observation, returns
from memcollect.compare.model import ReuseRow
from memcollect.compare.statistics import spread
from memcollect.compare.values import HEADLINE, TOTALS, Known, measured_pods, repeat_values


def reuse_rows(groups: Iterable[Group]) -> Iterator[ReuseRow]:
    """Yield a row for each backend and phase that went round, in the order of the groups."""
    phases: defaultdict[tuple[str, str], list[Observation]] = defaultdict(list)
    for group in groups:
        if group.phase.cycle is not None:
            phases[group.backend, group.phase.name] += group.observations
    for (backend, phase), found in phases.items():
        yield _row(backend, phase, found)


def _row(backend: str, phase: str, observations: Sequence[Observation]) -> ReuseRow:
    told = returns(observations)
    repeats = list(_repeats(observations))
    changes = [_changes(values) for values in repeats if len(values) > 1]
    grown = [change for change in (each.get(HEADLINE) for each in changes) if change is not None]
    term = _most(changes)
    return ReuseRow(
        backend=backend,
        phase=phase,
        rounds=max(map(len, repeats), default=0),
        same_pod=sum(told),
        reuses=len(told),
        growth=spread(grown) if grown else None,
        reason="" if grown else "no repeat has the working set of two rounds",
        grown_term=term,
        grown_term_bytes=spread([each[term] for each in changes if term in each]).median_bytes
        if term
        else None,
    )


def _repeats(observations: Iterable[Observation]) -> Iterator[list[dict[str, Known]]]:
    """Yield each repeat's numbers, round by round."""
    by_repeat: defaultdict[str, list[Observation]] = defaultdict(list)
    for each in observations:
        by_repeat[f"{each.source}\0{each.repeat}"].append(each)
    for rounds in by_repeat.values():
        ordered = sorted(rounds, key=lambda each: each.phase.cycle or 0)
        measured = [measured_pods(each.snapshot.pods) for each in ordered]
        yield [repeat_values(pods) for pods in measured if pods]


def _changes(values: Sequence[dict[str, Known]]) -> dict[str, int]:
    """Return by metric what the last round holds more than the first; only what both know."""
    first, last = values[0], values[-1]
    names = dict.fromkeys((*first, *last))
    pairs = {name: (first.get(name, 0), last.get(name, 0)) for name in names}
    return {
        name: after - before
        for name, (before, after) in pairs.items()
        if isinstance(before, int) and isinstance(after, int)
    }


def _most(changes: Sequence[dict[str, int]]) -> str:
    """Return the term that moved most the way the working set did; "" where it did not move."""
    whole = sum(each.get(HEADLINE, 0) for each in changes)
    way = (whole > 0) - (whole < 0)
    sums: defaultdict[str, int] = defaultdict(int)
    for each in changes:
        for name, change in each.items():
            if name not in TOTALS:
                sums[name] += way * change
    largest = max(sums, key=lambda name: (sums[name], name), default="")
    return largest if largest and sums[largest] > 0 else ""
