"""Which pods to look at first, and why: one sentence each, from their verdicts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from memcollect.explain.deserving import growth_bytes
from memcollect.explain.statement import NEWS, Rank
from memcollect.reporters.columns import by_size
from memcollect.units import human_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from memcollect.documents.snapshot import Pod

MOST = 3
"""More than these are no longer a first look."""
GROWTH_PLACE = NEWS.index(Rank.PRESSURE) + 0.5
"""Growth comes before doubts."""


class Attention(Struct, frozen=True, kw_only=True):
    """A pod, and the sentence that says why it comes first."""

    pod: Pod
    sentence: str
    is_news: bool = True
    """Whether it is of a kind that wants doing something; else it is only the largest."""


def first_looks(pods: Sequence[Pod]) -> list[Attention]:
    """Return the pods to look at first: what was killed, is near its limit, grows, or is not explained.

    Where nothing of that kind is, the largest pod alone.
    """
    pressing = [(place, pod, sentence) for pod in pods for place, sentence in _news(pod)]
    ordered = sorted(pressing, key=lambda each: (each[0], by_size(each[1])))
    found: dict[int, Attention] = {}
    for _, pod, sentence in ordered:
        found.setdefault(id(pod), Attention(pod=pod, sentence=sentence))
    if not found and pods:
        largest = min(pods, key=by_size)
        if largest.composition is None:
            return []
        return [Attention(pod=largest, sentence=largest.verdict, is_news=False)]
    return list(found.values())[:MOST]


def others(pods: Sequence[Pod], shown: Iterable[Attention]) -> int:
    """Return how many more pods have something of that kind to tell."""
    told = {id(each.pod) for each in shown}
    return sum(1 for pod in pods if id(pod) not in told and any(True for _ in _news(pod)))


def _news(pod: Pod) -> Iterator[tuple[float, str]]:
    """Yield (how urgent, the sentence)."""
    for said in pod.statements:
        if said.rank in NEWS:
            yield NEWS.index(Rank(said.rank)), said.sentence
    grown = _growth(pod)
    if grown:
        yield GROWTH_PLACE, grown


def _growth(pod: Pod) -> str:
    """Return by how much the pod grew since kubectl top's sample; empty where it did not, or nobody knows."""
    grown = growth_bytes(pod)
    if grown is None or pod.composition is None:
        return ""
    now = human_bytes(pod.composition.working_set_bytes)
    return f"It grew by {human_bytes(grown)} since kubectl top's sample, to {now}."
