"""Findings about want of memory that slows processes down and kills none: memory.high, stalls, swap. Pure.

memory.high is no hard limit: above it every charge waits for reclaim (mm/memcontrol.c), so a cgroup held
there looks well by its numbers and does no work. memory.pressure (kernel/sched/psi.c) is the time lost.
"""

from __future__ import annotations

from memcollect.accounting.facts import Facts
from memcollect.accounting.swap_room import FULL_SHARE
from memcollect.explain.limits import (
    INSIDE,
    NEAR_LIMIT_SHARE,
    LimitRule,
    count_inside,
    count_of,
    limit_of,
    times,
)
from memcollect.units import human_bytes

STALLED_PERCENT = 10.0
"""Of the time: from which on what the processes lose by waiting for memory is news."""
STALLED = (
    "{who} of its processes waited for memory {now:.0f} % of the last 10 s (PSI {line}; {long:.0f} % of the"
    " last minute)."
)
WAS_STALLED = (
    "{who} of its processes waited for memory {long:.0f} % of the last minute (PSI {line}), {now:.0f} % of"
    " the last 10 s."
)
"""Where it is over, or nearly so."""
_LINES = tuple(
    (line, who, f"psi.{line}.avg10", f"psi.{line}.avg60") for line, who in (("full", "All"), ("some", "Some"))
)
SLOW_START = "Raise memory.high, or look at what grew; until then more of it runs on less and less time."


def stalled(facts: Facts) -> tuple[str, str] | None:
    """Return how much of their time the processes lose by waiting for memory."""
    for line, who, of_now, of_longer in _LINES:
        # Where the kernel keeps none, there is nothing to tell.
        now, longer = facts.get(of_now, 0) / 100, facts.get(of_longer, 0) / 100
        if max(now, longer) >= STALLED_PERCENT:
            evidence = f"memory.pressure {line} avg10 {now:.2f} avg60 {longer:.2f}"
            template = STALLED if now >= STALLED_PERCENT else WAS_STALLED
            return template.format(who=who, line=line, now=now, long=longer), evidence
    return None


def throttled(facts: Facts) -> tuple[str, str] | None:
    """Return how often memory.high was exceeded, which slows the processes down."""
    hits = count_of(facts, "high")
    if not hits:
        return None
    now = ""
    if "limit.high" in facts and "current" in facts:
        now = f"; the charge is {human_bytes(facts['current'])} now"
        high = f" of {human_bytes(facts['limit.high'])}"
    else:
        high = ""
    sentence = f"memory.high{high} was exceeded {times(hits)}, which slows its processes down{now}."
    return sentence, f"high {hits}"


def throttled_inside(facts: Facts) -> tuple[str, str] | None:
    """Return how often a memory.high below this container's own cgroup was exceeded."""
    hits = count_inside(facts, "high")
    if not hits:
        return None
    sentence = (
        f"A memory.high that was set inside of it was exceeded {times(hits)}, which slows down what runs"
        " there, whatever room the container itself has."
    )
    return sentence, f"memory.events high {facts['events.high']}, of its own {facts['local.high']}"


def near_high(facts: Facts) -> tuple[str, str] | None:
    """Return how near the charge is to memory.high, above which the processes are slowed down."""
    limit, current = limit_of(facts, "high"), facts["current"]
    if limit is None or current < NEAR_LIMIT_SHARE * limit:
        return None
    if "events.high" in facts and count_of(facts, "high"):
        return None  # throttled tells the same, and that it happened
    sentence = (
        f"The charge is {human_bytes(current)}, and above {human_bytes(limit)} (memory.high) the processes"
        " are slowed down."
    )
    return sentence, f"memory.current {current}, memory.high {limit}"


def swap_full(facts: Facts) -> tuple[str, str] | None:
    """Return that what may be swapped out of this cgroup is: from now on private memory stays."""
    if "limit.swap" not in facts or "swap.current" not in facts:
        return None
    limit, swapped = facts["limit.swap"], facts["swap.current"]
    if not limit or swapped < FULL_SHARE * limit:
        return None
    sentence = f"Its swap limit is reached: {human_bytes(swapped)} of {human_bytes(limit)}."
    return sentence, f"memory.swap.current {swapped}, memory.swap.max {limit}"


SLOWED_RULES = (
    LimitRule("stalled", "warning", stalled, "Give it memory: what waits for memory does no work."),
    LimitRule("throttled", "notice", throttled, SLOW_START),
    LimitRule("throttled_inside", "notice", throttled_inside, INSIDE),
    LimitRule("near_high", "notice", near_high),
    LimitRule("swap_full", "notice", swap_full, "Raise memory.swap.max, or look at what was swapped out."),
)
