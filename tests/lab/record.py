"""Records a real kernel's files as a fixture tree, with the truths that the workloads knew.

    python -m lab.record KERNEL DESTINATION      (from tests/, e.g. 5.10 fixtures/lab-kernel-5.10)

Kernel files report a size of 0, so they are read, not copied. What a file refuses to say is left out.
"""

import os
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from lab.compile import compiled
from lab.stage import FLUSH_SECONDS, Stage
from lab.truth import Recorded
from lab.workloads import WORKLOADS
from memcollect.lab import cgroups, kernels, space, uml

PLAYED = ("several_at_once", "removed_container", "madv_free", "sparse_touches", "forked_copy_on_write")
"""Played together; their pods and files have different names."""
OF_PROCESS = ("smaps_rollup", "status", "stat", "cmdline", "comm")
OF_PROC = (
    *("meminfo", "vmstat", "version", "stat", "swaps", "mounts"),
    *("sys/kernel/random/boot_id", "sys/kernel/hostname"),
)
OF_SYS = (
    "devices/system/cpu/online",
    "kernel/mm/transparent_hugepage/enabled",
    "kernel/mm/ksm/run",
    "module/zswap/parameters/enabled",
)


def record(kernel: str, destination: Path) -> None:
    """Boot `kernel`, play the workloads, and write the tree to `destination`."""
    with tempfile.TemporaryDirectory(dir=space.files_directory(64 << 20)) as name:
        shared = Path(name)
        machine = uml.Machine(
            kernel=kernels.provide(kernel),
            command=[
                sys.executable,
                "-m",
                "lab.record",
                "--in-guest",
                str(compiled(shared)),
                str(shared / "tree"),
            ],
            disk_bytes=256 << 20,
        )
        outcome = uml.boot(machine)
        if outcome.exit_code:
            raise SystemExit("\n".join(outcome.errors))
        shutil.rmtree(destination, ignore_errors=True)
        shutil.copytree(shared / "tree", destination)


def record_in_guest(program: str, tree: Path) -> None:
    """Play and read."""
    stage = Stage(program)
    truths = [truth for name in PLAYED for truth in WORKLOADS[name](stage)]
    time.sleep(FLUSH_SECONDS)
    specs = [pod.spec for pod in stage.pods]
    mount = Path("/sys/fs/cgroup")
    pids = sorted({pid for pod in stage.pods for pid in cgroups.members(pod.cgroup)})
    for file in sorted(mount.rglob("*")):
        if file.name.startswith(("memory.", "cgroup.")) and "reclaim" not in file.name:
            keep(file, tree)
    for name in [*OF_PROC, *(f"{pid}/{name}" for pid in pids for name in OF_PROCESS)]:
        keep(Path("/proc", name), tree)
    for name in OF_SYS:
        keep(Path("/sys", name), tree)
    recorded = Recorded(
        kernel=os.uname().release,
        truths=truths,
        pods={spec.name: spec.uid for spec in specs},
        containers={spec.container_id(each.name): each.name for spec in specs for each in spec.containers},
    )
    (tree / "truth.json").write_bytes(msgspec.json.format(msgspec.json.encode(recorded), indent=1) + b"\n")
    stage.clear()


def keep(file: Path, tree: Path) -> None:
    """Write what `file` says now below `tree`, at its own path."""
    with suppress(OSError):
        content = file.read_bytes()
        target = tree / file.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


if __name__ == "__main__":
    if sys.argv[1] == "--in-guest":
        record_in_guest(sys.argv[2], Path(sys.argv[3]))
    else:
        record(sys.argv[1], Path(sys.argv[2]))
