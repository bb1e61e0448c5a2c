"""Disk images for the guest: an ext4 file system and a swap area."""

import shutil
import struct
import subprocess
from pathlib import Path

from memcollect.lab.errors import LabError, MissingToolError

_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
"""An ordinary user's PATH often lacks the directories where mkfs is."""


def make_ext4(path: Path, size_bytes: int, content: Path | None = None) -> None:
    """Write an ext4 image of `size_bytes` (sparse) holding what `content` holds.

    Raises MissingToolError without mkfs.ext4 and LabError when it fails.
    """
    program = shutil.which("mkfs.ext4") or shutil.which("mkfs.ext4", path=_SBIN)
    if program is None:
        raise MissingToolError("mkfs.ext4", "e2fsprogs")
    _make_sparse(path, size_bytes)
    fill = [] if content is None else ["-d", str(content)]
    command = [program, "-q", "-F", *fill, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- by its full path
    if done.returncode != 0:
        raise LabError(f"mkfs.ext4 failed on {path}: {done.stderr.strip()}")


def make_swap(path: Path, size_bytes: int, page_size: int = 4096) -> None:
    """Write a swap area: the header `union swap_header` of the kernel's include/linux/swap.h."""
    _make_sparse(path, size_bytes)
    with path.open("r+b") as file:
        file.seek(1024)
        file.write(struct.pack("<III", 1, size_bytes // page_size - 1, 0))
        file.seek(page_size - 10)
        file.write(b"SWAPSPACE2")


def _make_sparse(path: Path, size_bytes: int) -> None:
    with path.open("wb") as file:
        file.truncate(size_bytes)
