"""What the verdict says of kubectl top's number where it is another one than the node's. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from memcollect.explain.statement import Case, Rank, Said
from memcollect.units import human_bytes

TOLD = frozenset({"unexplained", "undecided", "stale", "different-provider"})
"""Statuses that are news: the number on the reader's screen is not what the node holds."""
SHOWS = "kubectl top shows"


def tops(case: Case) -> Iterator[Said]:
    """Yield why kubectl top's number is not to be trusted here, or why it has none."""
    top = case.pod.top
    if top is None:
        return
    if top.memory_bytes is None:
        if top.detail and case.composition is not None:
            yield Said("top", f"{SHOWS} nothing: {top.detail.rstrip('.')}.", Rank.TOP)
        return
    told = [part for part in (top.detail if top.status in TOLD else "", top.remark) if part]
    if told:
        sentence = _joined(human_bytes(top.memory_bytes), "; ".join(told))
        yield Said("top", f"{sentence}.", Rank.TOP, amount_bytes=top.memory_bytes, rests_on=["top"])


def _joined(number: str, said: str) -> str:
    """Return what is said of the number as one sentence that names it once."""
    if said.startswith(SHOWS):
        return said
    of_number = f"{number} is "
    return (
        f"{SHOWS} {number}, {said[len(of_number) :]}"
        if said.startswith(of_number)
        else f"{SHOWS} {number}: {said}"
    )
