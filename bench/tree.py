"""What one pass over a node's cgroups costs, side by side with a C loop over the same files.

usage: bench/tree.py [PODS]    300 unless told otherwise; the target is 15 ms for so many

The files are on a tmpfs; in the kernel's own file system both pay for what memory.stat takes to be written.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import rivals
from programs import Programs

from memcollect_agent.measure.tree import read_tree
from memcollect_agent.read.cgroupfs import CgroupFs
from memcollect_agent.read.procfs import ProcFs

RUNS = 15
TARGET_SECONDS = 0.015
RECORDED = Path(__file__).parents[1] / "tests/fixtures/systemd-kernel-7.2/sys/fs/cgroup"
FILES = ("memory.stat", "memory.current", "cgroup.events")


def build(top: Path, pods: int) -> None:
    """Make the pods of a node, each with the files of a recorded one."""
    pod = next((RECORDED / "kubepods.slice").glob("kubepods-pod*.slice"))
    (top / "kubepods.slice").mkdir(parents=True)
    for name in ("memory.stat", "cgroup.controllers"):
        shutil.copy(RECORDED / name, top)
    for name in ("memory.stat", "memory.current"):
        shutil.copy(pod / name, top / "kubepods.slice")
    (top / "kubepods.slice/cgroup.stat").write_text("nr_descendants 0\nnr_dying_descendants 0\n")
    for number in range(pods):
        directory = top / f"kubepods.slice/kubepods-pod{number:08d}_0000_4000_8000_000000000000.slice"
        directory.mkdir()
        for name in ("memory.stat", "memory.current"):
            shutil.copy(pod / name, directory)
        (directory / "cgroup.events").write_text("populated 1\nfrozen 0\n")


def in_turns(top: Path, scratch: Path) -> tuple[list[float], list[float]]:
    """Return the CPU seconds of our passes, and of a C loop over the same files: one of each in turns."""
    loop = rivals.floor(Programs(scratch), [str(path) for name in FILES for path in top.rglob(name)])
    ours, theirs = [], []
    with ProcFs("/proc") as proc:
        for _ in range(RUNS):
            began = time.thread_time()
            read_tree(proc, CgroupFs(str(top)), 4096)
            ours.append(time.thread_time() - began)
            theirs.append(loop().cpu_seconds)
    return ours, theirs


def main() -> None:
    """Build, read both ways in turns, print the ratio and whether the target was met."""
    pods = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    with tempfile.TemporaryDirectory(dir="/dev/shm") as base:
        top = Path(base) / "cgroup"
        build(top, pods)
        ours, theirs = in_turns(top, Path(base))
    agent, loop = min(ours), min(theirs)
    print(f"{pods} cgroups, {RUNS} passes in turns, ms of CPU at least (median):")
    print(f"  agent {_ms(ours)}, C loop {_ms(theirs)}: {agent / loop:.1f} times")
    within = "within" if agent <= TARGET_SECONDS * pods / 300 else "MORE THAN"
    print(f"{within} the target of {TARGET_SECONDS * pods / 300 * 1e3:.1f} ms, on a machine that is at rest")


def _ms(took: list[float]) -> str:
    return f"{min(took) * 1e3:.1f} ({median(took) * 1e3:.1f})"


if __name__ == "__main__":
    main()
