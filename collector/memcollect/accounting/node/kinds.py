"""What a node's memory is used for: terms and residual sum to MemTotal. Pure.

Every page of MemTotal is free, or on an LRU list, or a huge page of the pool, or the kernel's own. The lists
and the kernel's counters are in /proc/meminfo (fs/proc/meminfo.c); what the kernel and its drivers take
straight from the page allocator is in no counter, and so is what remains.
"""

from __future__ import annotations

from collections.abc import Callable

from memcollect.accounting.facts import Facts
from memcollect.accounting.interval import Interval
from memcollect.accounting.rules import (
    STALE_PAGES,
    Amount,
    Bound,
    TermRule,
    bounded,
    cpus_in_words,
    evaluate,
    lag_bytes,
    measured,
    residual_of,
)
from memcollect.documents.snapshot import Partition
from memcollect.units import human_bytes


def line(name: str) -> Callable[[Facts], Amount]:
    """Return the amount function of a line of /proc/meminfo."""

    def amount(facts: Facts) -> Amount:
        value = facts[f"meminfo.{name}"]
        return measured(value, f"{name} {value}")

    return amount


def free(facts: Facts) -> Amount:
    """Return free pages: MemFree, and those on the CPUs' own lists where they were read."""
    value = facts["meminfo.MemFree"]
    if "free_percpu" not in facts:
        return measured(value, f"MemFree {value}")
    percpu = facts["free_percpu"]
    return measured(value + percpu, f"MemFree {value} + the CPUs' own lists {percpu} (/proc/zoneinfo)")


def other_user(facts: Facts) -> Amount:
    """Return pages on the LRU lists that are neither mapped anonymous memory, nor tmpfs, nor file cache.

    Locked file pages, swap cache, rests of split huge pages; less what was lazily freed, which is anonymous
    memory on a file list.
    """
    lru = facts["lru"]
    counted = [facts[f"meminfo.{n}"] for n in ("AnonPages", "Shmem", "Active(file)", "Inactive(file)")]
    return measured(
        lru - sum(counted), f"LRU lists {lru} − AnonPages − Shmem − Active(file) − Inactive(file)"
    )


def reclaimable_kernel(facts: Facts) -> Amount:
    """Return KReclaimable (4.20 and later); before, SReclaimable, which leaves out what is not slab."""
    name = "KReclaimable" if "meminfo.KReclaimable" in facts else "SReclaimable"
    return line(name)(facts)


def page_tables(facts: Facts) -> Amount:
    """Return page tables, with those of virtual machines and I/O units (SecPageTables, since 6.2)."""
    value = facts["meminfo.PageTables"]
    extra = facts.get("meminfo.SecPageTables", 0)
    return measured(value + extra, f"PageTables {value} + SecPageTables {extra}")


def vmalloc(facts: Facts) -> Amount:
    """Return vmalloc areas without thread stacks, which on most machines are vmalloc areas and counted twice.

    Which way it is (CONFIG_VMAP_STACK) no file tells that everybody has, hence the interval.
    """
    whole, stacks = facts["meminfo.VmallocUsed"], facts["meminfo.KernelStack"]
    least = max(0, whole - stacks)
    return bounded(
        Interval.between(least, whole, least),
        f"VmallocUsed {whole} − KernelStack {stacks}, which may be in it (CONFIG_VMAP_STACK)",
    )


def zspages(facts: Facts) -> Amount:
    """Return zsmalloc's pages: the compressed pool of zswap and zram."""
    value = facts["zspages"]
    return measured(value, f"vmstat nr_zspages × page size = {value}")


def hugetlb(facts: Facts) -> Amount:
    """Return the hugetlb pool, used or not: nobody else may use it."""
    value = facts["hugetlb"]
    return measured(value, f"Hugetlb {value}")


COUNTED_KERNEL = (
    TermRule("slab_reclaimable", reclaimable_kernel, "mostly"),
    TermRule("slab_unreclaimable", line("SUnreclaim"), "no"),
    TermRule("kernel_stack", line("KernelStack"), "no"),
    TermRule("page_tables", page_tables, "no"),
    TermRule("percpu", line("Percpu"), "no"),
    TermRule("vmalloc", vmalloc, "no"),
    TermRule("zspages", zspages, "no"),
)


def kernel_memory(facts: Facts) -> Amount:
    """Return all that the kernel has for itself: neither free, nor on an LRU list, nor a huge page."""
    whole, lru, pool = (facts[name] for name in ("meminfo.MemTotal", "lru", "hugetlb"))
    unused = facts[free].interval.estimate
    value = whole - unused - lru - pool
    return measured(value, f"MemTotal {whole} − free {unused} − LRU lists {lru} − Hugetlb {pool}")


def kernel_direct(facts: Facts) -> Amount:
    """Return what the kernel or a driver took straight from the page allocator: no counter has it.

    Network buffers, rings, graphics memory, a balloon's pages. What the counters leave, so an inference.
    """
    whole = facts[kernel_memory].interval.estimate
    counted = [facts[rule.amount] for rule in COUNTED_KERNEL if _applies(rule, facts)]
    named = Interval.exactly(0)
    for amount in counted:
        if amount is not None:
            named = named + amount.interval
    rest = Interval.exactly(whole) - named
    return Amount(
        rest.at_least(0), "inferred", f"kernel memory {whole} − what its counters name {named.estimate}"
    )


def _applies(rule: TermRule, facts: Facts) -> bool:
    """Return whether the term can be there: `zspages` and `percpu` came with newer kernels."""
    newer = {"zspages": "zspages", "percpu": "meminfo.Percpu"}
    return rule.term not in newer or newer[rule.term] in facts


def bound(facts: Facts) -> Bound:
    """Return how far counters of the same moment may lie apart: batches that CPUs have not handed in yet."""
    stale = lag_bytes(facts, STALE_PAGES)
    moved = facts["moved"]
    return Bound(
        Interval.of(-stale - moved, stale + moved, 0),
        f"±{human_bytes(stale)} of counters not yet handed in ({cpus_in_words(facts)}), and"
        f" {human_bytes(moved)} that moved while they were read",
    )


USER = (
    TermRule("anon", line("AnonPages"), "swap-only"),
    TermRule("shmem", line("Shmem"), "swap-only"),
    TermRule("other_user", other_user, "no"),
)
CACHE = (
    TermRule("active_cache", line("Active(file)"), "under-pressure"),
    TermRule("inactive_cache", line("Inactive(file)"), "under-pressure"),
)
KERNEL = (*COUNTED_KERNEL, TermRule("kernel_direct", kernel_direct, "no"))
RULES = (TermRule("free", free, "yes"), *CACHE, *USER, *KERNEL, TermRule("hugetlb", hugetlb, "no"))


def kinds(facts: Facts) -> Partition:
    """Return MemTotal by use. Raises MissingFactError where MemTotal itself is not known."""
    whole = facts["meminfo.MemTotal"]
    terms, undecided = evaluate(RULES, facts)
    return Partition(
        whole_bytes=whole,
        terms=terms,
        residual=residual_of(whole, terms, facts[bound]),
        undecided=undecided,
    )
