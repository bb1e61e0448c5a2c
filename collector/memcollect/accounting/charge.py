"""Rules for what is charged to one cgroup: the shared vocabulary of composition and ladder. Pure.

memory.current = anon + detached_anon + file + kernel + sock + residual, and `kernel` by kind
(Documentation/admin-guide/cgroup-v2.rst, memory.stat). A counter the kernel lacks is undecided, never 0.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from memcollect.accounting.facts import Facts, MissingFactError
from memcollect.accounting.interval import Interval
from memcollect.accounting.rules import Amount, TermRule, bounded, charge_bound, measured


def anon_without_lazyfree(facts: Facts) -> Amount:
    """Return anonymous memory that is not marked as freeable."""
    lazyfree = facts["lazyfree"]
    anon = facts.stat("anon")
    return bounded(Interval.exactly(anon) - lazyfree, f"anon {anon} − lazyfree {lazyfree.estimate}")


def hot_cache(facts: Facts) -> Amount:
    """Return page cache of regular files that is active or locked, so that it counts as working set."""
    file, shmem, inactive = (facts.stat(key) for key in ("file", "shmem", "inactive_file"))
    lazyfree = facts["lazyfree"]
    cold = (Interval.exactly(inactive) - lazyfree).at_least(0)
    amount = (Interval.exactly(file - shmem) - cold).at_least(0)
    return bounded(
        amount, f"file {file} − shmem {shmem} − (inactive_file {inactive} − lazyfree {lazyfree.estimate})"
    )


def cold_cache(facts: Facts) -> Amount:
    """Return page cache on the inactive list: what kubectl top leaves out."""
    inactive, lazyfree = facts.stat("inactive_file"), facts["lazyfree"]
    return bounded(
        Interval.exactly(inactive) - lazyfree, f"inactive_file {inactive} − lazyfree {lazyfree.estimate}"
    )


@cache
def counter(key: str) -> Callable[[Facts], Amount]:
    """Return the amount function of a counter that every kernel with this term has.

    The same one for the same key, so that facts make its amount once.
    """

    def amount(facts: Facts) -> Amount:
        value = facts.stat(key)
        return measured(value, f"memory.stat {key} {value}")

    return amount


@cache
def optional_counter(key: str) -> Callable[[Facts], Amount | None]:
    """Return that of a counter which newer kernels have; elsewhere its bytes are in `other_kernel`."""

    def amount(facts: Facts) -> Amount | None:
        return facts.once(counter(key)) if f"stat.{key}" in facts else None

    return amount


def detached_anon(facts: Facts) -> Amount:
    """Return charged pages on the LRU lists that nobody maps: swap cache, tails of split huge pages."""
    value = facts["detached_anon"]
    lru, anon, file = facts["lru"].low, facts.stat("anon"), facts.stat("file")
    return bounded(value, f"LRU lists {lru} − anon {anon} − file {file}")


def page_tables(facts: Facts) -> Amount:
    """Return page tables; where memory.stat does not count them (5.10), Σ VmPTE of the processes."""
    if "stat.pagetables" in facts:
        extra = facts.stat("sec_pagetables") if "stat.sec_pagetables" in facts else 0
        return measured(facts.stat("pagetables") + extra, "memory.stat pagetables + sec_pagetables")
    value = facts.exact("procs.page_tables")
    return Amount(Interval.exactly(value), "inferred", f"Σ VmPTE {value}: memory.stat here has no pagetables")


def other_kernel(facts: Facts) -> Amount:
    """Return kernel memory that no counter names.

    With `kernel` (5.18 and later) it is exact. Without, it is what remains of the charge, give or take
    the bookkeeping that `charge_bound` describes.
    """
    named = facts.exact("kernel_itemised")
    if "stat.kernel" in facts:
        kernel = facts.stat("kernel")
        return measured(max(0, kernel - named), f"kernel {kernel} − its itemised parts {named}")
    if "stat.slab" not in facts and "stat.slab_unreclaimable" not in facts:
        raise MissingFactError("stat.kernel", facts.reason("stat.kernel"))
    if "stat.pagetables" not in facts and "procs.page_tables" in facts:
        named += facts.exact("procs.page_tables")
    listed = facts.stat("anon") + facts.stat("file") + facts.exact("detached_anon")
    rest = facts.exact("current") - (listed + named + facts.stat("sock"))
    slack = facts.once(charge_bound).interval
    return bounded(
        Interval.between(max(0, rest - slack.high), max(0, rest - slack.low), max(0, rest)),
        f"kernel memory this kernel does not itemise: current − all that is counted = {rest}",
    )


KERNEL_RULES = (
    TermRule("slab_reclaimable", counter("slab_reclaimable"), "mostly"),
    TermRule("slab_unreclaimable", counter("slab_unreclaimable"), "no"),
    TermRule("kernel_stack", counter("kernel_stack"), "no"),
    TermRule("page_tables", page_tables, "no"),
    TermRule("percpu", optional_counter("percpu"), "no"),
    TermRule("vmalloc", optional_counter("vmalloc"), "no"),
    TermRule("zswap", optional_counter("zswap"), "no"),
    TermRule("other_kernel", other_kernel, "no"),
    TermRule("sock", counter("sock"), "no"),
    # Only on mounts with memory_hugetlb_accounting, from 6.14: elsewhere huge pages are not in the charge.
    TermRule("hugetlb", optional_counter("hugetlb"), "no"),
)
