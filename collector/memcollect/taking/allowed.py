"""How many CPUs and how much memory this process may use: the machine's, or less where a cgroup allows less.

A container sees the whole machine's numbers everywhere but in its own cgroup v2 and in those around it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import pid_cgroup

CGROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def cpus(mounted: Path = CGROUPS, own: Path = OWN) -> int:
    """Return the CPUs that it may run on, or as many as a quota is worth, begun ones whole."""
    quotas = [math.ceil(quota) for each in _cgroups(mounted, own) for quota in _quota(each)]
    return max(1, min([len(os.sched_getaffinity(0)), *quotas]))


def memory_bytes(mounted: Path = CGROUPS, own: Path = OWN) -> int:
    """Return what can be had without pushing anything out that is in use."""
    import psutil  # noqa: PLC0415 # of a small cluster's snapshot it would be a twentieth of the start

    rooms = [room for each in _cgroups(mounted, own) for room in _room(each)]
    return max(0, min([psutil.virtual_memory().available, *rooms]))


def _cgroups(mounted: Path, own: Path) -> Iterator[Path]:
    """Yield the directory of the process's cgroup, and those of all around it."""
    try:
        inside = pid_cgroup.parse(own.read_bytes()).lstrip("/")
    except (OSError, ParseError):
        return
    if ".." not in inside.split("/"):
        here = mounted / inside
        yield from (here, *(each for each in here.parents if each.is_relative_to(mounted)))


def _quota(cgroup: Path) -> Iterator[float]:
    words = _text(cgroup / "cpu.max").split()
    if len(words) == 2 and all(map(str.isdecimal, words)) and int(words[1]):  # else "max": none
        yield int(words[0]) / int(words[1])


def _room(cgroup: Path) -> Iterator[int]:
    limit, used = _text(cgroup / "memory.max").strip(), _text(cgroup / "memory.current").strip()
    if limit.isdecimal() and used.isdecimal():
        stat = [line.split() for line in _text(cgroup / "memory.stat").splitlines()]
        yield int(limit) - int(used) + sum(int(words[1]) for words in stat if _is_idle(words))


def _is_idle(words: list[str]) -> bool:
    """Return whether it is the line of cache that nobody uses."""
    return len(words) == 2 and words[0] == "inactive_file" and words[1].isdecimal()


def _text(path: Path) -> str:
    """Return what is in a file; "" where it cannot be read, as where there is no such controller."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
