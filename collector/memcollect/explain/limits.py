"""Findings about limits, protection and OOM kills: states rather than amounts. Pure.

The limit that counts is memory.max, and the OOM killer looks at memory.current after reclaim has failed
(mm/memcontrol.c), so cache does not bring a container nearer to being killed, and tmpfs does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from memcollect.explain.engine import Severity
from memcollect.facts import Facts
from memcollect.model import Finding
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
        told = self.tell(facts)
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
    return facts.exact(f"events.{name}") if f"events.{name}" in facts else 0


def oom_kills(facts: Facts) -> tuple[str, str] | None:
    """Return how many processes the OOM killer ended in this cgroup's subtree."""
    kills = _count(facts, "oom_kill")
    if not kills:
        return None
    processes = "process" if kills == 1 else "processes"
    return f"The OOM killer ended {kills} {processes} here since the cgroup was made.", f"oom_kill {kills}"


def unreclaimable_bytes(facts: Facts) -> int:
    """Return what reclaim could not get back without swap: the charge less cache and reclaimable slab."""
    droppable = facts.stat("file") - facts.stat("shmem") + facts.stat("slab_reclaimable")
    return max(0, facts.exact("current") - droppable)


def near_limit(facts: Facts) -> tuple[str, str] | None:
    """Return how near what cannot be dropped is to memory.max."""
    if "limit.max" not in facts or not facts.exact("limit.max"):
        return None
    limit, needed = facts.exact("limit.max"), unreclaimable_bytes(facts)
    if needed < NEAR_LIMIT_SHARE * limit:
        return None
    sentence = (
        f"{human_bytes(needed)} that cannot be dropped, of a limit of {human_bytes(limit)}: the next"
        f" {human_bytes(max(0, limit - needed))} end in an OOM kill."
    )
    return sentence, f"current − droppable cache and slab {needed}, memory.max {limit}"


def full_of_cache(facts: Facts) -> tuple[str, str] | None:
    """Return that the cgroup is at its limit, but only with what can be dropped."""
    if "limit.max" not in facts or near_limit(facts) is not None:
        return None
    limit, current = facts.exact("limit.max"), facts.exact("current")
    if not limit or current < NEAR_LIMIT_SHARE * limit:
        return None
    sentence = (
        f"The charge is at {human_bytes(current)} of {human_bytes(limit)}, but"
        f" {human_bytes(current - unreclaimable_bytes(facts))} of it is cache that is dropped before anything"
        " is killed."
    )
    return sentence, f"memory.current {current}, memory.max {limit}"


def hit_limit(facts: Facts) -> tuple[str, str] | None:
    """Return how often memory.max was hit and reclaim had to make room."""
    hits = _count(facts, "max")
    return (f"The limit was hit {hits} times and room had to be made.", f"max {hits}") if hits else None


def throttled(facts: Facts) -> tuple[str, str] | None:
    """Return how often memory.high was exceeded, which slows the processes down."""
    hits = _count(facts, "high")
    if not hits:
        return None
    return (
        f"memory.high was exceeded {hits} times; the processes were slowed down to reclaim.",
        f"high {hits}",
    )


def protected(facts: Facts) -> tuple[str, str] | None:
    """Return the protection that keeps reclaim away from this cgroup."""
    parts = {name: facts.exact(f"limit.{name}") for name in ("min", "low") if f"limit.{name}" in facts}
    size = max(parts.values(), default=0)
    if not size:
        return None
    return (
        f"{human_bytes(size)} is protected from reclaim, so cache below that is not dropped for others.",
        ", ".join(f"memory.{name} {value}" for name, value in parts.items()),
    )


LIMIT_RULES = (
    LimitRule(
        "oom_kill", "critical", oom_kills, "Raise the limit, or find what grew: see the composition above."
    ),
    LimitRule("near_limit", "warning", near_limit, "Raise the limit or free tmpfs files and heap."),
    LimitRule("full_of_cache", "info", full_of_cache),
    LimitRule("hit_limit", "notice", hit_limit),
    LimitRule("throttled", "notice", throttled),
    LimitRule("protected", "info", protected),
)
