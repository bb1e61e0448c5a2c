"""What a measurement costs the node: the agent's own time, memory, descriptors and threads."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from memcollect_agent.wire import Cost

_FIELD = re.compile(rb"^(VmHWM|VmRSS|Threads):\s+(\d+)", re.MULTILINE)


class Meter:
    """Runs from when it is made, for the thread that made it."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.thread_time()

    def read(self) -> Cost:
        """Return what was spent since, and what the process holds now; None for what cannot be read."""
        wall, cpu = time.monotonic() - self._wall, time.thread_time() - self._cpu
        try:
            # Not ru_maxrss, which outlives execve(2) and so holds what the program before had (getrusage(2)).
            status = dict(_FIELD.findall(Path("/proc/self/status").read_bytes()))
            return Cost(
                wall_seconds=wall,
                cpu_seconds=cpu,
                max_rss_bytes=int(status[b"VmHWM"]) * 1024,
                rss_bytes=int(status[b"VmRSS"]) * 1024,
                descriptors=len(os.listdir("/proc/self/fd")),  # noqa: PTH208 -- names alone
                threads=int(status[b"Threads"]),
            )
        except (OSError, KeyError):
            return Cost(wall_seconds=wall, cpu_seconds=cpu)
