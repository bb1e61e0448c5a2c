"""Which cgroup pays for the resident pages of files, where pagemap tells no page numbers: by map counts.

/proc/kpagecount says how often each page of the machine is mapped, and user 0 may read it without any
capability (fs/proc/page.c). Some files are mapped as often as their own code says, and the counts are read:
before, twice while they are mapped, and after. A page that rose by just the two numbers of one file's code
and came back is that file's; what other processes map and unmap meanwhile does not go by two such numbers.
kpagecgroup names who pays for it.

Only charged pages are looked at, and after the first look only the blocks where some fit: it is little more
than two looks through the machine's pages. What lies in memory meanwhile is one byte for each charged page.
"""

import array
import contextlib
import itertools
import mmap
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Self

from msgspec import Struct, field

from memcollect_agent.errors import AgentError, ReadError, UnsupportedError, read_error
from memcollect_agent.read.frames import MOST_PAGES, TOO_LARGE, TOO_LATE, opened
from memcollect_agent.read.pages import WINDOW, map_resident
from memcollect_agent.read.residency import resident_pages

BLOCK_PAGES = 512
"""Pages that are compared at once."""
READ_PAGES = 1 << 14
CODES = sorted(itertools.permutations(range(2, 10), 2), key=lambda code: (max(code), code))
"""How often a file is mapped at the first look, and how often at the second; each belongs to one file. What
is cheapest comes first, for the largest file."""
MOST_FILES = len(CODES)
_NOBODYS = bytes(BLOCK_PAGES * 8)
_TOPS = int.from_bytes(b"\x80" * BLOCK_PAGES, "little")
_BELOW = int.from_bytes(b"\x7f" * BLOCK_PAGES, "little")
_SLACK_BYTES = 256 << 10
_SLACK_SHARE = 0.01
"""Of a file's resident pages those that may be missed: more, and nothing is said of the file."""


class Payers(Struct, frozen=True):
    """Whose the pages of one file are, as they were when they were counted."""

    resident_bytes: int
    """What of the file was in memory then."""
    owners: Counter[int]
    """Bytes by the inode of the cgroup that is charged; 0: none."""


class Counted(Struct):
    """One file, and its pages that were found."""

    fd: int
    size: int
    code: tuple[int, int]
    resident_bytes: int = 0
    """What of it was mapped."""
    maps: list[list[mmap.mmap]] = field(default_factory=list)
    """Each a map of all its windows."""
    is_lost: bool = False
    """Whether it could not be mapped."""
    owners: Counter[int] = field(default_factory=Counter)

    def map_as_often_as(self, wanted: int) -> None:
        """Have all resident pages mapped `wanted` times."""
        while len(self.maps) > wanted:
            for each in self.maps.pop():
                each.close()
        while len(self.maps) < wanted:
            self.maps.append([])
            mapped = 0
            for number, resident in enumerate(resident_pages(self.fd, self.size)):
                here = [page for page, is_here in enumerate(resident) if is_here]
                if here:
                    start = number * WINDOW
                    self.maps[-1].append(map_resident(self.fd, start, min(WINDOW, self.size - start), here))
                    mapped += len(here)
            self.resident_bytes = mapped * mmap.PAGESIZE

    def told(self) -> Payers | None:
        """Return what was found; None where too many pages were missed."""
        if self.is_lost:
            return None
        found = Counter({inode: pages * mmap.PAGESIZE for inode, pages in self.owners.items()})
        missed = abs(self.resident_bytes - found.total())
        if missed > max(_SLACK_BYTES, self.resident_bytes * _SLACK_SHARE):
            return None
        return Payers(max(self.resident_bytes, found.total()), found)


def owners_by_count(files: Sequence[tuple[int, int]], proc_root: str, until: float) -> list[Payers | None]:
    """Return of each file who pays for its pages.

    `files` are (descriptor, length), the largest first, at most MOST_FILES. None of a file that cannot be
    mapped, or of whose pages more than 1 % and 256 KiB were missed: they came, went or were mapped by others
    meanwhile, or lie beyond the end of kpagecount (User-Mode Linux before 6.12). `until`: of time.monotonic.

    Raises DeniedError for any user but 0, UnsupportedError on kernels without these files and on machines
    that are too large, and ReadError where the time is over first.
    """
    counted = [Counted(fd, size, code) for (fd, size), code in zip(files, CODES, strict=False)]
    try:
        with _Counts(proc_root, until) as counts:
            _look(counted, counts)
    except OSError as error:
        raise read_error("kpagecount", error) from error
    finally:
        for each in counted:
            each.map_as_often_as(0)
    return [each.told() for each in counted] + [None] * (len(files) - len(counted))


def _look(files: list[Counted], counts: "_Counts") -> None:
    before = dict(counts.charged())
    firsts = _table({each.code[0]: each.code[0] for each in files if _is_mapped(each, each.code[0])})
    fits: dict[int, bytes] = {}
    """Of a block by how much each page rose, 0 where by no file's first number."""
    for block, was in before.items():
        now = counts.of(block)
        if now != was and any(rises := _rises(was, now).translate(firsts)):
            fits[block] = rises
    mapped = [(number, each.code) for number, each in enumerate(files, 1) if _is_mapped(each, each.code[1])]
    seconds = _table({second: second for _, (_, second) in mapped})
    numbers = _table({first << 4 | second: number for number, (first, second) in mapped})
    found: dict[int, tuple[bytes, array.array[int]]] = {}
    """Of a block each page's file, by its place from 1 on, or 0; and of those that have one, who pays."""
    for block, rises in fits.items():
        both = _joined(rises, _rises(before[block], counts.of(block)).translate(seconds))
        if any(whose := both.translate(numbers)):
            found[block] = whose, array.array("Q", itertools.compress(counts.owners(block), whose))
    for each in files:
        each.map_as_often_as(0)
    total: Counter[tuple[int, int, int]] = Counter()
    for block, (whose, pays) in found.items():
        rises = _rises(before[block], counts.of(block))
        total.update(
            zip(itertools.compress(whose, whose), itertools.compress(rises, whose), pays, strict=False)
        )
    for (number, rise, owner), pages in total.items():
        if not rise:
            files[number - 1].owners[owner] += pages


def _rises(was: bytes, now: bytes) -> bytes:
    """Return by how much each count rose, but for multiples of 256; all bytes of a block in one step."""
    here, there = int.from_bytes(was, "little"), int.from_bytes(now, "little")
    differ = (there | _TOPS) - (here & _BELOW)
    return (differ ^ ((there ^ here ^ _TOPS) & _TOPS)).to_bytes(BLOCK_PAGES, "little")


def _joined(high: bytes, low: bytes) -> bytes:
    """Return bytes with the four low bits of each of both."""
    return (int.from_bytes(high, "little") << 4 | int.from_bytes(low, "little")).to_bytes(
        BLOCK_PAGES, "little"
    )


def _table(values: dict[int, int]) -> bytes:
    """Return a table for bytes.translate that makes 0 of all others."""
    return bytes(values.get(each, 0) for each in range(256))


def _is_mapped(file: Counted, times: int) -> bool:
    """Map a file so often; one that could not be is looked for no more."""
    try:
        file.map_as_often_as(0 if file.is_lost else times)
    except (OSError, ValueError, AgentError):
        file.map_as_often_as(0)
        file.is_lost = True
    return not file.is_lost


class _Counts:
    """kpagecount and kpagecgroup, by blocks."""

    def __init__(self, proc_root: str, until: float) -> None:
        self._until = until
        with contextlib.ExitStack() as stack:
            self._owners = opened(f"{proc_root}/kpagecgroup")
            stack.callback(os.close, self._owners)
            self._counts = opened(f"{proc_root}/kpagecount")
            stack.callback(os.close, self._counts)
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def charged(self) -> Iterator[tuple[int, bytes]]:
        """Yield the blocks with any charged page: their number and the counts of their pages."""
        for at in range(0, MOST_PAGES, READ_PAGES):
            data = os.pread(self._owners, READ_PAGES * 8, at * 8)
            for start in range(0, len(data), BLOCK_PAGES * 8):
                owners = data[start : start + BLOCK_PAGES * 8]
                if owners != _NOBODYS[: len(owners)]:
                    block = (at * 8 + start) // (BLOCK_PAGES * 8)
                    yield block, self.of(block)
            if len(data) < READ_PAGES * 8:
                return
        raise UnsupportedError(TOO_LARGE)

    def of(self, block: int) -> bytes:
        """Return the lowest byte of each page's count: by how much it moved is told by that."""
        if time.monotonic() >= self._until:
            raise ReadError("kpagecount", TOO_LATE)
        return os.pread(self._counts, BLOCK_PAGES * 8, block * BLOCK_PAGES * 8)[_LOWEST::8]

    def owners(self, block: int) -> "array.array[int]":
        """Return the inodes of the cgroups that are charged."""
        data = os.pread(self._owners, BLOCK_PAGES * 8, block * BLOCK_PAGES * 8)
        return array.array("Q", data[: len(data) // 8 * 8])


_LOWEST = 0 if array.array("H", [1]).tobytes()[0] else 7
