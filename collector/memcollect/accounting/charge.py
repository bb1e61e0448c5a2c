"""Rules for what is charged to one cgroup: the shared vocabulary of composition and ladder. Pure.

memory.current = anon + detached_anon + file + kernel + sock + residual, and `kernel` by kind
(Documentation/admin-guide/cgroup-v2.rst, memory.stat). A counter the kernel lacks is undecided, never 0.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from memcollect.accounting.facts import Facts, MissingFactError
from memcollect.accounting.interval import ZERO, Interval
from memcollect.accounting.rules import (
    Amount,
    TermRule,
    bounded,
    charge_bound,
    composed,
    interval_or_zero,
    measured,
)
from memcollect.accounting.user_pages import (
    kept_cache,
    left_out_cache,
    locked_anon,
    locked_cache,
    pinned_shmem,
    swap_cache,
    tells_swap_cache,
    unwritten,
)


def anon_without_lazyfree(facts: Facts) -> Amount:
    """Return anonymous memory that is neither marked as freeable nor locked."""
    lazyfree = facts.interval("lazyfree")
    anon = facts["stat.anon"]
    locked = interval_or_zero(facts[locked_anon])
    kept = f" − locked {locked.estimate}" if locked != ZERO else ""
    amount = Interval.exactly(anon) - lazyfree - locked
    return bounded(amount, f"anon {anon} − lazyfree {lazyfree.estimate}{kept}")


def hot_cache(facts: Facts) -> Amount:
    """Return page cache of regular files that counts as working set, and can be dropped as it is."""
    file, shmem, inactive = facts["stat.file"], facts["stat.shmem"], facts["stat.inactive_file"]
    lazyfree = facts.interval("lazyfree")
    others = {
        "locked": interval_or_zero(facts[locked_cache]),
        "not yet written": facts[unwritten].hot,
    }
    amount = facts[kept_cache] - others["locked"] - others["not yet written"]
    less = "".join(f" − {name} {each.estimate}" for name, each in others.items() if each != ZERO)
    return bounded(
        amount.at_least(0),
        f"file {file} − shmem {shmem} − (inactive_file {inactive} − lazyfree {lazyfree.estimate}){less}",
    )


def unwritten_hot_cache(facts: Facts) -> Amount | None:
    """Return page cache of the working set that must be written out before it can be dropped."""
    found = facts[unwritten]
    if found.hot == ZERO:
        return None
    return bounded(found.hot, f"{found.evidence}, what of it is not on the inactive list")


def cold_cache(facts: Facts) -> Amount:
    """Return page cache on the inactive list that can be dropped as it is: what kubectl top leaves out."""
    inactive, lazyfree = facts["stat.inactive_file"], facts.interval("lazyfree")
    unwritten_too = facts[unwritten].cold
    less = f" − not yet written {unwritten_too.estimate}" if unwritten_too != ZERO else ""
    rest = facts[left_out_cache] - unwritten_too
    return bounded(
        rest.at_least(0) if rest.estimate >= 0 else rest,
        f"inactive_file {inactive} − lazyfree {lazyfree.estimate}{less}",
    )


def unwritten_cold_cache(facts: Facts) -> Amount | None:
    """Return page cache on the inactive list that must be written out before it can be dropped."""
    found = facts[unwritten]
    if found.cold == ZERO:
        return None
    return bounded(found.cold, f"{found.evidence}, what of it is on the inactive list")


def lazily_freed(facts: Facts) -> Amount:
    """Return anonymous pages that were given back with MADV_FREE: they sit on the inactive file list."""
    return bounded(facts.interval("lazyfree"), "anonymous pages on the inactive file list (MADV_FREE)")


def shmem(facts: Facts) -> Amount:
    """Return tmpfs and shared memory that swap could take."""
    size = facts["stat.shmem"]
    pinned = interval_or_zero(facts[pinned_shmem])
    less = f" − unevictable {pinned.estimate}" if pinned != ZERO else ""
    return bounded(Interval.exactly(size) - pinned, f"memory.stat shmem {size}{less}")


@cache
def counter(key: str) -> Callable[[Facts], Amount]:
    """Return the amount function of a counter that every kernel with this term has.

    The same one for the same key, so that facts make its amount once.
    """

    def amount(facts: Facts) -> Amount:
        value = facts[f"stat.{key}"]
        return measured(value, f"memory.stat {key} {value}")

    return amount


@cache
def optional_counter(key: str) -> Callable[[Facts], Amount | None]:
    """Return that of a counter which newer kernels have; elsewhere its bytes are in `other_kernel`."""

    def amount(facts: Facts) -> Amount | None:
        return facts[counter(key)] if f"stat.{key}" in facts else None

    return amount


def detached_anon(facts: Facts) -> Amount:
    """Return charged pages on the LRU lists that nobody maps: swap cache, rests of split huge pages."""
    value, lru, anon, file = facts["detached_anon"], facts["lru"], facts["stat.anon"], facts["stat.file"]
    return measured(value, f"LRU lists {lru} − anon {anon} − file {file}")


def unnamed_detached(facts: Facts) -> Amount | None:
    """Return all of it where this kernel does not tell swap cache from rests of huge pages."""
    whole = facts[detached_anon]
    return None if facts[tells_swap_cache] else whole


def detached_swap_cache(facts: Facts) -> Amount | None:
    """Return its swap cache: pages that have, or soon have, their copy in swap."""
    if not facts.get("detached_anon") or not facts[tells_swap_cache]:
        return None
    whole = facts[detached_anon]
    return bounded(facts[swap_cache], f"of {whole.evidence}: at most swapcached")


def split_huge(facts: Facts) -> Amount | None:
    """Return rests of huge pages that were unmapped in part: no process's memory, freed under pressure."""
    if not facts.get("detached_anon") or not facts[tells_swap_cache]:
        return None
    whole, swapped = facts[detached_anon], facts[swap_cache]
    return bounded(whole.interval - swapped, f"{whole.evidence} − swap cache {swapped.estimate}")


BUFFER_HEAD_BYTES = 104
SMALLEST_USUAL_BLOCK_BYTES = 1024


def most_buffer_heads(cache_bytes: int, block_bytes: int | None = None) -> int:
    """Return what the records of so much page cache's blocks may come to in slab_reclaimable, in bytes.

    Measured on ext4 with 1 KiB blocks: 6.5 MiB for 64 MiB of cache, a record (struct buffer_head, 104 bytes)
    for each block. `block_bytes`: the smallest block of its file systems; None where it is not known.
    """
    return max(0, cache_bytes) * BUFFER_HEAD_BYTES // (block_bytes or SMALLEST_USUAL_BLOCK_BYTES)


def page_tables(facts: Facts) -> Amount:
    """Return page tables; where memory.stat does not count them, Σ VmPTE of the processes.

    It counts them from commit f0c0c115fb81 (5.11) on.
    """
    if "stat.pagetables" in facts:
        extra = facts.get("stat.sec_pagetables", 0)
        return measured(facts["stat.pagetables"] + extra, "memory.stat pagetables + sec_pagetables")
    value = facts["procs.page_tables"]
    return Amount(Interval.exactly(value), "inferred", f"Σ VmPTE {value}: memory.stat here has no pagetables")


def other_kernel(facts: Facts) -> Amount:
    """Return kernel memory that no counter names.

    With `kernel` (commit a8c49af3be5f, 5.18) it is exact. Without, it is what remains of the charge, give
    or take the bookkeeping that `charge_bound` describes.
    """
    named = facts["kernel_itemised"]
    if "stat.kernel" in facts:
        kernel = facts["stat.kernel"]
        return measured(max(0, kernel - named), f"kernel {kernel} − its itemised parts {named}")
    if "stat.slab" not in facts and "stat.slab_unreclaimable" not in facts:
        raise MissingFactError("stat.kernel", facts.reason("stat.kernel"))
    if "stat.pagetables" not in facts and "procs.page_tables" in facts:
        named += facts["procs.page_tables"]
    listed = facts["stat.anon"] + facts["stat.file"] + facts["detached_anon"]
    rest = facts["current"] - (listed + named + facts["stat.sock"])
    slack = facts[charge_bound].interval
    return bounded(
        Interval.between(max(0, rest - slack.high), max(0, rest - slack.low), max(0, rest)),
        f"kernel memory this kernel does not itemise: current − all that is counted = {rest}",
    )


def hugetlb_charged(facts: Facts) -> Amount | None:
    """Return huge pages that are in the charge: on mounts with memory_hugetlb_accounting.

    That exists from commit 8cba9576df60 (6.7) on; memory.stat names them from 05d4532b60e3 (6.14) on; before,
    the hugetlb controller or the processes do. None elsewhere: there huge pages are beside the charge.
    """
    if "stat.hugetlb" in facts:
        return facts[counter("hugetlb")]
    return facts[huge_pages] if "hugetlb_charged" in facts else None


def hugetlb_beside(facts: Facts) -> Amount | None:
    """Return huge pages that are held beside the charge."""
    charged = "stat.hugetlb" in facts or "hugetlb_charged" in facts
    return None if charged else facts[huge_pages]


def huge_pages(facts: Facts) -> Amount | None:
    """Return huge pages by the hugetlb controller; where it is off, by what the processes map.

    Several processes may map the same page, and each shows the whole of it.
    """
    if "hugetlb" in facts:
        size = facts["hugetlb"]
        return measured(size, f"Σ hugetlb.*.current {size}")
    if "procs.hugetlb" not in facts:
        return None
    size, processes = facts["procs.hugetlb"], max(1, facts["procs.read"])
    evidence = f"Σ Private_Hugetlb + Shared_Hugetlb {size} of the processes: the hugetlb controller is off"
    return bounded(Interval.of(-(-size // processes), size, size), evidence)


def swapped_out(facts: Facts) -> Amount | None:
    """Return what of the cgroup is in swap, compressed in memory (zswap) or on a device."""
    if "swap.current" not in facts:
        return None
    size = facts["swap.current"]
    return measured(size, f"memory.swap.current {size}")


LEAST_OPEN = 1000
OPEN_FILE_BYTES = 1280
"""What the kernel's caches of files keep for one that is open: an inode and a name, 1.2 KiB for one of ext4,
0.9 for a socket, as measured on Linux 7.2 …"""
MOST_OF_OPEN_FILE_BYTES = 4096
"""… and at most: a file of an overlay has two of each."""


def open_files(facts: Facts) -> Amount | None:
    """Return what the kernel's caches of files keep for open ones; None where few are, or nobody counted.

    Forks share what they inherit, and a file may be open many times: so it may also be nothing.
    """
    count = facts.get("descriptors", 0)
    if count < LEAST_OPEN:
        return None
    whole = facts["stat.slab_reclaimable"]
    most, estimate = (min(whole, count * each) for each in (MOST_OF_OPEN_FILE_BYTES, OPEN_FILE_BYTES))
    evidence = f"of slab_reclaimable {whole}: {count} open × {OPEN_FILE_BYTES}"
    return Amount(Interval.of(0, most, estimate), "inferred", evidence)


def unused_slab(facts: Facts) -> Amount:
    """Return what else is in them, which pressure drops where it is not in use."""
    whole, kept = facts[counter("slab_reclaimable")], facts[open_files]
    if kept is None:
        return whole
    return Amount(whole.interval - kept.interval, "inferred", f"{whole.evidence} − {kept.interval.estimate}")


KERNEL_RULES = (
    composed("slab_reclaimable", unused_slab),
    composed("open_files", open_files),
    composed("slab_unreclaimable", counter("slab_unreclaimable")),
    composed("kernel_stack", counter("kernel_stack")),
    composed("page_tables", page_tables),
    composed("percpu", optional_counter("percpu")),
    composed("vmalloc", optional_counter("vmalloc")),
    composed("zswap", optional_counter("zswap")),
    composed("other_kernel", other_kernel),
    composed("sock", counter("sock")),
    composed("hugetlb", hugetlb_charged),
)
DETACHED_RULES = (
    composed("split_huge", split_huge),
    composed("swap_cache", detached_swap_cache),
    composed("detached_anon", unnamed_detached),
)
LEFT_OUT_RULES = (
    composed("cold_cache", cold_cache),
    composed("unwritten_cold_cache", unwritten_cold_cache),
    composed("lazyfree", lazily_freed),
)
"""What inactive_file holds: charged, and no working set."""
BESIDE_RULES = (
    composed("hugetlb", hugetlb_beside),
    TermRule("swap", swapped_out),
)
"""What is held for the cgroup and is not in memory.current."""
