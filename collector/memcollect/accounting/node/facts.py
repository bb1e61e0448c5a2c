"""What is known of a whole node, by name. Pure.

`meminfo.LINE` (bytes; HugePages_* counts), `vmstat.LINE` (pages), `root.LINE` (memory.stat of the root
cgroup), `free_percpu`, `node.cpus`, `node.page_size` and the derived ones below. The kernel's own arithmetic
is in mm/page_alloc.c (si_mem_available) and fs/proc/meminfo.c.
"""

from __future__ import annotations

from collections.abc import Mapping

from memcollect.accounting.facts import Facts
from memcollect.documents.snapshot import NodeAccount, Top
from memcollect.units import MIB
from memcollect_agent.wire import Node

Values = dict[str, int]
NO_MEMINFO = "/proc/meminfo was not read"
NO_LINE = "this kernel's /proc/meminfo has no such line"
NO_ROOT = "the root cgroup has no memory.stat here"


class NodeFacts(Facts):
    """Facts whose reasons follow from the file that a name belongs to."""

    def reason(self, name: str) -> str:
        """Return why `name` is absent."""
        if name in self.reasons:
            return self.reasons[name]
        return self.reasons.get(name.partition(".")[0], "not measured")


def node_facts(account: NodeAccount, node: Node | None) -> NodeFacts:
    """Return the facts of one node's account."""
    tree = account.tree
    values: Values = {}
    reasons: dict[str, str] = {}
    meminfo = tree.meminfo
    _add(values, "meminfo", meminfo)
    reasons["meminfo"] = NO_LINE if meminfo is not None else tree.absent.get("meminfo", NO_MEMINFO)
    _add(values, "vmstat", node.vmstat if node else None)
    reasons["vmstat"] = "this kernel's /proc/vmstat has no such line"
    _add(values, "root", tree.root)
    reasons["root"] = (
        "this kernel's memory.stat has no such line"
        if tree.root is not None
        else tree.absent.get("memory.stat", NO_ROOT)
    )
    if tree.free_percpu_bytes is not None:
        values["free_percpu"] = tree.free_percpu_bytes
    else:
        reasons["free_percpu"] = tree.absent.get("free_percpu", "/proc/zoneinfo was not read")
    if node is not None and node.cpus is not None:
        values["node.cpus"] = node.cpus
    if node is not None and node.page_size_bytes is not None:
        values["node.page_size"] = node.page_size_bytes
    reasons["lru"] = "it needs meminfo's Active, Inactive and Unevictable"
    reasons["tops"] = "a cgroup at the top has no memory.stat"
    values["moved"] = _moved(tree.meminfo, tree.meminfo_again)
    facts = NodeFacts(values, reasons)
    return NodeFacts({**values, **_derived(facts), **_top(account.top, reasons)}, reasons)


def _add(values: Values, prefix: str, lines: Mapping[str, int] | None) -> None:
    values.update({f"{prefix}.{name}": value for name, value in (lines or {}).items()})


LRU = ("Active", "Inactive", "Unevictable")


def _moved(first: Mapping[str, int] | None, again: Mapping[str, int] | None) -> int:
    """Return by how much the machine's memory moved while the root cgroup was read, in bytes."""
    if first is None or again is None:
        return 0
    return max((abs(again[n] - first[n]) for n in ("MemFree", *LRU) if n in first and n in again), default=0)


def _derived(facts: NodeFacts) -> Values:
    derived: Values = {}
    if all(f"meminfo.{name}" in facts for name in LRU):
        derived["lru"] = sum(facts[f"meminfo.{name}"] for name in LRU)
    if "root.anon" in facts and "root.file" in facts:
        held = facts["root.anon"] + facts["root.file"]
        derived["root_held"] = held
        if "root.inactive_file" in facts:
            derived["working_set"] = max(0, held - facts["root.inactive_file"])
    pages = facts.get("node.page_size", 4096)
    if "vmstat.nr_zspages" in facts:
        derived["zspages"] = facts["vmstat.nr_zspages"] * pages
    if "meminfo.MemTotal" in facts:
        derived["hugetlb"] = _hugetlb(facts)
    return derived


def _hugetlb(facts: NodeFacts) -> int:
    """Return the hugetlb pool: the line of all sizes (4.19 and later), else that of the default size."""
    if "meminfo.Hugetlb" in facts:
        return facts["meminfo.Hugetlb"]
    if "meminfo.HugePages_Total" in facts and "meminfo.Hugepagesize" in facts:
        return facts["meminfo.HugePages_Total"] * facts["meminfo.Hugepagesize"]
    return 0  # a kernel without hugetlb writes none of these lines


def _top(top: Top | None, reasons: dict[str, str]) -> Values:
    reasons["top"] = "kubectl top node was not asked"
    reasons["working_set_at_sample"] = "no history at the sample's time"
    reasons.setdefault("working_set", "it needs the root cgroup's memory.stat")
    reasons.setdefault("root_held", "it needs the root cgroup's memory.stat")
    values: Values = {}
    if top is None:
        return values
    reasons["top"] = top.detail or "kubectl top node has no number"
    if top.memory_bytes is not None:
        values["top_raw"] = top.memory_bytes
        values["top"] = top.memory_bytes // MIB * MIB
    if top.working_set_at_sample_bytes is not None:
        values["working_set_at_sample"] = top.working_set_at_sample_bytes
    if top.tolerance_bytes is not None:
        values["top_tolerance"] = top.tolerance_bytes
    return values
