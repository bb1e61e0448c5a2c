"""Making, filling and removing cgroup v2 directories that have the memory controller.

The kernel's rule of no internal processes (Documentation/admin-guide/cgroup-v2.rst) holds throughout: a
cgroup either has children with controllers or has processes.
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from memcollect.lab.errors import LabError

_REMOVAL_SECONDS = 5.0


def make(path: Path, root: Path) -> None:
    """Make `path` below `root`, each level above it handing the memory controller down."""
    below = [root / part for part in _steps(path.relative_to(root))]
    for parent, child in zip([root, *below], below, strict=False):
        hand_down(parent)
        child.mkdir(exist_ok=True)


def hand_down(path: Path) -> None:
    """Let the children of `path` have the memory controller."""
    control = path / "cgroup.subtree_control"
    if "memory" not in control.read_text().split():
        control.write_text("+memory")


def limit(path: Path, limits: dict[str, int | str]) -> None:
    """Write limit files by name, e.g. {"memory.max": 1 << 30}; bytes, 0/1 or the word "max"."""
    for name, value in limits.items():
        (path / name).write_text(str(value))


def move(path: Path, pid: int) -> None:
    """Move a process; what it has been charged for stays where it is."""
    (path / "cgroup.procs").write_text(str(pid))


def members(path: Path) -> list[int]:
    """Return the pids of the whole subtree; the kernel's 0, a process of another pid namespace, is none."""
    pids = []
    for file in path.rglob("cgroup.procs"):
        with suppress(OSError):
            pids += [int(pid) for pid in file.read_text().split()]
    return [pid for pid in pids if pid > 0]


def remove(path: Path) -> None:
    """Kill what runs in the subtree and remove it, leaves first; gone already is fine.

    Raises LabError if something in it cannot be ended.
    """
    deadline = time.monotonic() + _REMOVAL_SECONDS
    while path.exists():
        for pid in members(path):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if _remove_empty(path):
            return
        if time.monotonic() > deadline:
            raise LabError(f"{path} still has processes: {members(path)}")
        time.sleep(0.02)


def _remove_empty(path: Path) -> bool:
    """Remove the tree as far as it has no processes; whether all of it is gone."""
    for directory, _, _ in os.walk(path, topdown=False):
        with suppress(OSError):
            Path(directory).rmdir()
    return not path.exists()


def _steps(relative: Path) -> list[Path]:
    return [Path(*relative.parts[: count + 1]) for count in range(len(relative.parts))]
