"""One file that was found -> what of it is in memory, and who pays for that."""

import errno
import os
import stat
from collections import Counter

import msgspec
from msgspec import Struct

from memcollect_agent.errors import AgentError, DeniedError, UnsupportedError
from memcollect_agent.measure.files.waiting import UNREACHED, Waiting
from memcollect_agent.read import residency
from memcollect_agent.read.pages import PageOwners

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOATIME | os.O_NOCTTY
_BLOCK = 512
"""The unit of st_blocks, whatever the file system's own block is (man 2 stat)."""
LEAST_FOR_PAYERS = 1 << 20
"""Bytes in memory below which nobody is looked up to pay for them."""
MOST_BYTES_FOR_PAYERS = 2 << 30
"""Looked up for one sample: about 6 µs a page."""
OPEN_DENIED = "may not be opened"


class Probed(Struct, frozen=True, kw_only=True):
    """What is known of one file."""

    device: int
    inode: int
    size_bytes: int
    low_bytes: int
    high_bytes: int
    by: str
    dirty_bytes: int | None = None
    payers: dict[int, int] | None = None
    """Bytes by the inode of the cgroup that pays; None: not looked at."""


class Prober:
    """Looks at files for one sample; whoever pays is looked up while there are bytes left to look at.

    Without `owners` nobody is. Where pagemap tells no page numbers, the largest files are left to `waiting`,
    and who pays for them is known once it was settled.
    """

    def __init__(self, owners: PageOwners | None, *, swaps: bool, waiting: Waiting | None = None) -> None:
        self._owners = owners
        self._swaps = swaps
        self._waiting = waiting
        self._left_bytes = MOST_BYTES_FOR_PAYERS
        self._waits = False
        self.payers_unknown = ""
        self.looked_at = 0

    def probe(self, path_fd: int, status: os.stat_result, *, is_shmem: bool) -> Probed | None:
        """Return what of the file is in memory; None of what is no regular file, or has nothing there.

        `path_fd` was opened with O_PATH, so that neither a pipe nor a device is ever opened by a mistake.
        Raises DeniedError, UnsupportedError or ReadError where that is not known.
        """
        if not stat.S_ISREG(status.st_mode) or (not status.st_blocks and not status.st_size):
            return None
        self.looked_at += 1
        try:
            return self._opened(path_fd, status)
        except (DeniedError, UnsupportedError):
            if not is_shmem:
                raise
            return self._by_blocks(status)

    def _opened(self, path_fd: int, status: os.stat_result) -> Probed | None:
        fd = _reopened(path_fd)
        try:
            found = residency.residency(fd, status)
            if not found.cached_bytes:
                return None
            payers = self._payers(fd, status, found.cached_bytes)
        finally:
            os.close(fd)
        return Probed(
            device=status.st_dev,
            inode=status.st_ino,
            size_bytes=status.st_size,
            low_bytes=found.cached_bytes,
            high_bytes=found.cached_bytes,
            by=found.by,
            dirty_bytes=found.dirty_bytes,
            payers=payers,
        )

    def _by_blocks(self, status: os.stat_result) -> Probed:
        taken = status.st_blocks * _BLOCK
        return Probed(
            device=status.st_dev,
            inode=status.st_ino,
            size_bytes=status.st_size,
            low_bytes=0 if self._swaps else taken,
            high_bytes=taken,
            by="blocks",
        )

    def settle(self) -> None:
        """Look up who pays for the files that wait for it."""
        if self._waits and self._waiting is not None:
            self._waiting.settle()
            self.payers_unknown = self._waiting.unknown

    def settled(self, probed: Probed) -> Probed:
        """Return the file as it was when it was looked up who pays for it, where it was."""
        found = self._waiting.settled.get((probed.device, probed.inode)) if self._waiting else None
        if found is None or probed.payers is not None:
            return probed
        return msgspec.structs.replace(
            probed,
            size_bytes=found.size_bytes,
            low_bytes=found.payers.resident_bytes,
            high_bytes=found.payers.resident_bytes,
            payers=dict(found.payers.owners),
        )

    def _payers(self, fd: int, status: os.stat_result, cached: int) -> dict[int, int] | None:
        if cached < LEAST_FOR_PAYERS:
            return None
        if self._waits and self._waiting is not None:
            self._waiting.add(fd, status, cached)
        if self._owners is None:
            return None
        if cached > self._left_bytes:
            return None
        self._left_bytes -= cached
        try:
            found: Counter[int] = self._owners.of(fd, status.st_size)
        except DeniedError as error:
            self._owners, self.payers_unknown = None, error.problem
            if self._waiting is not None:
                self._waits = True
                self._waiting.add(fd, status, cached)
            return None
        except AgentError:
            # The file may not be mapped (a file system without mmap): of it alone it is not known.
            return None
        if not found:
            self.payers_unknown = self.payers_unknown or UNREACHED
        return dict(found) if found else None


def _reopened(path_fd: int) -> int:
    try:
        return os.open(f"/proc/self/fd/{path_fd}", _FLAGS)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM):
            raise DeniedError("file", OPEN_DENIED) from error
        raise UnsupportedError(error.strerror or str(error)) from error
