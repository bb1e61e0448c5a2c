"""What a measurement costs the node: the agent's own time, memory, descriptors and threads."""

from __future__ import annotations

import re
import time
from pathlib import Path

import psutil

from memcollect_agent.wire import Cost

_PEAK = re.compile(rb"^VmHWM:\s+(\d+) kB", re.MULTILINE)


class Meter:
    """Runs from when it is made, for the thread that made it."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.thread_time()

    def read(self) -> Cost:
        """Return what was spent since, and what the process holds now; None for what cannot be read."""
        wall, cpu = time.monotonic() - self._wall, time.thread_time() - self._cpu
        try:
            process = psutil.Process()
            with process.oneshot():
                return Cost(
                    wall_seconds=wall,
                    cpu_seconds=cpu,
                    max_rss_bytes=_peak_bytes(),
                    rss_bytes=process.memory_info().rss,
                    descriptors=process.num_fds(),
                    threads=process.num_threads(),
                )
        except (psutil.Error, OSError):
            return Cost(wall_seconds=wall, cpu_seconds=cpu)


def _peak_bytes() -> int | None:
    # Not ru_maxrss, which outlives execve(2) and so holds what the program before had (getrusage(2)).
    found = _PEAK.search(Path("/proc/self/status").read_bytes())
    return int(found[1]) * 1024 if found else None
