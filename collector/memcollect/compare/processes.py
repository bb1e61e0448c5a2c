"""Processes that a phase leaves behind: there after it, not there before it. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from memcollect.compare.cells import Group, in_turn
from memcollect.compare.inputs import Observation
from memcollect.compare.model import LeftProcess, PhaseKey
from memcollect.compare.statistics import spread
from memcollect.documents.snapshot import Container
from memcollect.join.roles import app_containers
from memcollect_agent.wire import Process

Name = tuple[str, str]
"""(container, comm)."""


@dataclass
class _Found:
    """What one repeat left, of one name."""

    count: int = 0
    pss_bytes: int | None = 0
    certain: bool = True

    def add(self, process: Process, *, certain: bool) -> None:
        self.count += 1
        known = self.pss_bytes is not None and process.pss_bytes is not None
        self.pss_bytes = (self.pss_bytes or 0) + (process.pss_bytes or 0) if known else None
        self.certain = self.certain and certain


@dataclass
class _Listed:
    """The processes of one snapshot, by container."""

    by_container: dict[tuple[str, str], set[tuple[int, float]]] = field(default_factory=dict)
    """(pod UID, container) -> (pid, start time)."""
    most: dict[Name, int] = field(default_factory=dict)
    """How many of a name one pod had at most."""
    whole: bool = True
    until: float = float("inf")


def left_processes(groups: Sequence[Group], order: Sequence[PhaseKey]) -> Iterator[LeftProcess]:
    """Yield what each phase of one backend left, against the phase before it in the same repeat."""
    found: defaultdict[tuple[PhaseKey, PhaseKey], list[dict[Name, _Found]]] = defaultdict(list)
    for before, after in in_turn(groups, order):
        found[after.phase, before.phase].append(_left(before, after))
    backend = groups[0].backend if groups else ""
    for (phase, previous), repeats in sorted(found.items(), key=lambda each: order.index(each[0][0])):
        yield from _rows(backend, phase, previous, repeats)


def _rows(
    backend: str, phase: PhaseKey, previous: PhaseKey, repeats: Sequence[dict[Name, _Found]]
) -> Iterator[LeftProcess]:
    names = sorted({name for each in repeats for name in each})
    for name in names:
        of_name = [each[name] for each in repeats if name in each]
        sizes = [each.pss_bytes for each in of_name if each.pss_bytes is not None]
        yield LeftProcess(
            backend=backend,
            phase=phase,
            after=previous,
            container=name[0],
            name=name[1],
            count=max(each.count for each in of_name),
            repeats=len(of_name),
            of_repeats=len(repeats),
            pss_bytes=spread(sizes).median_bytes if len(sizes) == len(of_name) else None,
            certain=all(each.certain for each in of_name),
        )


def _left(before: Observation, after: Observation) -> dict[Name, _Found]:
    """Return what is new: in a pod that both have, by pid and start; in another pod, by name and number.

    Of equal names in another pod the largest are taken for the old ones (lists come largest first), so that
    no more is said to be left than must be.
    """
    known = _listed(before)
    found: defaultdict[Name, _Found] = defaultdict(_Found)
    for pod in after.snapshot.pods:
        for container in app_containers(pod):
            seen = known.by_container.get((pod.uid, container.name))
            spare = Counter({name: most for name, most in known.most.items() if name[0] == container.name})
            for process in container.processes:
                name = (container.name, process.comm)
                if seen is not None and (process.pid, process.start_time) in seen:
                    continue
                if seen is None and spare[name] > 0:
                    spare[name] -= 1
                    continue
                began_after = seen is not None and process.start_time > known.until
                found[name].add(process, certain=known.whole or began_after)
    return dict(found)


def _listed(observation: Observation) -> _Listed:
    listed = _Listed(until=_ended(observation))
    for pod in observation.snapshot.pods:
        for container in app_containers(pod):
            processes = container.processes
            listed.by_container[pod.uid, container.name] = {(each.pid, each.start_time) for each in processes}
            for comm, count in Counter(each.comm for each in processes).items():
                name = (container.name, comm)
                listed.most[name] = max(listed.most.get(name, 0), count)
            listed.whole = listed.whole and lists_all(container)
    return listed


def lists_all(container: Container) -> bool:
    """Return whether the list is all there was: it is cut to the largest, and some cannot be read."""
    sums = container.sums
    if sums is None or sums.skipped or sums.skipped_unlisted:
        return False
    return len(container.processes) >= sums.read


def _ended(observation: Observation) -> float:
    """Return when the node read the last process of that snapshot, on the clock that starts are told by."""
    times = [
        each.sums.read_until
        for pod in observation.snapshot.pods
        for each in pod.containers
        if each.sums is not None and each.sums.read_until is not None
    ]
    return max(times, default=float("inf"))
