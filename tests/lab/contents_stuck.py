"""A file system whose program never answers: whoever asks it for anything hangs until it ends."""

import os
from pathlib import Path

from memcollect.lab import syscalls

_OPEN: list[int] = []
"""The descriptors of those programs: as long as one is open, the kernel waits for its answer."""


def stuck_mount(target: Path) -> None:
    """Mount one; the kernel's module must be loaded."""
    fd = os.open("/dev/fuse", os.O_RDWR)
    _OPEN.append(fd)
    syscalls.mount("stuck", str(target), "fuse", f"fd={fd},rootmode=40000,user_id=0,group_id=0")


def end_stuck_mounts() -> None:
    """Let all who wait go on with an error."""
    while _OPEN:
        os.close(_OPEN.pop())
