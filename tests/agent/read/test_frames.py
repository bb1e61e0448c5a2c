"""On made-up kernel files: the real ones are looked through in the lab."""

import array
import os
import time
from pathlib import Path

import pytest

from memcollect_agent.errors import DeniedError, ReadError, UnsupportedError
from memcollect_agent.read import frames
from memcollect_agent.read.frames import PAGE_BYTES, CachePages, cache_pages

DIRTY, LRU, ACTIVE, ANON, SWAPBACKED, TAIL, UNEVICTABLE, HUGE = (
    1 << bit for bit in (4, 5, 6, 12, 14, 16, 18, 22)
)
OTHERS = 1 << 3 | 1 << 11 | 1 << 40
"""Flags that say nothing here: up to date, mapped, and one of those for kernel hackers."""
POD, NEIGHBOUR, LATE = 13565, 13566, 5 << 32 | 17


def machine(root: Path, *pages: tuple[int, int], before: int = 0) -> str:
    """Write pages as (inode, flags), after `before` pages that are nobody's."""
    for name, words in (
        ("kpagecgroup", [each[0] for each in pages]),
        ("kpageflags", [each[1] for each in pages]),
    ):
        (root / name).write_bytes(bytes(before * 8) + array.array("Q", words).tobytes())
    return str(root)


def looked(root: str) -> dict[int, CachePages]:
    return cache_pages(root, time.monotonic() + 60)


@pytest.mark.parametrize("inode", [POD, LATE], ids=["of any boot", "after 2^32 cgroups"])
def test_pages_are_told_by_who_pays_and_by_their_list(tmp_path: Path, inode: int) -> None:
    pages = [
        (inode, LRU | ACTIVE | OTHERS),
        (inode, LRU | OTHERS),
        (inode, LRU | DIRTY),
        (inode, LRU | UNEVICTABLE | ACTIVE),
        (inode, LRU | SWAPBACKED | HUGE | DIRTY),
        (NEIGHBOUR, LRU | ACTIVE | HUGE),
        (inode, TAIL),
        (0, LRU | ACTIVE),
        (inode, LRU | ANON | SWAPBACKED),
        (inode, 0),
    ]
    one = PAGE_BYTES
    assert looked(machine(tmp_path, *pages)) == {
        inode: CachePages(
            active_file_bytes=one,
            inactive_file_bytes=2 * one,
            unevictable_file_bytes=one,
            shmem_bytes=one,
            dirty_bytes=one,
            huge_bytes=one,
            untold_bytes=one,
        ),
        NEIGHBOUR: CachePages(active_file_bytes=one, huge_bytes=one),
    }


def test_pages_beyond_many_that_are_nobodys_are_found(tmp_path: Path) -> None:
    root = machine(tmp_path, *[(POD, LRU)] * 5, before=70_001)
    assert looked(root) == {POD: CachePages(inactive_file_bytes=5 * PAGE_BYTES)}


def test_flags_are_read_only_around_pages_that_are_somebodys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = [(0, LRU)] * 1000
    root = machine(tmp_path, *none, (POD, LRU), *none, (POD, LRU | ACTIVE), *none, before=70_000)
    sizes: list[int] = []
    read = os.pread

    def noted(fd: int, size: int, at: int) -> bytes:
        if os.path.realpath(f"/proc/self/fd/{fd}").endswith("kpageflags"):
            sizes.append(size)
        return read(fd, size, at)

    monkeypatch.setattr(os, "pread", noted)
    own = CachePages(inactive_file_bytes=PAGE_BYTES, active_file_bytes=PAGE_BYTES)
    assert looked(root) == {POD: own}
    assert sizes == [1024, 1024]


def test_where_the_files_end_at_different_places_the_shorter_one_counts(tmp_path: Path) -> None:
    root = machine(tmp_path, *[(POD, LRU)] * 5)
    with (tmp_path / "kpageflags").open("r+b") as flags:
        flags.truncate(3 * 8)
    assert looked(root) == {POD: CachePages(inactive_file_bytes=3 * PAGE_BYTES)}


def test_a_kernel_without_these_files_and_a_machine_too_large_are_unsupported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnsupportedError, match="CONFIG_PROC_PAGE_MONITOR"):
        looked(str(tmp_path))
    monkeypatch.setattr(frames, "MOST_PAGES", 1 << 14)
    with pytest.raises(UnsupportedError, match="more pages"):
        looked(machine(tmp_path, (POD, LRU), before=1 << 15))


def test_what_is_not_done_in_time_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="time for this question"):
        cache_pages(machine(tmp_path, (POD, LRU)), time.monotonic())


def test_who_may_not_read_them_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = machine(tmp_path, (POD, LRU))

    def refuse(path: str, _flags: int) -> int:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(DeniedError):
        looked(root)
