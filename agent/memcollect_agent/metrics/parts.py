"""memory.stat and memory.current of one cgroup -> what its working set is made of. Pure.

working_set = (anon − lazyfree) + detached_anon + shmem + hot_cache + kernel + sock + residual, and
memory.current = working_set + cold_cache + lazyfree, which are what the inactive file list holds
(Documentation/admin-guide/cgroup-v2.rst, memory.stat; mm/memcontrol.c; for lazyfree mm/swap.c).
"""

from collections.abc import Mapping

from msgspec import Struct

Stat = Mapping[str, int]

_LRU = ("active_anon", "inactive_anon", "active_file", "inactive_file", "unevictable")
_KERNEL = {
    "slab_reclaimable": ("slab_reclaimable",),
    "slab_unreclaimable": ("slab_unreclaimable",),
    "kernel_stack": ("kernel_stack",),
    "page_tables": ("pagetables", "sec_pagetables"),
    "percpu": ("percpu",),
    "vmalloc": ("vmalloc",),
    "zswap": ("zswap",),
}
"""Each term with the lines it is the sum of; the first must be there, later kernels add the others."""
_OF_EVERY_KERNEL = frozenset({"anon", "detached_anon", "shmem", "hot_cache", "sock"})
"""Without one of these the rest of the charge would not be a residual, but that and the missing one."""

TERMS = (
    "anon",
    "detached_anon",
    "shmem",
    "hot_cache",
    *_KERNEL,
    "other_kernel",
    "sock",
    "hugetlb",
    "residual",
)
"""Every value of the label `term` in the set of all series."""

_GROUPS = {
    "anonymous": ("anon", "detached_anon"),
    "shmem": ("shmem",),
    "droppable": ("hot_cache", "slab_reclaimable"),
    "unreclaimable": (
        "slab_unreclaimable",
        "kernel_stack",
        "page_tables",
        "percpu",
        "vmalloc",
        "zswap",
        "other_kernel",
        "sock",
        "hugetlb",
    ),
    "residual": ("residual",),
}
"""The same terms by what the kernel can do with them; no name of a group but of one term is a term's."""
CORE_TERMS = tuple(_GROUPS)
"""Every value of the label `term` in the core set."""


class Parts(Struct, frozen=True, kw_only=True):
    """The numbers of one cgroup in bytes; None is a number that the kernel did not give."""

    current: int | None
    working_set: int | None
    """As cAdvisor computes it, and so kubectl top: max(0, memory.current − inactive_file)."""
    composition: dict[str, int]
    """By term; only the terms that are known. With "residual" they sum to the working set."""
    cold_cache: int | None
    """Page cache on the inactive list, which the working set leaves out."""
    lazyfree: int | None
    """At least so much of anon was given back with MADV_FREE, and is left out of the working set too."""

    @property
    def lasting(self) -> int | None:
        """The working set without what can be dropped under pressure."""
        droppable = grouped(self.composition).get("droppable")
        return None if self.working_set is None or droppable is None else self.working_set - droppable


def parts_of(stat: Stat | None, current: int | None) -> Parts:
    """Return what follows from the two files, each None where it could not be read."""
    stat = stat or {}
    inactive, lazyfree = stat.get("inactive_file"), _lazyfree(stat)
    working_set = None if current is None or inactive is None else max(0, current - inactive)
    terms = _pages(stat, lazyfree) | _kernel(stat)
    if working_set is not None and terms.keys() >= _OF_EVERY_KERNEL:
        terms["residual"] = working_set - sum(terms.values())
    return Parts(
        current=current,
        working_set=working_set,
        composition=terms,
        cold_cache=None if inactive is None or lazyfree is None else inactive - lazyfree,
        lazyfree=lazyfree,
    )


def grouped(composition: Mapping[str, int]) -> dict[str, int]:
    """Return the terms summed up into CORE_TERMS: the same total, one series for each group.

    A group without one of its terms that every kernel has is left out: it would be a part that looks whole.
    """
    return {
        group: sum(composition.get(term, 0) for term in terms)
        for group, terms in _GROUPS.items()
        if any(term in composition for term in terms)
        and composition.keys() >= _OF_EVERY_KERNEL.intersection(terms)
    }


def _lazyfree(stat: Stat) -> int | None:
    """Return what the file lists hold beyond page cache: pages that were anonymous when they were freed.

    A lower bound, since locked page cache is on the unevictable list, of which memory.stat does not say
    whether it is anonymous.
    """
    if any(name not in stat for name in (*_LRU, "anon", "file", "shmem")):
        return None
    surplus = stat["active_file"] + stat["inactive_file"] - (stat["file"] - stat["shmem"])
    return min(max(0, surplus), stat["anon"], stat["inactive_file"])


def _pages(stat: Stat, lazyfree: int | None) -> dict[str, int]:
    # `hugetlb` stands there only where huge pages are charged at all: memory_hugetlb_accounting,
    # from commit 05d4532b60e3 (6.14) on.
    terms = {name: stat[name] for name in ("shmem", "sock", "hugetlb") if name in stat}
    if lazyfree is not None:
        anon, file = stat["anon"], stat["file"]
        cache = file - stat["shmem"]
        terms["anon"] = anon - lazyfree
        terms["detached_anon"] = max(0, sum(stat[name] for name in _LRU) - anon - file)
        terms["hot_cache"] = max(0, cache - (stat["inactive_file"] - lazyfree))
    return terms


def _kernel(stat: Stat) -> dict[str, int]:
    terms = {
        term: sum(stat.get(name, 0) for name in names) for term, names in _KERNEL.items() if names[0] in stat
    }
    # Before commit a8c49af3be5f (5.18) there is no `kernel`: what no line names is then in the residual,
    # which says so in its help.
    if "kernel" in stat:
        terms["other_kernel"] = max(0, stat["kernel"] - sum(terms.values()))
    return terms
