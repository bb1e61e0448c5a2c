"""Findings about limits, protection and OOM kills: states rather than amounts. Pure.

The limit that counts is memory.max, and the OOM killer looks at memory.current after reclaim has failed
(mm/memcontrol.c), so cache does not bring a container nearer to being killed, and tmpfs does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from memcollect.accounting.facts import Facts
from memcollect.documents.snapshot import Finding
from memcollect.explain.engine import Severity
from memcollect.units import human_bytes

NEAR_LIMIT_SHARE = 0.9


@dataclass(frozen=True)
class LimitRule:
    """One state, told by `tell`, which returns the finding's sentence and evidence, or None."""

    cause: str
    severity: Severity
    tell: Callable[[Facts], tuple[str, str] | None]
    remedy: str = ""

    def find(self, facts: Facts, scope: str) -> Finding | None:
        """Return the finding if the state is there."""
        told = facts.once(self.tell)
        if told is None:
            return None
        sentence, evidence = told
        return Finding(
            cause=self.cause,
            scope=scope,
            severity=self.severity,
            sentence=sentence,
            evidence=evidence,
            remedy=self.remedy,
        )


def _count(facts: Facts, name: str) -> int:
    return facts.exact(f"events.{name}")


def _limit(facts: Facts, name: str) -> int | None:
    """Return a limit in bytes; None for the kernel's "max". Raises MissingFactError where it was not read."""
    return None if f"unlimited.{name}" in facts else facts.exact(f"limit.{name}")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def oom_kills(facts: Facts) -> tuple[str, str] | None:
    """Return how many processes the OOM killer ended in this cgroup's subtree."""
    kills = _count(facts, "oom_kill")
    if not kills:
        return None
    processes = "process" if kills == 1 else "processes"
    return f"The OOM killer ended {kills} {processes} here since the cgroup was made.", f"oom_kill {kills}"


def unreclaimable_bytes(facts: Facts) -> int:
    """Return what reclaim could not get back without swap.

    The file lists hold what can be dropped: page cache that is not locked, and lazily freed anon pages.
    """
    droppable = sum(facts.stat(key) for key in ("active_file", "inactive_file", "slab_reclaimable"))
    return max(0, facts.exact("current") - droppable)


def near_limit(facts: Facts) -> tuple[str, str] | None:
    """Return how near what cannot be dropped is to memory.max."""
    limit = _limit(facts, "max")
    if not limit or facts.once(unreclaimable_bytes) < NEAR_LIMIT_SHARE * limit:
        return None
    needed = facts.once(unreclaimable_bytes)
    end = "swapping, and an OOM kill when swap is full" if _may_swap(facts) else "an OOM kill"
    sentence = (
        f"{human_bytes(needed)} that cannot be dropped, of a limit of {human_bytes(limit)}:"
        f" {human_bytes(max(0, limit - needed))} more ends in {end}."
    )
    return sentence, f"current − droppable cache and slab {needed}, memory.max {limit}"


def full_of_cache(facts: Facts) -> tuple[str, str] | None:
    """Return that the cgroup is at its limit, but only with what can be dropped."""
    limit = _limit(facts, "max")
    if not limit or facts.once(near_limit) is not None:
        return None
    current = facts.exact("current")
    if current < NEAR_LIMIT_SHARE * limit:
        return None
    droppable = current - facts.once(unreclaimable_bytes)
    sentence = (
        f"The charge is at {human_bytes(current)} of {human_bytes(limit)}, but"
        f" {human_bytes(droppable)} of it is cache that is dropped before anything"
        " is killed."
    )
    return sentence, f"memory.current {current}, memory.max {limit}"


def _may_swap(facts: Facts) -> bool:
    """Return whether anonymous memory can go to swap: the node has some, and this cgroup may use it."""
    devices = facts.exact("node.swap_devices") if "node.swap_devices" in facts else 0
    allowed = facts.exact("limit.swap") if "limit.swap" in facts else 1
    return devices > 0 and allowed > 0


def near_high(facts: Facts) -> tuple[str, str] | None:
    """Return how near the charge is to memory.high, above which the processes are slowed down."""
    limit, current = _limit(facts, "high"), facts.exact("current")
    if limit is None or current < NEAR_LIMIT_SHARE * limit:
        return None
    sentence = (
        f"The charge is {human_bytes(current)}, and above {human_bytes(limit)} (memory.high) the processes"
        " are slowed down."
    )
    return sentence, f"memory.current {current}, memory.high {limit}"


def hit_limit(facts: Facts) -> tuple[str, str] | None:
    """Return how often memory.max was hit and reclaim had to make room."""
    hits = _count(facts, "max")
    return (f"The limit was hit {_times(hits)} and room had to be made.", f"max {hits}") if hits else None


def throttled(facts: Facts) -> tuple[str, str] | None:
    """Return how often memory.high was exceeded, which slows the processes down."""
    hits = _count(facts, "high")
    if not hits:
        return None
    return (
        f"memory.high was exceeded {_times(hits)}; the processes were slowed down to reclaim.",
        f"high {hits}",
    )


def protected(facts: Facts) -> tuple[str, str] | None:
    """Return the protection that keeps reclaim away from this cgroup."""
    parts = {name: _limit(facts, name) for name in ("min", "low")}
    if not any(value is None or value for value in parts.values()):
        return None
    size = "All of it" if None in parts.values() else human_bytes(max(value or 0 for value in parts.values()))
    return (
        f"{size} is protected from reclaim, so cache below that is not dropped for others.",
        ", ".join(f"memory.{name} {'max' if value is None else value}" for name, value in parts.items()),
    )


LIMIT_RULES = (
    LimitRule(
        "oom_kill", "critical", oom_kills, "Raise the limit, or find what grew: see the composition above."
    ),
    LimitRule("near_limit", "warning", near_limit, "Raise the limit or free tmpfs files and heap."),
    LimitRule("full_of_cache", "info", full_of_cache),
    LimitRule("near_high", "notice", near_high),
    LimitRule("hit_limit", "notice", hit_limit),
    LimitRule("throttled", "notice", throttled),
    LimitRule("protected", "info", protected),
)
