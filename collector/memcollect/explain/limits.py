"""Findings about limits and protection: states rather than amounts. Pure.

The limit that counts is memory.max, and the OOM killer looks at memory.current after reclaim has failed
(mm/memcontrol.c), so cache does not bring a container nearer to being killed, and tmpfs does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from memcollect.accounting.facts import Facts, MissingFactError
from memcollect.accounting.reclaim import Reclaim, reclaim
from memcollect.accounting.swap_room import swap_room
from memcollect.documents.snapshot import Finding
from memcollect.explain.engine import Severity
from memcollect.explain.holder import Holder
from memcollect.units import human_bytes

NEAR_LIMIT_SHARE = 0.9
LEAST_ROOM_SHARE = 0.01
"""Of a limit: what is less changes nothing that a reader would do."""
LEAST_MOSTLY_SHARE = 0.05
LEFT = "{left} is left to {whose} limit of {limit}"
LEFT_WITH_DROPPABLE = ", {up_to}{room} with what can be dropped"
UP_TO = "up to "
"""Stands before an amount of which some is in kernel caches that go only mostly."""
OVER = (
    "{needed} cannot be dropped{writing}: more than {whose} limit of {limit}, so what is charged next ends in"
    " {end}."
)
NEAR = "{needed} of {whose} limit of {limit} cannot be dropped{writing}: {left} more ends in {end}."
ONCE_WRITTEN = "of it is page cache that must be written out first"
WRITING = f" ({{amount}} {ONCE_WRITTEN})"
INSIDE = "Look for who set it: what runs inside of the container (systemd, Docker) has cgroups of its own."
MAKE_ROOM = "Raise the limit or free tmpfs files and heap."
FULL = "The charge is at {current} of {limit}, but {up_to}{droppable} of it can be dropped."


@dataclass(frozen=True)
class LimitRule:
    """One state, told by `tell`, which returns the finding's sentence and evidence, or None."""

    cause: str
    severity: Severity
    tell: Callable[[Facts], tuple[str, str] | None]
    remedy: str | Callable[[Facts], str] = ""
    """What to do; a function where that depends on the facts."""

    def find(self, facts: Facts, scope: str) -> Finding | None:
        """Return the finding if the state is there."""
        told = facts[self.tell]
        if told is None:
            return None
        sentence, evidence = told
        return Finding(
            cause=self.cause,
            scope=scope,
            severity=self.severity,
            sentence=sentence,
            evidence=evidence,
            remedy=self.remedy if isinstance(self.remedy, str) else self.remedy(facts),
        )


def limit_of(facts: Facts, name: str) -> int | None:
    """Return a limit in bytes; None for the kernel's "max". Raises MissingFactError where it was not read."""
    return None if f"unlimited.{name}" in facts else facts[f"limit.{name}"]


def count_of(facts: Facts, name: str) -> int:
    """Return a count of memory.events for the cgroup's own limit, where the kernel tells it from those below.

    memory.events.local has that (5.2). Raises MissingFactError where memory.events was not read.
    """
    return facts.get(f"local.{name}", facts[f"events.{name}"])


def count_inside(facts: Facts, name: str) -> int:
    """Return a count of memory.events for limits below a container's own cgroup: made by what runs in it.

    0 of a pod, below which its containers are, and where the kernel does not tell the own from the others.
    """
    if "own.processes" in facts or f"local.{name}" not in facts:
        return 0
    return max(0, facts[f"events.{name}"] - facts[f"local.{name}"])


def times(count: int) -> str:
    """Return the count in words."""
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


def room_left(facts: Facts, whose: str = "its") -> Room | None:
    """Return what is left to memory.max, `whose` that is; None without one, or where a number is missing."""
    try:
        limit = limit_of(facts, "max")
        if not limit:
            return None
        current, gone = facts["current"], facts[reclaim]
    except MissingFactError:
        return None
    left, more = max(0, limit - current), min(gone.droppable.estimate, current)
    sentence = LEFT.format(left=human_bytes(left), limit=human_bytes(limit), whose=whose)
    if more >= LEAST_ROOM_SHARE * limit:
        room = human_bytes(max(0, limit - current + more))
        sentence += LEFT_WITH_DROPPABLE.format(room=room, up_to=_up_to(gone, limit))
    return Room(left, limit - current + more, f"{sentence}.", needed_bytes(facts) >= NEAR_LIMIT_SHARE * limit)


def _up_to(gone: Reclaim, limit: int) -> str:
    return UP_TO if gone.mostly.estimate >= LEAST_MOSTLY_SHARE * limit else ""


def needed_bytes(facts: Facts) -> int:
    """Return what of the charge the kernel could not take back as it is, without swap."""
    return max(0, facts["current"] - facts[reclaim].droppable.estimate)


def near_limit(facts: Facts) -> tuple[str, str] | None:
    """Return how near what cannot be dropped is to memory.max."""
    limit = limit_of(facts, "max")
    if not limit or facts[needed_bytes] < NEAR_LIMIT_SHARE * limit:
        return None
    needed, writing = facts[needed_bytes], facts[reclaim].once_written.estimate
    end = "swapping, and an OOM kill when swap is full" if swap_room(facts) == "usable" else "an OOM kill"
    until = WRITING.format(amount=human_bytes(writing)) if writing >= LEAST_ROOM_SHARE * limit else ""
    sentence = (OVER if needed > limit else NEAR).format(
        needed=human_bytes(needed),
        limit=human_bytes(limit),
        whose="the pod's" if "own.processes" in facts else "its",
        writing=until,
        left=human_bytes(max(0, limit - needed)),
        end=end,
    )
    return sentence, f"current − what can be dropped as it is {needed}, memory.max {limit}"


def make_room(holder: Holder, facts: Facts) -> str:
    """Return what to do near the limit: by what is the larger part: what waits, or what stays."""
    gone = facts[reclaim]
    if 2 * gone.once_written.estimate > facts[needed_bytes]:
        return "Write more slowly, or sync as you write: the disk or the server behind it does not keep up."
    return holder.free or MAKE_ROOM


def full_of_cache(facts: Facts) -> tuple[str, str] | None:
    """Return that the cgroup is at its limit, but only with what can be dropped."""
    limit = limit_of(facts, "max")
    if not limit or facts[near_limit] is not None:
        return None
    current = facts["current"]
    if current < NEAR_LIMIT_SHARE * limit:
        return None
    sentence = FULL.format(
        current=human_bytes(current),
        limit=human_bytes(limit),
        droppable=human_bytes(facts[reclaim].droppable.estimate),
        up_to=_up_to(facts[reclaim], limit),
    )
    return sentence, f"memory.current {current}, memory.max {limit}"


def hit_limit(facts: Facts) -> tuple[str, str] | None:
    """Return how often memory.max was hit and room had to be made, and whether the peak was the limit."""
    hits, limit = count_of(facts, "max"), _known_limit(facts)
    peak = facts.get("peak", 0)
    is_peak = limit is not None and 0 < limit <= peak <= limit * (1 + LEAST_ROOM_SHARE)
    evidence = f"max {hits}" + (f", memory.peak {peak}, memory.max {limit}" if is_peak else "")
    if hits:
        was = f"; the peak was the limit, {human_bytes(limit or 0)}" if is_peak else ""
        return f"The limit was hit {times(hits)} and room had to be made{was}.", evidence
    return (f"The peak was the limit, {human_bytes(limit or 0)}.", evidence) if is_peak else None


def hit_inside(facts: Facts) -> tuple[str, str] | None:
    """Return how often a limit below this container's own cgroup was hit."""
    hits = count_inside(facts, "max")
    if not hits:
        return None
    sentence = f"A limit that was set inside of it was hit {times(hits)} and room had to be made."
    return sentence, f"memory.events max {facts['events.max']}, of its own {facts['local.max']}"


def _known_limit(facts: Facts) -> int | None:
    return facts.get("limit.max")


def protected(facts: Facts) -> tuple[str, str] | None:
    """Return the protection that keeps others' reclaim away from this cgroup.

    memory.min is never undercut for others, memory.low where nothing unprotected is left
    (Documentation/admin-guide/cgroup-v2.rst); neither holds against the cgroup's own limit.
    """
    least, low = limit_of(facts, "min"), limit_of(facts, "low")
    by_min = "" if least == 0 else f"{_share_kept(least)} is protected by memory.min"
    # What memory.min covers needs no memory.low.
    by_low = "" if least is None or (low is not None and low <= least) else _share_kept(low)
    evidence = (
        f"memory.min {'max' if least is None else least}, memory.low {'max' if low is None else low}"
        ", as far as the cgroups above have as much"
    )
    if by_min and by_low:
        both = f"{by_min} and {by_low} by memory.low"
        return f"{both}: cache below that is dropped for others last, or not at all.", evidence
    if by_min:
        return f"{by_min}: cache below that is not dropped for others.", evidence
    if by_low:
        return f"{by_low} is protected by memory.low: cache below that is dropped for others last.", evidence
    return None


def _share_kept(size: int | None) -> str:
    return "All of it" if size is None else human_bytes(size)


def limit_rules(holder: Holder) -> tuple[LimitRule, ...]:
    """Return the rules of a cgroup in which `holder` holds the memory."""
    return (
        LimitRule("near_limit", "warning", near_limit, partial(make_room, holder)),
        LimitRule("full_of_cache", "info", full_of_cache),
        LimitRule("hit_limit", "notice", hit_limit),
        LimitRule("hit_inside", "notice", hit_inside, INSIDE),
        LimitRule("protected", "info", protected),
    )
