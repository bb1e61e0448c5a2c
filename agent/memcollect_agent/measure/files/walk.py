"""The files below one directory: never through a link, never onto another mount, within bounds."""

import os
import time
from collections.abc import Iterator

from msgspec import Struct

from memcollect_agent.errors import AgentError, DeniedError, GoneError, UnsupportedError
from memcollect_agent.measure.files.probe import Probed, Prober
from memcollect_agent.read.openat2 import PATH_ONLY, WITHIN, open_at

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOATIME
_DIRECTORY_OF_OTHERS = _DIRECTORY & ~os.O_NOATIME
MAX_DEPTH = 64
"""Directories open at once, each in the one before."""
MAX_FILES = 60_000
"""Looked at in one sample."""
MAX_ENTRIES = 500_000


class Bounds:
    """How much may still be looked at in one sample."""

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds
        """Of time.monotonic."""
        self.files = MAX_FILES
        self.entries = MAX_ENTRIES

    def are_spent(self) -> bool:
        """Whether no further file may be looked at."""
        return self.files <= 0 or self.entries <= 0 or time.monotonic() >= self.until


class Walked(Struct):
    """What came of one walk."""

    files: list[tuple[str, Probed]]
    """Those with something in memory, by their path below the directory."""
    refused: int = 0
    """Files and directories that may not be looked at."""
    refusal: str = ""
    """Why, of the first."""
    unsupported: int = 0
    unsupported_why: str = ""
    is_cut: bool = False
    """Whether the bounds ended it."""
    too_deep: int = 0


def walk(directory_fd: int, prober: Prober, bounds: Bounds, *, is_shmem: bool) -> Walked:
    """Look at every file below the directory that may be looked at. Closes nothing that it did not open."""
    walked = Walked(files=[])
    _Walk(walked, prober, bounds, is_shmem=is_shmem).directory(directory_fd, "", 0)
    return walked


class _Walk:
    def __init__(self, walked: Walked, prober: Prober, bounds: Bounds, *, is_shmem: bool) -> None:
        self._walked = walked
        self._prober = prober
        self._bounds = bounds
        self._is_shmem = is_shmem

    def directory(self, path_fd: int, path: str, depth: int) -> None:
        if depth > MAX_DEPTH:
            self._walked.too_deep += 1
            return
        try:
            fd = _listable(path_fd)
        except OSError as error:
            self._refuse(error.strerror or str(error))
            return
        try:
            for entry in _entries(fd):
                self._bounds.entries -= 1
                if self._bounds.are_spent():
                    self._walked.is_cut = True
                    return
                self._entry(fd, entry, path, depth)
        finally:
            os.close(fd)

    def _entry(self, dir_fd: int, entry: "os.DirEntry[str]", above: str, depth: int) -> None:
        is_directory = entry.is_dir(follow_symlinks=False)
        if not is_directory and not entry.is_file(follow_symlinks=False):
            return
        try:
            fd = open_at(dir_fd, entry.name, PATH_ONLY, WITHIN)
        except DeniedError as error:
            self._refuse(error.problem)
            return
        except UnsupportedError:
            raise
        except AgentError:
            # It went, became a link, or another file system is mounted there, which is a place of its own.
            return
        try:
            if is_directory:
                self.directory(fd, f"{above}/{entry.name}", depth + 1)
            else:
                self._file(fd, above, entry.name)
        finally:
            os.close(fd)

    def _file(self, fd: int, above: str, name: str) -> None:
        self._bounds.files -= 1
        try:
            probed = self._prober.probe(fd, os.fstat(fd), is_shmem=self._is_shmem)
        except DeniedError as error:
            self._refuse(error.problem)
        except GoneError:
            return
        except AgentError as error:
            self._walked.unsupported += 1
            self._walked.unsupported_why = self._walked.unsupported_why or str(error)
        else:
            if probed is not None and probed.high_bytes:
                self._walked.files.append((f"{above}/{name}", probed))

    def _refuse(self, why: str) -> None:
        self._walked.refused += 1
        self._walked.refusal = self._walked.refusal or why


def _listable(path_fd: int) -> int:
    try:
        return os.open(".", _DIRECTORY, dir_fd=path_fd)
    except PermissionError:
        return os.open(".", _DIRECTORY_OF_OTHERS, dir_fd=path_fd)


def _entries(fd: int) -> Iterator["os.DirEntry[str]"]:
    with os.scandir(fd) as entries:
        yield from entries
