"""What of a charge would go if memory were short: Σ of the terms by their fate. Pure."""

from __future__ import annotations

from msgspec import Struct

from memcollect.accounting.charge import LEFT_OUT_RULES
from memcollect.accounting.composition import RULES
from memcollect.accounting.facts import Facts, MissingFactError
from memcollect.accounting.interval import Interval, total
from memcollect.accounting.rules import evaluate, interval_of
from memcollect.documents.snapshot import Reclaimable

DROPPABLE: frozenset[Reclaimable] = frozenset({"yes", "mostly", "under-pressure", "without-swap"})
"""What the kernel can take back as it is."""
CHARGED = (*RULES, *LEFT_OUT_RULES)
"""The rules whose terms are memory.current."""
MUST_BE_KNOWN = frozenset(
    rule.term for rule in CHARGED if rule.reclaimable in DROPPABLE or rule.reclaimable == "write-back"
)


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
    terms, undecided = evaluate(CHARGED, facts)
    for each in undecided:
        if each.name in MUST_BE_KNOWN:
            raise MissingFactError(each.missing, each.reason)
    return Reclaim(
        droppable=total(interval_of(term) for term in terms if term.reclaimable in DROPPABLE),
        mostly=total(interval_of(term) for term in terms if term.reclaimable == "mostly"),
        once_written=total(interval_of(term) for term in terms if term.reclaimable == "write-back"),
    )
