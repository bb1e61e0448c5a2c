"""The largest files of a pod, kept open for a moment until who pays for them is looked up for all at once."""

import heapq
import itertools
import os
import time

from msgspec import Struct

from memcollect_agent.errors import AgentError
from memcollect_agent.read.counted import MOST_FILES, Payers, owners_by_count

MOST_BYTES = 1 << 30
"""Of one pod's files that are looked up: their page tables take 2 MiB for each time that all is mapped, 18 at
most."""
SHARE = 0.5
"""Of a sample's time: the rest is for finding files by name."""
UNREACHED = "/proc/kpagecgroup ends before the pages of some files (User-Mode Linux before 6.12)"
LATE = "the time for looking at every page's count was over: ask for fewer pods"

Identity = tuple[int, int]
"""(st_dev, st_ino)."""
_Waits = tuple[int, int, int, Identity]
"""(Bytes in memory, serial number, descriptor, identity)."""


class Settled(Struct, frozen=True):
    """What was found of one file."""

    size_bytes: int
    """Its length then: it may have grown since it was found."""
    payers: Payers


class Waiting:
    """Files whose payers are told by the counts of their pages (read/counted.py)."""

    def __init__(self, proc_root: str, until: float, seconds: float) -> None:
        """`until` is of time.monotonic; of the `seconds` until then a part is for this."""
        self._proc = proc_root
        self._until = until
        self._left_seconds = seconds * SHARE
        self._files: list[_Waits] = []
        """A heap, the smallest first."""
        self._serial = itertools.count()
        self._asked: set[Identity] = set()
        self.settled: dict[Identity, Settled] = {}
        self.unknown = ""
        """Why nobody is known to pay for any of them."""

    def add(self, fd: int, status: os.stat_result, cached: int) -> None:
        """Have a file wait, of which `cached` bytes are in memory, where it is one of the largest."""
        identity = (status.st_dev, status.st_ino)
        if identity in self._asked or cached > MOST_BYTES or self.unknown:
            return
        if len(self._files) == MOST_FILES and cached <= self._files[0][0]:
            return
        self._asked.add(identity)
        heapq.heappush(self._files, (cached, next(self._serial), os.dup(fd), identity))
        if len(self._files) > MOST_FILES:
            self._drop(heapq.heappop(self._files))

    def settle(self) -> None:
        """Look up who pays for those that wait, and close them."""
        chosen, left = [], MOST_BYTES
        for file in sorted(self._files, reverse=True):
            if file[0] <= left:
                chosen.append(file)
                left -= file[0]
        try:
            if chosen:
                self._look_up(chosen)
        finally:
            self.close()

    def close(self) -> None:
        """Close what is open."""
        while self._files:
            self._drop(self._files.pop())

    def _look_up(self, chosen: list[_Waits]) -> None:
        began = time.monotonic()
        until = min(self._until, began + self._left_seconds)
        files = [(fd, os.fstat(fd).st_size) for _, _, fd, _ in chosen]
        try:
            found = owners_by_count(files, self._proc, until)
        except AgentError as error:
            self.unknown = LATE if time.monotonic() >= until else str(error)
            return
        finally:
            self._left_seconds -= time.monotonic() - began
        for (_, _, _, identity), (_, size), payers in zip(chosen, files, found, strict=True):
            if payers is not None and payers.owners:
                self.settled[identity] = Settled(size, payers)
        if not any(each is not None and each.owners for each in found):
            self.unknown = UNREACHED

    def _drop(self, file: _Waits) -> None:
        _, _, fd, identity = file
        os.close(fd)
        if identity not in self.settled:
            self._asked.discard(identity)
