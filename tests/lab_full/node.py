"""Runs in the guest: the small lab's node made on purpose, and beside it what only this kernel can hold.

    python3 -m lab_full.node PROGRAM

Prints what lab.node_runner prints. What came in between has, beside what that says, MAP in a BPF map that
was made by a process of no cgroup but the root, POOL in huge pages that are reserved, half of them used by a
process of the root, and SWAPPED of a pod's memory beyond its memory.high, in swap.
"""

import os
import sys
from pathlib import Path

from lab import node_runner
from lab.stage import MIB, drop_caches, unmount
from lab_full.runner import prepare
from memcollect.lab import syscalls
from memcollect.lab.layout import ContainerSpec, Layout, PodSpec
from memcollect.lab.processes import Tenant

MAP, POOL, SWAPPED, RESIDENT = 36 * MIB, 44 * MIB, 52 * MIB, 20 * MIB
FULL = PodSpec(name="full", containers=[ContainerSpec(name="app", limits={"memory.high": RESIDENT})])
_POOL = Path("/proc/sys/vm/nr_hugepages")
_HUGE = 2 * MIB


def main(program: str) -> None:
    """Make the node, print it before and after, and leave nothing of it."""
    prepare()
    # Whoever logs in is in a cgroup of its own.
    (node_runner.ROOT / "cgroup.procs").write_text(str(os.getpid()))
    syscalls.mount("tmpfs", node_runner.TMPFS, "tmpfs", "")
    drop_caches()
    layout = Layout(node_runner.ROOT)
    full = layout.place(FULL)
    tenants = [Tenant(None, [program]), Tenant(full.containers["app"], [program])]
    for tenant in tenants:
        tenant.wait_ready()
    alone, swapping = tenants

    def more() -> None:
        _POOL.write_text(str(POOL // _HUGE))
        alone.ask(f"bpfarray {MAP} hugetlb {POOL // 2}")
        swapping.ask(f"noise {RESIDENT + SWAPPED}")

    try:
        node_runner.main(more, [FULL.uid])
    finally:
        for tenant in tenants:
            tenant.end()
        _POOL.write_text("0")
        layout.remove(full)
        unmount(Path(node_runner.TMPFS))


if __name__ == "__main__":
    main(sys.argv[1])
