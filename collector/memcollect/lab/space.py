"""Where the guest's memory and files go: room enough, programs allowed, and visible inside the guest."""

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from memcollect.lab.errors import NoSpaceError

COVERED = ("/proc", "/sys", "/dev", "/run", "/var/log")
"""The guest mounts file systems of its own here, so it cannot see what the host has below them."""


def memory_directory(size_bytes: int) -> Path:
    """Return a directory for the file that User-Mode Linux maps as its memory.

    It maps that file executable, so a noexec mount will not do. Shared memory is preferred, since there
    nothing is written to a disk. Raises NoSpaceError.
    """
    return _first_fit(["/dev/shm", tempfile.gettempdir(), "/var/tmp"], size_bytes, "the guest's memory")  # noqa: S108 -- only probed; files in it are made privately


def files_directory(size_bytes: int) -> Path:
    """Return a directory for images and results that the guest sees under the same path."""
    visible = [d for d in (tempfile.gettempdir(), "/var/tmp", str(Path.home())) if not is_covered(d)]  # noqa: S108 -- as above
    return _first_fit(visible, size_bytes, "the guest's images and results")


def require(directory: Path, size_bytes: int, purpose: str, variable: str) -> None:
    """Raise NoSpaceError if `directory` has no such room; `variable` of the environment names another."""
    free = shutil.disk_usage(directory).free
    if free < size_bytes:
        raise NoSpaceError(
            f"no room for {purpose} ({size_bytes >> 20} MiB): {directory} has {free >> 20} MiB free; "
            f"set {variable} to a directory that has the room"
        )


def is_covered(path: str, mounts: Iterable[str] = COVERED) -> bool:
    """Whether `path` lies below a mount of the guest's own."""
    real = os.path.realpath(path)
    return any(real == mount or real.startswith(mount + "/") for mount in map(os.path.realpath, mounts))


def _first_fit(candidates: list[str], size_bytes: int, purpose: str) -> Path:
    tried = []
    for directory in dict.fromkeys(candidates):
        problem = _problem(directory, size_bytes)
        if problem is None:
            return Path(directory)
        tried.append(f"{directory} {problem}")
    raise NoSpaceError(
        f"no room for {purpose} ({size_bytes >> 20} MiB): {'; '.join(tried)}; "
        "set TMPDIR to a directory that has the room"
    )


def _problem(directory: str, size_bytes: int) -> str | None:
    try:
        flags = os.statvfs(directory).f_flag
        free = shutil.disk_usage(directory).free
    except OSError as error:
        return f"cannot be used ({error.strerror})"
    if not os.access(directory, os.W_OK | os.X_OK) or flags & os.ST_RDONLY:
        return "cannot be written"
    if flags & os.ST_NOEXEC:
        return "is mounted noexec"
    return None if free >= size_bytes else f"has {free >> 20} MiB free"
