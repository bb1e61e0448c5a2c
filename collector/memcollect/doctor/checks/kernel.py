"""Whether the nodes' kernels say all that an explanation uses."""

from __future__ import annotations

import re

from memcollect.doctor.facts import ClusterFacts, Conversation
from memcollect.doctor.result import Finding, Item
from memcollect.doctor.wording import of_nodes
from memcollect.sources.plain import plain
from memcollect_agent.wire import NodeSample

KERNEL_FIELD_SINCE = (5, 18)
"""memory.stat has `kernel`, the sum of all kernel memory, since Linux 5.18 (mm/memcontrol.c, commit
a8c49af3be5f)."""
ROLLUP_SINCE = (4, 14)
"""/proc/PID/smaps_rollup exists since Linux 4.14 (fs/proc/task_mmu.c, commit 493b0e9d945f)."""
_RELEASE = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})", re.ASCII)


def itemised(facts: ClusterFacts) -> Finding:
    """Whether smaps_rollup exists and memory.stat sums up kernel memory; an old kernel leaves gaps."""
    items = [_item(each, sample) for each, sample in facts.sampled]
    old = [item for item in items if item.status == "warn"]
    if old:
        return Finding(
            status="warn",
            sentence=f"{of_nodes([item.name for item in old], len(items))}: {old[0].detail}.",
            remedy="Upgrade these nodes' kernels to 5.18 or later, or expect wider intervals there.",
            items=items,
        )
    releases = sorted({item.detail for item in items})
    return Finding(status="ok", sentence=f"{', '.join(releases[:3])}: all fields there.", items=items)


def release(text: str | None) -> tuple[int, int] | None:
    """Return the version that a kernel's release names, None where it names none."""
    match = _RELEASE.match(text or "")
    return (int(match[1]), int(match[2])) if match else None


def _item(each: Conversation, sample: NodeSample) -> Item:
    name = f"Linux {plain(sample.node.kernel or 'of no known version', 40)}"
    version = release(sample.node.kernel)
    if version is not None and version < ROLLUP_SINCE:
        detail = f"{name} has no smaps_rollup, so no process can be measured"
        return Item(name=each.node, status="warn", detail=detail)
    if _has_kernel(sample, version) is False:
        detail = f"{name} does not sum up kernel memory in memory.stat"
        return Item(name=each.node, status="warn", detail=detail)
    return Item(name=each.node, status="ok", detail=name)


def _has_kernel(sample: NodeSample, version: tuple[int, int] | None) -> bool | None:
    """Tell by a memory.stat that was read, else by the version; None where neither is known."""
    stats = [pod.cgroup.stat for pod in sample.pods if pod.cgroup.stat]
    if stats:
        return any("kernel" in stat for stat in stats)
    return None if version is None else version >= KERNEL_FIELD_SINCE
