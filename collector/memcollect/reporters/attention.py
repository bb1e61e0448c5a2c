"""Which pods to look at first, and why: one sentence each, from their verdicts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from memcollect.explain.statement import Rank
from memcollect.reporters.columns import by_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from memcollect.documents.snapshot import Pod, Statement

MOST = 3
"""More than these are no longer a first look."""
NEWS = (Rank.DEATHS, Rank.PRESSURE, Rank.DOUBTS)
"""What makes a pod worth a look, the most urgent first."""


class Attention(Struct, frozen=True, kw_only=True):
    """A pod, and the sentence that says why it comes first."""

    pod: Pod
    sentence: str
    is_news: bool = True
    """Whether it is of a kind that wants doing something; else it is only the largest."""


def first_looks(pods: Sequence[Pod]) -> list[Attention]:
    """Return the pods to look at first: what was killed, what is near its limit, what is not explained.

    Where nothing of that kind is, the largest pod alone.
    """
    pressing = [(NEWS.index(Rank(said.rank)), pod, said) for pod in pods for said in _news(pod)]
    ordered = sorted(pressing, key=lambda each: (each[0], by_size(each[1])))
    found: dict[int, Attention] = {}
    for _, pod, said in ordered:
        found.setdefault(id(pod), Attention(pod=pod, sentence=said.sentence))
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


def _news(pod: Pod) -> Iterable[Statement]:
    return (each for each in pod.statements if each.rank in NEWS)
