"""Of pods that come one by one, in no order, those that most deserve full detail; the others in summary.

Of each reason the heaviest so far are held back, told in full. Who is displaced by a heavier one leaves in
summary, and so memory is bounded, and no pod is asked for twice.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from memcollect.documents.snapshot import Pod
from memcollect.explain.deserving import REASONS, Weights

MOST_OF_A_REASON = 25
"""Pods that are told in full for one reason: with four reasons a hundred in all, some 30 KB each."""

Row = Pod | msgspec.Raw


@dataclass(frozen=True)
class Candidate:
    """A pod at both depths; `full` is None where it is known not to be among the heaviest."""

    summary: Row
    full: Row | None = None
    weights: Weights = field(default_factory=dict)


class Chosen:
    """What is held back, and why."""

    def __init__(self, most: int = MOST_OF_A_REASON) -> None:
        """Hold nothing yet; at most `most` pods of each reason."""
        self._most = most
        self._heaviest: dict[str, list[tuple[int, int]]] = {reason: [] for reason in REASONS}
        self._held: dict[int, Candidate] = {}
        self._count = 0
        self.told_in_summary = 0
        self.told_in_full = 0

    @property
    def floors(self) -> Mapping[str, int]:
        """By reason the weight that a pod must exceed to be among the heaviest; none while there is room."""
        return {reason: heap[0][0] for reason, heap in self._heaviest.items() if len(heap) >= self._most}

    @property
    def reasons(self) -> Mapping[str, int]:
        """How many pods are told in full for each reason; one pod may have several."""
        return Counter({reason: len(heap) for reason, heap in self._heaviest.items() if heap})

    def add(self, candidate: Candidate) -> Iterator[Row]:
        """Take one more; yield what is known by now to be told in summary."""
        self._count += 1
        number, displaced = self._count, set()
        if candidate.full is not None:
            for reason, weight in candidate.weights.items():
                displaced |= self._placed(self._heaviest[reason], (weight, -number))
        if any((weight, -number) in self._heaviest[reason] for reason, weight in candidate.weights.items()):
            self._held[number] = candidate
        else:
            yield self._summary(candidate)
        still = {-place for heap in self._heaviest.values() for _, place in heap} if displaced else set()
        for gone in sorted(displaced - still):
            if gone in self._held:
                yield self._summary(self._held.pop(gone))

    def rest(self) -> Iterator[Row]:
        """Yield those that are told in full, in the order in which they came."""
        while self._held:
            candidate = self._held.pop(min(self._held))
            self.told_in_full += 1
            yield candidate.summary if candidate.full is None else candidate.full

    def _summary(self, candidate: Candidate) -> Row:
        self.told_in_summary += 1
        return candidate.summary

    def _placed(self, heap: list[tuple[int, int]], entry: tuple[int, int]) -> set[int]:
        """Put an entry among the heaviest of a reason; return the number of the one that it displaced."""
        if len(heap) < self._most:
            heapq.heappush(heap, entry)
            return set()
        return {-heapq.heappushpop(heap, entry)[1]}


def beats(weights: Weights, floors: Mapping[str, int]) -> bool:
    """Return whether a pod of these weights may be among the heaviest of some reason."""
    return any(reason not in floors or weight > floors[reason] for reason, weight in weights.items())
