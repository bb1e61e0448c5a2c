"""What is known of one cgroup scope, by name: the only thing the rules see. Pure.

A fact is an interval of bytes, or absent with the reason. Names: `stat.KEY` (memory.stat, the kernel's
key), `current`, `procs.FIELD` (sums over the processes that were read), `procs.unread_rss`, `seen_rss`,
`node.cpus`, `node.page_size`, `cgroups` (cgroups in the subtree) and the derived ones below.
"""

from __future__ import annotations

import sys
from collections import Counter
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, TypeVar, overload

from memcollect.accounting.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from memcollect_agent.wire import Cgroup, Node, ProcessSums, Rings

T = TypeVar("T")
_STAT = "stat."
IMPOSSIBLE_BYTES = 1 << 60
NO_SUMS = "the processes were not read"
ABOVE = "above."
"""Stands before a fact of the cgroup above: of a container's pod."""
LRU_LISTS = ("active_anon", "inactive_anon", "active_file", "inactive_file", "unevictable")
_SIZES_OF_LISTS = itemgetter(*LRU_LISTS)
_OF_LRU = frozenset((*LRU_LISTS, "anon", "file"))
ITEMISED_KERNEL = (
    "slab_reclaimable",
    "slab_unreclaimable",
    "kernel_stack",
    "pagetables",
    "sec_pagetables",
    "percpu",
    "vmalloc",
    "zswap",
)
"""The kinds of kernel memory that memory.stat tells apart, on the kernels that have them."""
SUM_FIELDS = (
    "rss",
    "pss",
    "pss_anon",
    "pss_file",
    "pss_shmem",
    "lazyfree",
    "swap",
    "swap_pss",
    "locked",
    "anon_huge",
    "ksm",
    "hugetlb",
    "page_tables",
)
_AMOUNTS_OF = attrgetter(*(f"{name}_bytes" for name in SUM_FIELDS))
_OF_PROCESSES = tuple(sys.intern(f"procs.{name}") for name in SUM_FIELDS)


class MissingFactError(Exception):
    """A rule asked for a fact that is absent; carries its name and the reason."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class Facts(dict[Any, Any]):
    """Numbers by name, and reasons for the names that have none.

    `facts["current"]` is what was measured, and `facts[unwritten]` what the pure function `unwritten` makes
    of these facts: made when it is first asked for, and then shared by composition, ladder and findings.
    Both raise MissingFactError where a number is absent. A plain dictionary, for hundreds of them are looked
    up for each pod. Never changed once something was made of it.
    """

    __slots__ = ("intervals", "reasons")

    def __init__(
        self,
        numbers: Mapping[str, int] | None = None,
        reasons: dict[str, str] | None = None,
        intervals: dict[str, Interval] | None = None,
    ) -> None:
        """Take numbers by name; `intervals`: of those that are estimates, what they lie in."""
        super().__init__({} if numbers is None else numbers)
        self.reasons = {} if reasons is None else reasons
        self.intervals: dict[str, Interval] = {}
        for name, interval in ({} if intervals is None else intervals).items():
            self.add_interval(name, interval)

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: str) -> int: ...

        @overload
        def __getitem__(self, key: Callable[[Facts], T]) -> T: ...

        def __getitem__(self, key: Any) -> Any: ...

        @overload  # type: ignore[override]  # narrower on purpose: names of facts, and numbers
        def get(self, key: str) -> int | None: ...

        @overload
        def get(self, key: str, default: int) -> int: ...

        def get(self, key: str, default: int | None = None) -> int | None:
            """Return the fact, or the default where it is absent."""

    def __missing__(self, key: Any) -> Any:
        """Make what is made of facts; what that raises is not kept."""
        if type(key) is str:
            raise MissingFactError(key, self.reason(key))
        made = self[key] = key(self)
        return made

    def interval(self, name: str) -> Interval:
        """Return what the fact lies in, or raise MissingFactError with its name and the reason."""
        return self.intervals.get(name) or Interval.exactly(self[name])

    def add_interval(self, name: str, interval: Interval) -> None:
        """Add a fact that is known between two numbers; by itself its name gives the estimate."""
        self[name], self.intervals[name] = interval.estimate, interval

    def extended(self, numbers: Mapping[str, int], reasons: Mapping[str, str] | None = None) -> Facts:
        """Return these facts and `numbers`, which win."""
        measured = {name: value for name, value in self.items() if isinstance(name, str)}
        return Facts({**measured, **numbers}, {**self.reasons, **(reasons or {})}, self.intervals)

    def reason(self, name: str) -> str:
        """Return why `name` is absent."""
        if name in self.reasons:
            return self.reasons[name]
        if name.startswith(_STAT):
            return self.reasons.get("stat", "this kernel's memory.stat has no such line")
        if name.startswith("procs."):
            return self.reasons.get("procs", NO_SUMS)
        return "not measured"


def gather(cgroup: Cgroup | None, sums: ProcessSums | None, node: Node | None, *, cgroups: int = 1) -> Facts:
    """Return the facts of one scope; `cgroups` is how many cgroups its subtree holds at least."""
    facts = Facts({"cgroups": cgroups})
    stat = _possible(cgroup.stat, facts.reasons) if cgroup is not None and cgroup.stat is not None else {}
    facts.update(zip(names_below(_STAT, tuple(stat)), stat.values(), strict=True))
    _add_cgroup(facts, cgroup, stat)
    _add_sums(facts, sums)
    _add_node(facts, node)
    _add_lru(facts, stat)
    return facts


@lru_cache(maxsize=32)
def names_below(prefix: str, keys: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a file's lines are called among facts: the same for every cgroup of a kernel.

    Interned, as the names in the rules are, which makes looking them up a comparison of addresses.
    """
    return tuple(sys.intern(prefix + key) for key in keys)


def _possible(stat: dict[str, int], reasons: dict[str, str]) -> dict[str, int]:
    """Return memory.stat without counters that went below zero, which the kernel prints as nearly 2^64."""
    if max(stat.values(), default=0) < IMPOSSIBLE_BYTES:
        return stat
    wrapped = {key: value for key, value in stat.items() if value >= IMPOSSIBLE_BYTES}
    for key, value in wrapped.items():
        reasons[_STAT + key] = f"the kernel says {value}, more than any machine has: the counter is broken"
    return {key: value for key, value in stat.items() if key not in wrapped}


def _add_cgroup(facts: Facts, cgroup: Cgroup | None, stat: dict[str, int]) -> None:
    reasons = facts.reasons
    if cgroup is None:
        reasons["stat"] = reasons["current"] = "the cgroup was not measured"
        return
    if cgroup.stat is not None:
        facts["kernel_itemised"] = itemised_kernel_bytes(stat)
        facts["kernel_counted"] = counted_kernel_bytes(stat)
    else:
        reasons["stat"] = cgroup.absent.get("memory.stat", "memory.stat was not read")
    if cgroup.current_bytes is None:
        reasons["current"] = cgroup.absent.get("memory.current", "memory.current was not read")
    else:
        facts["current"] = cgroup.current_bytes


def itemised_kernel_bytes(stat: dict[str, int]) -> int:
    """Return the kernel memory that memory.stat gives by kind."""
    return sum([stat[key] for key in ITEMISED_KERNEL if key in stat])


def counted_kernel_bytes(stat: dict[str, int]) -> int:
    """Return `kernel` (commit a8c49af3be5f, 5.18); before it the parts that are counted, which is less."""
    return stat["kernel"] if "kernel" in stat else itemised_kernel_bytes(stat)


def _add_sums(facts: Facts, sums: ProcessSums | None) -> None:
    reasons = facts.reasons
    if sums is None:
        reasons["procs"] = reasons["seen_rss"] = NO_SUMS
        return
    facts["procs.unread"] = unread_count(sums)
    reasons["procs.unread_why"] = why_unread(sums)
    unread = unread_rss_bytes(sums)
    if unread is None:
        reasons["procs.unread_rss"] = "a process that could not be read has no known RSS either"
    else:
        facts["procs.unread_rss"] = unread
    _add_seen_rss(facts, sums, unread)
    if sums.read == 0 and unread_count(sums) > 0:
        reasons["procs"] = f"none of the processes could be read: {why_unread(sums)}"
        return
    facts["procs.read"] = sums.read
    _add_alike(facts, sums)
    _add_rings(facts, sums.rings)
    if sums.block_bytes:
        facts["procs.block"] = sums.block_bytes
    for name, value in zip(_OF_PROCESSES, _AMOUNTS_OF(sums), strict=True):
        if value is not None:
            facts[name] = value
        elif sums.read == 0:
            facts[name] = 0  # no process lives here: a sum over nothing is known
        else:
            reasons[name] = "smaps_rollup has no such line here, or was not asked for"
    if "procs.page_tables" not in facts:
        reasons["procs.page_tables"] = "VmPTE was not read"


def _add_seen_rss(facts: Facts, sums: ProcessSums, unread: int | None) -> None:
    """Add the RSS that `ps` adds up: of the processes that were read and, as far as known, of the others."""
    read = sums.rss_bytes if sums.read else 0
    if read is None:
        facts.reasons["seen_rss"] = "the processes' RSS was not read"
    elif unread is None and not sums.read:
        facts.reasons["seen_rss"] = facts.reasons["procs.unread_rss"]
    else:
        facts["seen_rss"] = read + (unread or 0)


def _add_alike(facts: Facts, sums: ProcessSums) -> None:
    """Add what may be one address space counted twice, and what certainly is one."""
    facts["procs.sharing"] = sums.sharing
    if sums.sharing_rss_bytes is not None:
        facts["procs.sharing_rss"] = sums.sharing_rss_bytes
    if sums.alike:
        facts["procs.alike"] = sums.alike
        for name in ("pss", "pss_anon", "pss_file", "pss_shmem"):
            amount = getattr(sums, f"alike_{name}_bytes")
            if amount is not None:
                facts[f"procs.alike_{name}"] = amount


RING_KINDS = {"perf": "perf", "socket": "packet sockets", "io_uring": "io_uring", "bpf": "BPF"}
"""Of wire.Rings, with what a person calls them."""
CHARGED_RINGS = ("io_uring", "bpf")
"""Those that are charged to their maker's cgroup, as kernel memory."""
RING = "procs.rings_{}"
"""The fact of one kind of rings."""
_RINGS = tuple(sys.intern(RING.format(kind)) for kind in RING_KINDS)
_RINGS_OF = attrgetter(*(f"{kind}_bytes" for kind in RING_KINDS))


def _add_rings(facts: Facts, rings: Rings | None) -> None:
    """Add what processes map of the kernel's own pages, where that was looked for."""
    if rings is None:
        return
    facts.update(zip(_RINGS, _RINGS_OF(rings), strict=True))
    facts["procs.rings_unread"] = rings.unread if rings.looked_at else max(1, rings.unread)


WHY_UNREAD = {
    "denied": "the kernel refused: the agent needs the capability SYS_PTRACE",
    "budget": "the time did not suffice: raise --timeout, or ask for fewer pods",
    "ceiling": "larger than the ceiling for one process: raise --process-ceiling",
    "unsupported": "this kernel has no smaps_rollup (CONFIG_PROC_PAGE_MONITOR, 4.14 and later)",
    "unreadable": "what the kernel showed could not be understood, or the agent runs without hostPID",
}
"""What a skipped process's reason means, and what can be done."""
_NOT_OF_THESE = "the kernel shows no smaps_rollup there, though it does of other processes"


def why_unread(sums: ProcessSums) -> str:
    """Return why processes could not be read, each reason once, the most frequent first."""
    if not sums.skipped:
        return "unknown"
    # A kernel that has shown it of one process has it.
    meant = {**WHY_UNREAD, "unsupported": _NOT_OF_THESE} if sums.read else WHY_UNREAD
    reasons = Counter(process.reason for process in sums.skipped if process.reason)
    return "; ".join(meant.get(reason, reason) for reason, _ in reasons.most_common()) or "unknown"


def unread_count(sums: ProcessSums) -> int:
    """Return how many living processes were listed but have no numbers in the sums."""
    return len(sums.skipped) + sums.skipped_unlisted


def unread_rss_bytes(sums: ProcessSums) -> int | None:
    """Return the RSS of those processes, in bytes; None when it is not known of one of them."""
    parts = [process.rss_bytes for process in sums.skipped]
    if sums.skipped_unlisted:
        parts.append(sums.skipped_unlisted_rss_bytes)
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _add_node(facts: Facts, node: Node | None) -> None:
    for name, value in (
        ("node.cpus", node.cpus if node else None),
        ("node.page_size", node.page_size_bytes if node else None),
        ("node.swap_devices", node.swap_devices if node else None),
        ("node.swap_free", (node.meminfo or {}).get("SwapFree") if node else None),
    ):
        if value is None:
            facts.reasons[name] = "the node did not say"
        else:
            facts[name] = value
    if node is not None and node.lru_gen is not None:
        facts["node.lru_gen"] = int(node.lru_gen)
    if node is not None and node.transparent_hugepage is not None:
        facts["node.thp_always"] = int(node.transparent_hugepage == "always")
    if node is not None and "memory_hugetlb_accounting" in node.cgroup_mount_options:
        facts["hugetlb_charged"] = 1


def _add_lru(facts: Facts, stat: Mapping[str, int]) -> None:
    """Derive `lru`, `detached_anon` and `lazyfree`, whose definitions several rules share.

    Every page on an LRU list is either counted in `anon`, or in `file`, or in neither (mm/memcontrol.c):
    the last are the swap cache and the unmapped tails of huge pages.
    """
    reasons = facts.reasons
    why = reasons.get("stat", "this kernel's memory.stat has no such line")
    if not stat.keys() >= _OF_LRU:
        absent = [name for name in (*LRU_LISTS, "anon", "file") if name not in stat]
        why = reasons.get(_STAT + absent[0], why)
        reasons["lru"] = reasons["detached_anon"] = reasons["lazyfree"] = f"it needs stat.{absent[0]}: {why}"
        return
    lru = sum(_SIZES_OF_LISTS(stat))
    facts["lru"] = lru
    facts["detached_anon"] = max(0, lru - stat["anon"] - stat["file"])
    if "shmem" in stat:
        facts.add_interval("lazyfree", _lazyfree(facts, stat))
    else:
        reasons["lazyfree"] = f"it needs stat.shmem: {reasons.get('stat.shmem', why)}"


def _lazyfree(facts: Facts, stat: Mapping[str, int]) -> Interval:
    """Return the anonymous pages that sit on the inactive *file* list (MADV_FREE, mm/swap.c).

    Two routes. memory.stat alone: what the file lists hold beyond the page cache, where the unevictable
    list, of which memory.stat does not say whether it is anon or file, is the width of the interval.
    And Σ LazyFree of the processes, which sees pages until they are written again; a page written
    again stays on that list, so the first route may rightly say more. Where the two differ by no more
    than what may wait in per-CPU batches, the difference is the width of the interval.
    """
    ceiling = min(stat["anon"], stat["inactive_file"])
    surplus = stat["active_file"] + stat["inactive_file"] - (stat["file"] - stat["shmem"])
    low = min(max(0, surplus), ceiling)
    high = max(low, min(ceiling, surplus + stat["unevictable"]))
    seen = facts.get("procs.lazyfree")
    unread = facts.get("procs.unread_rss")
    if seen is None:
        return Interval.between(low, high)
    counted = min(seen, ceiling)
    if unread == 0 and abs(counted - low) <= _lru_batches(facts):
        return Interval.between(min(low, counted), max(low, counted), counted)
    if unread == 0 and low < counted <= high + _lru_batches(facts):
        return Interval.exactly(counted)
    return Interval.between(low, high, counted)


def _lru_batches(facts: Facts) -> int:
    """Return the bytes that may wait in per-CPU batches on their way to an LRU list (mm/swap.c).

    A batch holds at most 31 pages since commit 9cecde80aae0 (6.9; 15 before) and a CPU keeps one for each of
    the kinds of move that matter here: added, activated, deactivated, made lazily freeable.
    """
    cpus, page = facts.get("node.cpus"), facts.get("node.page_size")
    return (cpus or 1) * (page or 4096) * 31 * 4
