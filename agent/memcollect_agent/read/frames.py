"""All pages of page cache and tmpfs of this machine, by who pays for them and on which list they are.

/proc/kpagecgroup and /proc/kpageflags have 64 bits for each page, and user 0 may read them without any
capability (fs/proc/page.c, Documentation/admin-guide/mm/pagemap.rst). Unlike memory.stat, which may be two
seconds old, they are what is there; pages of removed cgroups are under their nearest ancestor that lives.

Millions of pages are no loop's work in Python: both words of many pages at once are one long number each,
which are masked and put together in one step, and the words that come of it are counted in another.
"""

import array
import os
import time
from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from memcollect_agent.errors import ReadError, UnsupportedError, read_error

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
MOST_PAGES = 1 << 24
"""Of a machine that is looked through: with pages of 4 KiB 64 GiB, some 4 s of CPU."""
TOO_LARGE = "this machine has more pages than one question may look through"
TOO_LATE = "the time for this question was over before all pages were looked through"
NO_PAGES = "this kernel has no /proc/kpagecgroup (CONFIG_PROC_PAGE_MONITOR and CONFIG_MEMCG)"
BLOCK_PAGES = 1 << 14
"""Pages that are read at once."""
_BLOCK_BYTES = BLOCK_PAGES * 8
_PART_BYTES = 128 * 8
"""Of a block: where none of these pages is anybody's, their flags are not read, which cost most."""
# include/uapi/linux/kernel-page-flags.h
_DIRTY, _LRU, _ACTIVE, _ANON, _SWAPBACKED = (1 << bit for bit in (4, 5, 6, 12, 14))
_TAIL, _UNEVICTABLE, _HUGE = (1 << bit for bit in (16, 18, 22))
_WANTED = _DIRTY | _LRU | _ACTIVE | _ANON | _SWAPBACKED | _TAIL | _UNEVICTABLE | _HUGE
_NOBODYS = bytes(_PART_BYTES)
_SHIFT = 32
"""Inodes of cgroups fit below, and all wanted flags above, in one word."""
_FLAGS = int.from_bytes(_WANTED.to_bytes(8, "little") * BLOCK_PAGES, "little")
_HIGH = int.from_bytes((((1 << 32) - 1) << 32).to_bytes(8, "little") * BLOCK_PAGES, "little")


class CachePages(Struct):
    """Bytes of the pages of one cgroup that are of files."""

    active_file_bytes: int = 0
    inactive_file_bytes: int = 0
    unevictable_file_bytes: int = 0
    shmem_bytes: int = 0
    dirty_bytes: int = 0
    """Of page cache, to be written; tmpfs has nothing to be written to."""
    huge_bytes: int = 0
    """Of page cache and tmpfs, in huge pages."""
    untold_bytes: int = 0
    """Of large folios, of whose later pages kernels before 6.10 tell no list."""


def cache_pages(proc_root: str, until: float) -> dict[int, CachePages]:
    """Return the pages of files by the inode of the cgroup that is charged; `until`: of time.monotonic.

    Raises DeniedError for any user but 0, UnsupportedError on kernels without these files and on machines
    that are too large, and ReadError where the time is over first.
    """
    found: dict[int, CachePages] = {}
    for (inode, flags), pages in _counted(proc_root, until).items():
        if not inode or flags & _ANON or not flags & (_LRU | _UNEVICTABLE | _TAIL):
            continue
        _add(found.setdefault(inode, CachePages()), flags, pages * PAGE_BYTES)
    return found


def _add(to: CachePages, flags: int, size: int) -> None:
    if not flags & (_LRU | _UNEVICTABLE):
        to.untold_bytes += size
        return
    if flags & _HUGE:
        to.huge_bytes += size
    if flags & _SWAPBACKED:
        to.shmem_bytes += size
        return
    if flags & _DIRTY:
        to.dirty_bytes += size
    if flags & _UNEVICTABLE:
        to.unevictable_file_bytes += size
    elif flags & _ACTIVE:
        to.active_file_bytes += size
    else:
        to.inactive_file_bytes += size


def _counted(proc_root: str, until: float) -> Counter[tuple[int, int]]:
    """Return how many pages have which cgroup's inode and which of the wanted flags."""
    words: Counter[int] = Counter()
    pairs: Counter[tuple[int, int]] = Counter()
    for owners, flags in _blocks(proc_root, until):
        below = int.from_bytes(owners, "little")
        if below & _HIGH:
            wanted = (each & _WANTED for each in array.array("Q", flags))
            pairs.update(zip(array.array("Q", owners), wanted, strict=True))
            continue
        together = below | (int.from_bytes(flags, "little") & _FLAGS) << _SHIFT
        words.update(array.array("Q", together.to_bytes(len(owners) + 8, "little")[: len(owners)]))
    low = (1 << _SHIFT) - 1
    for word, pages in words.items():
        pairs[word & low, word >> _SHIFT] += pages
    return pairs


def _blocks(proc_root: str, until: float) -> Iterator[tuple[bytes, bytes]]:
    """Yield the two words of as many pages at a time, where any of them is charged to a cgroup."""
    owners_fd = opened(f"{proc_root}/kpagecgroup")
    try:
        flags_fd = opened(f"{proc_root}/kpageflags")
        try:
            for block in range(MOST_PAGES // BLOCK_PAGES):
                if time.monotonic() >= until:
                    raise ReadError("kpageflags", TOO_LATE)
                owners = os.pread(owners_fd, _BLOCK_BYTES, block * _BLOCK_BYTES)
                for start, end in _charged(owners):
                    flags = os.pread(flags_fd, end - start, block * _BLOCK_BYTES + start)
                    whole = min(end - start, len(flags)) // 8 * 8
                    yield owners[start : start + whole], flags[:whole]
                if len(owners) < _BLOCK_BYTES:
                    return
            raise UnsupportedError(TOO_LARGE)
        finally:
            os.close(flags_fd)
    except OSError as error:
        raise read_error("kpageflags", error) from error
    finally:
        os.close(owners_fd)


def _charged(owners: bytes) -> Iterator[tuple[int, int]]:
    """Yield (start, end), in bytes, of what of a block is charged: neighbouring parts together."""
    begun: int | None = None
    for at in range(0, len(owners), _PART_BYTES):
        part = owners[at : at + _PART_BYTES]
        if part != _NOBODYS[: len(part)]:
            begun = at if begun is None else begun
        elif begun is not None:
            yield begun, at
            begun = None
    if begun is not None:
        yield begun, len(owners)


def opened(path: str) -> int:
    """Open a kpage file. Raises UnsupportedError where there is none, and DeniedError for any user but 0."""
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise UnsupportedError(NO_PAGES) from error
    except OSError as error:
        raise read_error(path, error) from error
