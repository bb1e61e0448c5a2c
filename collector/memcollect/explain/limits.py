"""Findings about limits and protection: states rather than amounts. Pure.

The limit that counts is memory.max, and the OOM killer looks at memory.current after reclaim has failed
(mm/memcontrol.c), so cache does not bring a container nearer to being killed, and tmpfs does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from memcollect.accounting.facts import Facts, MissingFactError
from memcollect.accounting.reclaim import reclaim
from memcollect.accounting.swap_room import swap_room
from memcollect.documents.snapshot import Finding
from memcollect.explain.engine import Severity
from memcollect.units import human_bytes

NEAR_LIMIT_SHARE = 0.9
LEAST_ROOM_SHARE = 0.01
"""Of a limit: what is less changes nothing that a reader would do."""
LEFT = "{left} is left to its limit of {limit}"
LEFT_WITH_DROPPABLE = ", {room} with what can be dropped"
NEAR = "{needed} that cannot be dropped, of a limit of {limit}{writing}: {left} more ends in {end}."
WRITING = " ({amount} of it can go once it is written out)"
FULL = "The charge is at {current} of {limit}, but {droppable} of it can be dropped."


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


@dataclass(frozen=True)
class Room:
    """How much of a limit is left."""

    left_bytes: int
    """Before something must go: the limit less the charge."""
    to_the_end_bytes: int
    """Before nothing more can go: the same with all that can be dropped as it is."""
    sentence: str
    is_near: bool


def room_left(facts: Facts) -> Room | None:
    """Return what is left to memory.max; None where there is no limit, or a number is missing."""
    try:
        limit = _limit(facts, "max")
        if not limit:
            return None
        current, gone = facts.exact("current"), facts.once(reclaim)
    except MissingFactError:
        return None
    left, more = max(0, limit - current), gone.droppable.estimate
    sentence = LEFT.format(left=human_bytes(left), limit=human_bytes(limit))
    if more >= LEAST_ROOM_SHARE * limit:
        sentence += LEFT_WITH_DROPPABLE.format(room=human_bytes(max(0, limit - current + more)))
    return Room(left, limit - current + more, f"{sentence}.", needed_bytes(facts) >= NEAR_LIMIT_SHARE * limit)


def needed_bytes(facts: Facts) -> int:
    """Return what of the charge the kernel could not take back as it is, without swap."""
    return max(0, facts.exact("current") - facts.once(reclaim).droppable.estimate)


def near_limit(facts: Facts) -> tuple[str, str] | None:
    """Return how near what cannot be dropped is to memory.max."""
    limit = _limit(facts, "max")
    if not limit or facts.once(needed_bytes) < NEAR_LIMIT_SHARE * limit:
        return None
    needed, writing = facts.once(needed_bytes), facts.once(reclaim).once_written.estimate
    end = "swapping, and an OOM kill when swap is full" if swap_room(facts) == "usable" else "an OOM kill"
    until = WRITING.format(amount=human_bytes(writing)) if writing >= LEAST_ROOM_SHARE * limit else ""
    sentence = NEAR.format(
        needed=human_bytes(needed),
        limit=human_bytes(limit),
        writing=until,
        left=human_bytes(max(0, limit - needed)),
        end=end,
    )
    return sentence, f"current − what can be dropped as it is {needed}, memory.max {limit}"


def full_of_cache(facts: Facts) -> tuple[str, str] | None:
    """Return that the cgroup is at its limit, but only with what can be dropped."""
    limit = _limit(facts, "max")
    if not limit or facts.once(near_limit) is not None:
        return None
    current = facts.exact("current")
    if current < NEAR_LIMIT_SHARE * limit:
        return None
    sentence = FULL.format(
        current=human_bytes(current),
        limit=human_bytes(limit),
        droppable=human_bytes(facts.once(reclaim).droppable.estimate),
    )
    return sentence, f"memory.current {current}, memory.max {limit}"


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
    LimitRule("near_limit", "warning", near_limit, "Raise the limit or free tmpfs files and heap."),
    LimitRule("full_of_cache", "info", full_of_cache),
    LimitRule("near_high", "notice", near_high),
    LimitRule("hit_limit", "notice", hit_limit),
    LimitRule("throttled", "notice", throttled),
    LimitRule("protected", "info", protected),
)
