"""From the charge to the working set: what kubectl top leaves out on purpose. Pure."""

from __future__ import annotations

from memcollect.accounting.charge import cold_cache
from memcollect.accounting.facts import Facts
from memcollect.accounting.interval import Interval
from memcollect.accounting.rules import NO_BOUND, Amount, Bound, TermRule, bounded


def _negated(amount: Amount) -> Amount:
    return Amount(-amount.interval, amount.confidence, amount.evidence)


def left_out_cache(facts: Facts) -> Amount:
    """Return minus the cold page cache."""
    return _negated(facts.once(cold_cache))


def left_out_lazyfree(facts: Facts) -> Amount:
    """Return minus the freeable anonymous pages, which sit on the inactive file list."""
    evidence = "anonymous pages on the inactive file list (MADV_FREE)"
    return _negated(bounded(facts["lazyfree"], evidence))


def bound(facts: Facts) -> Bound:
    """Return the bound: none but where the working set stops at 0, as cAdvisor's formula does.

    Counters not yet flushed can make inactive_file look larger than the charge it is part of.
    """
    if "cut_off" in facts and facts.exact("cut_off"):
        cut = Interval.between(0, facts.exact("cut_off"))
        return Bound(cut, "inactive_file exceeds memory.current, and a working set stops at 0")
    return Bound(NO_BOUND.interval, "the two terms are inactive_file, taken apart")


RULES = (
    TermRule("cold_cache", left_out_cache, "yes"),
    TermRule("lazyfree", left_out_lazyfree, "yes"),
)
