"""From the charge to the working set: what kubectl top leaves out on purpose. Pure."""

from __future__ import annotations

from memcollect.accounting.charge import LEFT_OUT_RULES
from memcollect.accounting.facts import Facts
from memcollect.accounting.interval import Interval
from memcollect.accounting.rules import NO_BOUND, Bound, less


def bound(facts: Facts) -> Bound:
    """Return the bound: none but where the working set stops at 0, as cAdvisor's formula does.

    Counters not yet flushed can make inactive_file look larger than the charge it is part of.
    """
    if facts.get("cut_off"):
        cut = Interval.between(0, facts["cut_off"])
        return Bound(cut, "inactive_file exceeds memory.current, and a working set stops at 0")
    return Bound(NO_BOUND.interval, "the terms are inactive_file, taken apart")


RULES = tuple(less(rule.term, rule) for rule in LEFT_OUT_RULES)
