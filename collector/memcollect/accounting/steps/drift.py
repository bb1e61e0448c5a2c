"""From the working set now to what kubectl top shows. Pure.

The metrics sample is up to a minute old; `working_set_at_sample` is the agent's own number of that
moment. kubectl floors what it prints to whole MiB.
"""

from __future__ import annotations

from memcollect.accounting.facts import Facts, MissingFactError
from memcollect.accounting.interval import Interval
from memcollect.accounting.rules import NO_BOUND, STOCK_PAGES, Amount, Bound, TermRule, lag_bytes, measured
from memcollect.units import MIB, human_bytes


def drift(facts: Facts) -> Amount:
    """Return what changed between the metrics sample and now, by the agent's history."""
    then, now = facts["working_set_at_sample"], facts["working_set"]
    return measured(then - now, f"working set then {then} − now {now}")


def undated_drift(facts: Facts) -> Amount | None:
    """Return None where the sample equals the working set now, or is no working set of this node's cgroup.

    Otherwise raise MissingFactError: without history, drift and disagreement cannot be told apart.
    """
    if "top_elsewhere" in facts:
        return None
    if abs(facts["top_raw"] - facts["working_set"]) <= lag_bytes(facts, STOCK_PAGES):
        return None
    raise MissingFactError("working_set_at_sample", facts.reason("working_set_at_sample"))


def provider(facts: Facts) -> Amount | None:
    """Return what kubectl top's number is more than this cgroup's, where another provider measured it.

    gVisor's Sentry, Kata's guest or the runtime count something else: the difference is theirs as a whole.
    """
    if "top_elsewhere" not in facts:
        return None
    theirs = facts["top_elsewhere"]
    name = "working_set_at_sample" if "working_set_at_sample" in facts else "working_set"
    ours = facts[name]
    return Amount(
        Interval.exactly(theirs - ours), "inferred", f"the provider's own {theirs} − the cgroup's {ours}"
    )


def floor_to_mib(facts: Facts) -> Amount:
    """Return what kubectl cuts off when it prints whole MiB."""
    raw = facts["top_raw"]
    return measured(-(raw % MIB), f"{raw} bytes, printed in whole MiB")


def no_bound(_: Facts) -> Bound:
    """Return the bound of a step that is its own definition."""
    return NO_BOUND


def sample_bound(facts: Facts) -> Bound:
    """Return how far the aligned number and the sample may differ without any of them being wrong."""
    if "top_tolerance" not in facts:
        lag = lag_bytes(facts, STOCK_PAGES)
        return Bound(Interval.of(-lag, lag, 0), f"±{human_bytes(lag)} of counters not yet flushed")
    tolerance = facts["top_tolerance"]
    return Bound(
        Interval.of(-tolerance, tolerance, 0),
        f"±{human_bytes(tolerance)}: interpolation between history points, whole-second timestamp, stock",
    )


DRIFT = (TermRule("drift", drift),)
DISPLAY = (TermRule("provider", provider), TermRule("rounding", floor_to_mib))
UNALIGNED = (TermRule("drift", undated_drift), *DISPLAY)
