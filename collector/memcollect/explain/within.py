"""What more the verdict says of the parts of the working set. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from memcollect.explain.statement import Case, Rank, Said
from memcollect.units import human_bytes

NEWS_SHARE = 0.25
"""Of the working set: huge pages are everywhere where they are always on, and worth a sentence only then."""
HUGE = "{amount} of its private memory is in huge pages, of which one used byte holds all{always}."
ALWAYS = " (this node makes them always)"


def huge_pages(case: Case) -> Iterator[Said]:
    """Yield what private memory is in huge pages: an allocator that gives back less leaves it there."""
    known = [facts for _, facts in case.apps if "stat.anon_thp" in facts]
    amount = sum([facts["stat.anon_thp"] for facts in known])
    if amount < max(case.least, NEWS_SHARE * case.whole_bytes):
        return
    is_always = all("node.thp_always" in facts and facts["node.thp_always"] for facts in known)
    yield Said(
        topic="huge_pages",
        sentence=HUGE.format(amount=human_bytes(amount), always=ALWAYS if is_always else ""),
        rank=Rank.WITHIN,
        weight=amount,
        amount_bytes=amount,
        rests_on=["stat.anon_thp"],
    )
