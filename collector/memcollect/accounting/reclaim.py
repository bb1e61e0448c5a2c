"""What of a charge would go if memory were short: Σ of the terms by their fate. Pure."""

from __future__ import annotations

from msgspec import Struct

from memcollect.accounting.charge import LEFT_OUT_RULES
from memcollect.accounting.composition import RULES
from memcollect.accounting.facts import Facts
from memcollect.accounting.interval import Interval, total
from memcollect.accounting.rules import interval_or_zero
from memcollect.documents.snapshot import Reclaimable

DROPPABLE: frozenset[Reclaimable] = frozenset({"yes", "mostly", "under-pressure", "without-swap"})
"""What the kernel can take back as it is."""
GOING = tuple(
    rule
    for rule in (*RULES, *LEFT_OUT_RULES)
    if rule.reclaimable in DROPPABLE or rule.reclaimable == "write-back"
)
"""Of the rules whose terms are memory.current, those whose term would go."""


class Reclaim(Struct, frozen=True, gc=False):
    """Parts of one charge, in bytes."""

    droppable: Interval
    """Goes as it is."""
    mostly: Interval
    """What of that goes only mostly: kernel caches, of which some is always in use."""
    once_written: Interval
    """Goes once it is written out."""


def reclaim(facts: Facts) -> Reclaim:
    """Return what of a cgroup's charge would go, inside the working set and outside.

    Raises MissingFactError where a part that would go has no number: without it the rest would read as all.
    """
    parts = [(rule.reclaimable, interval_or_zero(facts[rule.amount])) for rule in GOING]
    return Reclaim(
        droppable=total([interval for fate, interval in parts if fate in DROPPABLE]),
        mostly=total([interval for fate, interval in parts if fate == "mostly"]),
        once_written=total([interval for fate, interval in parts if fate == "write-back"]),
    )
