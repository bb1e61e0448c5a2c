"""Whether a verdict names a truth, and says its amount with it."""

import re

from lab.contradictions import tolerance
from lab.explained import pod_of
from lab.truth import Truth
from memcollect.documents.snapshot import Pod, Snapshot
from memcollect.units import GIB, KIB, MIB

WORDS = {
    "anon": r"private memory",
    "locked_anon": r"locked",
    "locked_cache": r"locked",
    "split_huge": r"huge pages",
    "swap_cache": r"swap cache",
    "detached_anon": r"swap cache|private memory",
    "hot_cache": r"page cache",
    "unwritten": r"written",
    "shmem": r"tmpfs|shared memory",
    "slab_reclaimable": r"file.names?|inodes|dentries|buffer heads",
    "kernel_stack": r"stacks",
    "page_tables": r"page tables",
    "vmalloc": r"kernel memory|vmalloc",
    "other_kernel": r"kernel memory",
    "sock": r"socket buffers",
    "zswap": r"compressed swap|zswap",
    "hugetlb": r"hugetlb",
    "swap": r"swap",
    "lazyfree": r"given back",
    "ksm": r"KSM|merged",
    "rings": r"buffers",
    "dead_containers": r"gone",
    "dead_slab": r"caches of files",
    "throttled_inside": r"set inside",
    "hit_inside": r"set inside",
    "borrowed_file": r"file pages",
    "borrowed_anon": r"private memory",
    "lent_file": r"file pages",
    "lent_anon": r"private memory",
    "double_counted": r"double-counts",
    "throttled": r"memory\.high",
    "stalled": r"stall|waited|memory\.high",
    "near_limit": r"limit",
    "oom_kill": r"OOM|killed",
}
"""By cause: what the clause of a verdict says that names it. Cold cache and protection need not be in one."""
_UNITS = {"B": 1, "KiB": KIB, "MiB": MIB, "GiB": GIB}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?) (B|KiB|MiB|GiB)\b")
_CLAUSE = re.compile(r"[;.](?:\s|$)")
_BESIDE_BYTES = 2 * MIB
"""What else may be in the part that a verdict names: kernel memory of the workload's own processes."""


def untold(snapshot: Snapshot, truths: list[Truth]) -> list[str]:
    """Return what the verdicts do not say of what they must."""
    sizes: dict[tuple[str, str], int | None] = {}
    for each in truths:
        known = sizes.get((each.pod, each.cause), 0)
        sizes[each.pod, each.cause] = None if each.size is None else (known or 0) + each.size
    return [
        f"{name}: {cause} {size} is not in: {pod.verdict}"
        for (name, cause), size in sizes.items()
        for pod in [pod_of(snapshot, name)]
        if cause in WORDS and _is_large(pod, size) and not _names(pod.verdict, WORDS[cause], size)
        # Private memory that no process maps may be told with that which one does.
        if cause != "detached_anon"
        or not _names(pod.verdict, WORDS["anon"], (size or 0) + (sizes.get((name, "anon")) or 0))
    ]


def _is_large(pod: Pod, size: int | None) -> bool:
    """Tell whether it is large even where it was somewhat less when it was measured.

    Swap cache that the workload saw may have been dropped before the agent read: then it is not told.
    """
    whole = pod.composition.working_set_bytes if pod.composition else 0
    return size is None or size - tolerance(size) >= max(MIB, round(0.05 * whole))


def _names(verdict: str, words: str, size: int | None) -> bool:
    clauses = [clause for clause in _CLAUSE.split(verdict) if re.search(words, clause)]
    return any(size is None or _says(clause, size) for clause in clauses)


def _says(clause: str, size: int) -> bool:
    amounts = [float(number) * _UNITS[unit] for number, unit in _AMOUNT.findall(clause)]
    least, most = size - tolerance(size), size + tolerance(size) + _BESIDE_BYTES
    return any(least <= amount <= most for amount in amounts)
