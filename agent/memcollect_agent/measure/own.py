"""What a measurement costs the node: the agent's own time, memory, descriptors and threads."""

from __future__ import annotations

import os
import time
from pathlib import Path

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import status
from memcollect_agent.wire import Cost

_OWN = "/proc/self"


class Meter:
    """Runs from when it is made, for the thread that made it."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.thread_time()

    def read(self) -> Cost:
        """Return what was spent since, and what the process holds now; None for what cannot be read."""
        wall, cpu = time.monotonic() - self._wall, time.thread_time() - self._cpu
        try:
            # Not ru_maxrss, which outlives execve(2) and so holds what the program before had (getrusage(2)).
            told = status.parse(Path(_OWN, "status").read_bytes(), f"{_OWN}/status")
            return Cost(
                wall_seconds=wall,
                cpu_seconds=cpu,
                max_rss_bytes=told.sizes["VmHWM"],
                rss_bytes=told.sizes["VmRSS"],
                descriptors=len(os.listdir(f"{_OWN}/fd")),  # noqa: PTH208 -- names alone
                threads=told.threads,
            )
        except (OSError, ParseError, KeyError):
            return Cost(wall_seconds=wall, cpu_seconds=cpu)
