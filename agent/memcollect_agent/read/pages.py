"""Which cgroup pays for the resident pages of a file: pagemap of our own map of it, and kpagecgroup.

A page that is in memory is mapped by touching it, which reads nothing from the disk. It is touched by letting
the kernel copy a byte of it into a pipe: past the end of a file that was cut meanwhile that is an error
(EFAULT), where a look of our own would be a deadly signal. The map is MADV_RANDOM, so that its end marks no
page as used (mm/memory.c, vma_has_recency; Linux 6.3), on older kernels MADV_SEQUENTIAL for the same reason.

pagemap tells page numbers to CAP_SYS_ADMIN alone; kpagecgroup can be read by user 0 without any capability
(fs/proc/task_mmu.c, fs/proc/page.c).
"""

import array
import contextlib
import functools
import mmap
import os
from collections import Counter
from collections.abc import Iterator
from typing import Self

from memcollect_agent.errors import DeniedError, ReadError, UnsupportedError, read_error
from memcollect_agent.read.residency import CUT, address_of, resident_pages

_PRESENT = 1 << 63
_FRAME = (1 << 55) - 1
WINDOW = 1 << 30
"""Bytes of a file that are mapped at once."""
_AT_ONCE = 512
"""Bytes that are copied by one call, each of another page; a pipe takes more."""
NEEDS_ADMIN = "who pays for a file's pages is told by pagemap, and page numbers only to CAP_SYS_ADMIN"
NO_OWNERS = "this kernel has no /proc/kpagecgroup (CONFIG_PROC_PAGE_MONITOR and CONFIG_MEMCG)"


class PageOwners:
    """Open once, asked for many files. Close it, or use it as a context manager.

    Raises UnsupportedError where the kernel has no kpagecgroup, and DeniedError without the rights.
    """

    def __init__(self, proc_root: str = "/proc") -> None:
        self._fds: list[int] = []
        try:
            self._owners = self._open(f"{proc_root}/kpagecgroup")
            self._pagemap = self._open(f"{proc_root}/self/pagemap")
        except FileNotFoundError as error:
            self.close()
            raise UnsupportedError(NO_OWNERS) from error
        except OSError as error:
            self.close()
            raise read_error(f"{proc_root}/kpagecgroup", error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its files."""
        while self._fds:
            os.close(self._fds.pop())

    def of(self, fd: int, size: int) -> Counter[int]:
        """Return bytes of the file by the inode of the cgroup that is charged; 0: none.

        Pages that come or go meanwhile are left out, and those that kpagecgroup does not reach.
        Raises DeniedError without CAP_SYS_ADMIN, and ReadError where the file cannot be mapped.
        """
        owners: Counter[int] = Counter()
        try:
            for number, resident in enumerate(resident_pages(fd, size)):
                start = number * WINDOW
                owners += self._of_window(fd, start, min(WINDOW, size - start), resident)
        except OSError as error:
            raise read_error("kpagecgroup", error) from error
        except ValueError as error:
            raise ReadError("mmap", CUT) from error
        return Counter({inode: pages * mmap.PAGESIZE for inode, pages in owners.items()})

    def _of_window(self, fd: int, start: int, length: int, resident: bytes) -> Counter[int]:
        here = [page for page, is_here in enumerate(resident) if is_here]
        if not here:
            return Counter()
        with map_resident(fd, start, length, here) as mapped:
            frames = self._frames(address_of(mapped), len(resident))
            present = [frames[page] & _FRAME for page in here if frames[page] & _PRESENT]
            if present and not any(present):
                raise DeniedError("pagemap", NEEDS_ADMIN)
            return Counter(owner for frame in _runs(present) for owner in self._owners_of(*frame))

    def _frames(self, address: int, pages: int) -> "array.array[int]":
        data = os.pread(self._pagemap, pages * 8, address // mmap.PAGESIZE * 8)
        frames = array.array("Q", data[: len(data) // 8 * 8])
        frames.extend([0] * (pages - len(frames)))
        return frames

    def _owners_of(self, first: int, count: int) -> "array.array[int]":
        # User-Mode Linux ends its kpage files at the number of pages that it manages, though the numbers of
        # its pages begin higher up (arch/um/kernel/mem.c, max_pfn): of the last ones nobody is told.
        data = os.pread(self._owners, count * 8, first * 8)
        return array.array("Q", data[: len(data) // 8 * 8])

    def _open(self, path: str) -> int:
        self._fds.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        return self._fds[-1]


def map_resident(fd: int, start: int, length: int, pages: list[int]) -> mmap.mmap:
    """Return a map of a part of a file, with those of its pages mapped, all of them resident a moment ago.

    Raises OSError where it cannot be mapped, and ValueError where the file was cut meanwhile.
    """
    mapped = mmap.mmap(fd, length, mmap.MAP_SHARED, mmap.PROT_READ, offset=start)
    try:
        mapped.madvise(mmap.MADV_SEQUENTIAL if _release() < (6, 3) else mmap.MADV_RANDOM)
        _touch(mapped, pages)
    except BaseException:
        mapped.close()
        raise
    return mapped


def _touch(mapped: mmap.mmap, pages: list[int]) -> None:
    """Map the pages, all of them resident a moment ago, by having a byte of each copied into a pipe."""
    out, into = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        with memoryview(mapped) as view:
            for at in range(0, len(pages), _AT_ONCE):
                some = pages[at : at + _AT_ONCE]
                slices = [view[page * mmap.PAGESIZE : page * mmap.PAGESIZE + 1] for page in some]
                # The file was cut meanwhile: what is gone is not present in pagemap, and so is left out.
                with contextlib.suppress(OSError):
                    os.writev(into, slices)
                for each in slices:
                    each.release()
                with contextlib.suppress(BlockingIOError):
                    os.read(out, 1 << 16)
    finally:
        os.close(out)
        os.close(into)


def _runs(frames: list[int]) -> Iterator[tuple[int, int]]:
    """Yield (first, count) of the page numbers, those that follow each other together."""
    if not frames:
        return
    first, before = frames[0], frames[0]
    for frame in frames[1:]:
        if frame != before + 1 or frame - first >= 4096:
            yield first, before - first + 1
            first = frame
        before = frame
    yield first, before - first + 1


@functools.cache
def _release() -> tuple[int, int]:
    major, minor = os.uname().release.split(".")[:2]
    return int(major), int("".join(_leading_digits(minor)) or 0)


def _leading_digits(text: str) -> str:
    """Return the digits that `text` begins with."""
    return text[: len(text) - len(text.lstrip("0123456789"))]
