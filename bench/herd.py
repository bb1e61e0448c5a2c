"""The measured processes: how many, how large, and whether this machine can hold them."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

LEAST_MIB, MOST_MIB = 10, 20
_MIB = 1 << 20
# Stack, page tables, kernel structures and a page or two of libraries for each, seen as 0.3 MiB.
_EXTRA_MIB = 1
_KEPT_FREE_MIB = 512


def needed_bytes(count: int) -> int:
    """Return the memory that a herd of `count` processes takes."""
    return int(count * ((LEAST_MIB + MOST_MIB) / 2 + _EXTRA_MIB) + _KEPT_FREE_MIB) * _MIB


def available_bytes() -> int:
    """Return MemAvailable."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


def require_room(count: int) -> None:
    """End the program with a sentence where the herd would not fit: swapping would be measured instead."""
    if (needed := needed_bytes(count)) > (available := available_bytes()):
        fitting = max(0, (available // _MIB - _KEPT_FREE_MIB)) // ((LEAST_MIB + MOST_MIB) // 2 + _EXTRA_MIB)
        raise SystemExit(
            f"{count} processes of {LEAST_MIB}-{MOST_MIB} MiB need {needed / 2**30:.1f} GiB and "
            f"{available / 2**30:.1f} GiB are available: try --processes {fitting // 50 * 50 or fitting}"
        )


@contextmanager
def running(program: str, count: int) -> Iterator[list[int]]:
    """Have the herd run; its pids. It ends with the block, or with this process."""
    command = [program, str(count), str(LEAST_MIB), str(MOST_MIB)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as herd:
        try:
            lines = herd.stdout or []
            pids = [int(line) for line in takewhile(str.strip, lines)]
            if len(pids) != count:
                raise SystemExit("the herd of processes did not come up")
            yield pids
        finally:
            if herd.stdin:
                herd.stdin.close()
            herd.wait()
