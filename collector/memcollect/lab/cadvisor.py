"""A container's memory as cAdvisor reads it, and when.

The formula is max(0, memory.current − inactive_file), memory.stat read first and the time taken last
(github.com/google/cadvisor, container/libcontainer/handler.go). In the kubelet each container is looked at
by itself: when it is found, and then every 10 to 20 s (manager/container.go, with the kubelet's interval of
10 s and its jitter), so no two containers' numbers are of one moment.
"""

import random
import time
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

ROOT = "/"
"""What cAdvisor calls the node itself."""


class Pace(Struct, frozen=True, kw_only=True):
    """How often things happen, in seconds."""

    least: float
    most: float
    """Between two looks at one container."""
    scrape: float
    """Between two visits of metrics-server."""


REAL = Pace(least=10.0, most=20.0, scrape=15.0)
"""As in a cluster whose metrics-server was installed as usual."""
QUICK = Pace(least=5.0, most=10.0, scrape=7.5)
"""Twice that, for who does not want to wait."""
SWIFT = Pace(least=0.5, most=1.0, scrape=1.0)
"""A few seconds after a pod is there, where a whole plan is to be run through."""
PACES = {"real": REAL, "quick": QUICK, "swift": SWIFT}


class Reading(Struct, frozen=True, kw_only=True):
    """One look at one container's cgroup."""

    container_id: str
    at: float
    """Seconds since the epoch."""
    current_bytes: int
    inactive_file_bytes: int
    cpu_microseconds: int

    @property
    def working_set_bytes(self) -> int:
        """What the kubelet calls working set."""
        return max(0, self.current_bytes - self.inactive_file_bytes)


def read(cgroup: Path, container_id: str) -> Reading | None:
    """Look at a container; None where it has just gone."""
    try:
        inactive = _keyed(cgroup / "memory.stat")["inactive_file"]
        current = int((cgroup / "memory.current").read_text())
        cpu = _keyed(cgroup / "cpu.stat")["usage_usec"]
    except OSError:
        return None
    return Reading(
        container_id=container_id,
        at=time.time(),
        current_bytes=current,
        inactive_file_bytes=inactive,
        cpu_microseconds=cpu,
    )


def read_root(root: Path) -> Reading | None:
    """Look at the node itself: the root cgroup has no memory.current, so anon + file stands for it.

    As libcontainer does for cAdvisor (opencontainers/cgroups, fs2/memory.go, rootStatsFromMeminfo).
    """
    try:
        stat, cpu = _keyed(root / "memory.stat"), _keyed(root / "cpu.stat")["usage_usec"]
    except OSError:
        return None
    return Reading(
        container_id=ROOT,
        at=time.time(),
        current_bytes=stat["anon"] + stat["file"],
        inactive_file_bytes=stat["inactive_file"],
        cpu_microseconds=cpu,
    )


def _keyed(path: Path) -> dict[str, int]:
    return {name: int(value) for name, value in (line.split() for line in path.read_text().splitlines())}


class Housekeeping:
    """When each container is to be looked at again: a rhythm of its own, the same in every run."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._due: dict[str, float] = {}
        self._random: dict[str, random.Random] = {}

    def due(self, containers: Iterable[str], now: float) -> list[str]:
        """Return the containers whose time has come, and set their next; `now` in seconds."""
        present = set(containers)
        for gone in set(self._due) - present:
            del self._due[gone], self._random[gone]
        ready = sorted(each for each in present if self._due.get(each, now) <= now)
        for each in ready:
            rhythm = self._random.setdefault(each, random.Random(each))  # noqa: S311 -- a rhythm, no secret
            self._due[each] = now + rhythm.uniform(self._pace.least, self._pace.most)
        return ready
