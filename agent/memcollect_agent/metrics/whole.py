"""The charges of the whole node -> a few numbers of it, each in one series. Pure.

The same arithmetic as the collector's accounts (memcollect.accounting.node), over groups that are always the
same, so that the page stays small however many cgroups there are.
"""

from collections.abc import Mapping

from msgspec import Struct, field

from memcollect_agent import pods
from memcollect_agent.wire import CgroupTree, CgroupUse

HOLDERS = ("pods", "left_by_pods", "services", "outside_containers", "other_cgroups", "root_alone")


class WholeNode(Struct, frozen=True, kw_only=True):
    """The node's numbers in bytes; None where the kernel does not give what one needs."""

    total: int | None = None
    available: int | None = None
    working_set: int | None = None
    """Root anon + file − inactive_file: the kubelet's number."""
    active_cache: int | None = None
    kernel_uncounted: int | None = None
    """Kernel memory that no counter names, at most."""
    held: dict[str, int] = field(default_factory=dict)
    """By HOLDERS; empty where a cgroup was not read: a sum of a part would look whole."""
    dying_cgroups: int | None = None


def whole_node(tree: CgroupTree) -> WholeNode:
    """Return the numbers of a node."""
    meminfo, root = tree.meminfo or {}, tree.root or {}
    told = [] if pods.has_unread(tree) else tree.cgroups
    held = _held(told) if told else {}
    usage = _sum(root, ("anon", "file"))
    if usage is not None and held:
        held["root_alone"] = usage - _user_pages(told)
    inactive = root.get("inactive_file")
    return WholeNode(
        total=meminfo.get("MemTotal"),
        available=meminfo.get("MemAvailable"),
        working_set=None if usage is None or inactive is None else max(0, usage - inactive),
        active_cache=root.get("active_file"),
        kernel_uncounted=_kernel_uncounted(meminfo, tree.free_percpu_bytes or 0),
        held=held,
        dying_cgroups=max((use.dying for use in told if use.dying is not None), default=None),
    )


def _held(cgroups: list[CgroupUse]) -> dict[str, int]:
    """Return the charges by group: a leaf's whole, and of what holds leaves its own alone."""
    held = dict.fromkeys(HOLDERS[:-1], 0)
    own = {use.path: use.current_bytes for use in cgroups if use.current_bytes is not None}
    for use in cgroups:
        parent = use.path.rpartition("/")[0]
        while parent and parent not in own:
            parent = parent.rpartition("/")[0]
        if parent and use.current_bytes is not None:
            own[parent] -= use.current_bytes
    for path, size in own.items():
        held[_group(path)] += size
    return held


def _group(path: str) -> str:
    if pods.pod_at(path):
        return "pods"
    if unit := pods.unit_at(path):
        return "services" if unit.kind == "service" else "outside_containers"
    if pods.holds_pods(path):
        return "left_by_pods"
    return "services" if path.startswith("/system.slice") else "other_cgroups"


def _user_pages(cgroups: list[CgroupUse]) -> int:
    """Return anon and file of the highest cgroups that tell them, one below the other once."""
    told: set[str] = set()
    total = 0
    for use in cgroups:
        parents = use.path.split("/")[1:-1]
        above = ("/" + "/".join(parents[: end + 1]) for end in range(len(parents)))
        if "anon" in use.stat and told.isdisjoint(above):
            told.add(use.path)
            total += use.stat["anon"] + use.stat.get("file", 0)
    return total


def _kernel_uncounted(meminfo: Mapping[str, int], free_percpu: int) -> int | None:
    names = ("MemFree", "Active", "Inactive", "Unevictable", "SUnreclaim", "KernelStack", "PageTables")
    used = _sum(meminfo, names)
    reclaimable = meminfo.get("KReclaimable", meminfo.get("SReclaimable"))
    if used is None or reclaimable is None or "MemTotal" not in meminfo:
        return None
    newer = sum(meminfo.get(name, 0) for name in ("SecPageTables", "Percpu", "Hugetlb"))
    # Thread stacks are mostly vmalloc areas, too, and are counted already.
    vmalloc = max(0, meminfo.get("VmallocUsed", 0) - meminfo["KernelStack"])
    return max(0, meminfo["MemTotal"] - used - reclaimable - newer - vmalloc - free_percpu)


def _sum(lines: Mapping[str, int], names: tuple[str, ...]) -> int | None:
    known = [lines[name] for name in names if name in lines]
    return sum(known) if len(known) == len(names) else None
