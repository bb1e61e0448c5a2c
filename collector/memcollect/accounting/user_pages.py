"""User pages by what the kernel can do with them: locked, to be written out first, or mapped by nobody. Pure.

memory.stat counts these beside the kinds of memory, not by kind: `unevictable` is a list that anonymous
memory, tmpfs and page cache share, `file_dirty` and `file_writeback` do not say on which list a page is, and
huge pages that were unmapped in part are in no counter at all. Each split here is exact where a second
counter settles it, and an interval otherwise. Sources: mm/swap.c, mm/mlock.c, mm/page-writeback.c,
mm/huge_memory.c.
"""

from __future__ import annotations

from msgspec import Struct

from memcollect.accounting.facts import Facts
from memcollect.accounting.interval import ZERO, Interval
from memcollect.accounting.rules import Amount, bounded, interval_or_zero
from memcollect.units import MIB

LEAST_UNWRITTEN_BYTES = MIB
"""Fewer dirty bytes are written out in passing; they are not told apart from the cache they are in."""


class Unwritten(Struct, frozen=True, gc=False):
    """Page cache that is dirty or under write-back, on the inactive list and elsewhere; and its counters."""

    cold: Interval
    hot: Interval
    evidence: str = ""


def kept_cache(facts: Facts) -> Interval:
    """Return page cache of regular files that counts as working set: active, or locked."""
    file, shmem = facts["stat.file"], facts["stat.shmem"]
    return (Interval.exactly(file - shmem) - facts[left_out_cache].at_least(0)).at_least(0)


def left_out_cache(facts: Facts) -> Interval:
    """Return page cache on the inactive list, which is not working set."""
    return Interval.exactly(facts["stat.inactive_file"]) - facts.interval("lazyfree")


def tells_lists(facts: Facts) -> bool:
    """Return whether every LRU list and kind of page is known; without them nothing here can be split."""
    return "lazyfree" in facts and "stat.active_file" in facts and "stat.unevictable" in facts


def locked_cache(facts: Facts) -> Amount | None:
    """Return page cache that is on no file list: mlocked files, ramfs, secretmem.

    Pages on their way to a list are on none either, so it is at most what the unevictable list holds.
    """
    if not facts[tells_lists]:
        return None
    active, unevictable = facts["stat.active_file"], facts["stat.unevictable"]
    amount = (facts[kept_cache] - Interval.exactly(active)).at_least(0).at_most(unevictable)
    return bounded(amount, f"page cache on no file list {amount.estimate}, of unevictable {unevictable}")


def _other_unevictable(facts: Facts) -> Interval:
    """Return what of the unevictable list is no page cache: anonymous memory or tmpfs."""
    locked = interval_or_zero(facts[locked_cache])
    return (Interval.exactly(facts["stat.unevictable"]) - locked).at_least(0)


def _locked_by_processes(facts: Facts) -> int | None:
    """Return Σ Locked; None where some process could not be read."""
    if "procs.locked" not in facts or "procs.unread_rss" not in facts or facts["procs.unread_rss"]:
        return None
    return facts["procs.locked"]


def locked_anon(facts: Facts) -> Amount | None:
    """Return anonymous memory that a process has locked, which even swap cannot take.

    Locked page cache is in Σ Locked where a process has locked it, and not where it is ramfs: the estimate
    takes it to be, the interval does not.
    """
    if not facts[tells_lists]:
        return None
    rest = facts[_other_unevictable]
    anon = (Interval.exactly(facts["stat.anon"]) - facts.interval("lazyfree")).at_least(0)
    shmem = facts["stat.shmem"]
    seen = facts[_locked_by_processes]
    most = min(rest.high, anon.estimate)
    least = min(max(0, rest.low - shmem), most)
    if seen is not None:
        most = max(least, min(most, seen))
    guess = max(rest.estimate - shmem, (seen or 0) - interval_or_zero(facts[locked_cache]).estimate)
    told = "" if seen is None else f", Σ Locked {facts['procs.locked']}"
    evidence = f"unevictable without page cache {rest.estimate}, shmem {shmem}{told}"
    return bounded(Interval.between(least, most, min(guess, rest.estimate)), evidence)


def pinned_shmem(facts: Facts) -> Amount | None:
    """Return tmpfs and shared memory that swap cannot take: mounted noswap, as by the kubelet, or locked."""
    if not facts[tells_lists]:
        return None
    shmem, rest = facts["stat.shmem"], facts[_other_unevictable]
    anon = interval_or_zero(facts[locked_anon])
    most = min(rest.high, shmem)
    least = min(max(0, rest.low - anon.high), most)
    evidence = f"unevictable without page cache {rest.estimate} − locked anonymous memory {anon.estimate}"
    return bounded(Interval.between(least, most, rest.estimate - anon.estimate), evidence)


def unwritten(facts: Facts) -> Unwritten:
    """Return page cache that must be written before it can be dropped.

    A page written again while it is under way counts in both counters, and `file_writeback` also counts
    anonymous pages on their way to swap: hence an interval. Which of it is on the inactive list memory.stat
    does not say: new pages begin there, so the estimate fills that list first.
    """
    if not facts[tells_lists] or "stat.file_dirty" not in facts or "stat.file_writeback" not in facts:
        return Unwritten(ZERO, ZERO)
    dirty, writing = facts["stat.file_dirty"], facts["stat.file_writeback"]
    cache = max(0, facts["stat.file"] - facts["stat.shmem"])
    most = min(dirty + writing, cache)
    if most < LEAST_UNWRITTEN_BYTES:
        return Unwritten(ZERO, ZERO)
    swaps = "node.swap_devices" not in facts or facts["node.swap_devices"] > 0
    least = min(dirty if swaps else max(dirty, writing), cache)
    cold_room = facts[left_out_cache].at_least(0)
    hot_room = (facts[kept_cache] - interval_or_zero(facts[locked_cache])).at_least(0)
    cold = _share(least, most, cold_room, hot_room, most)
    hot = _share(least, most, hot_room, cold_room, most - cold.estimate)
    return Unwritten(cold, hot, f"file_dirty {dirty} + file_writeback {writing}")


def _share(least: int, most: int, room: Interval, other: Interval, wanted: int) -> Interval:
    """Return how much of least..most is in `room`, where the rest is in `other`."""
    low = min(max(0, least - other.high), room.estimate)
    return Interval.between(low, min(most, room.high), min(wanted, room.estimate))


def tells_swap_cache(facts: Facts) -> bool:
    """Return whether detached memory can be told apart: by `swapcached`, or since the node has no swap."""
    if "stat.swapcached" in facts:
        return True
    return "node.swap_devices" in facts and not facts["node.swap_devices"]


def swap_cache(facts: Facts) -> Interval:
    """Return what of the detached memory is swap cache; some of `swapcached` may still be mapped."""
    counted = facts.get("stat.swapcached", 0)
    most = min(facts["detached_anon"], counted)
    return Interval.between(0, most, most)
