import mmap
import os
from collections.abc import Iterator

import pytest

from memcollect_agent.errors import DeniedError, ReadError, UnsupportedError
from memcollect_agent.read import pages, residency
from memcollect_agent.read.pages import PageOwners

PAGE = mmap.PAGESIZE
MIB = 1 << 20


@pytest.fixture
def sparse() -> Iterator[int]:
    """64 MiB long, 3 MiB of it written."""
    fd = os.memfd_create("sparse")
    os.ftruncate(fd, 64 * MIB)
    os.pwrite(fd, b"x" * (3 * MIB), 40 * MIB)
    yield fd
    os.close(fd)


def no_cachestat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be an older kernel: a call of that number is none of any machine's."""
    monkeypatch.setattr(residency, "_NUMBER", 4000)


def test_of_a_sparse_file_only_what_was_written_is_in_memory(sparse: int) -> None:
    found = residency.residency(sparse, os.fstat(sparse))
    assert found.cached_bytes == 3 * MIB


def test_an_older_kernel_says_the_same_to_the_files_owner(
    sparse: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_cachestat(monkeypatch)
    found = residency.residency(sparse, os.fstat(sparse))
    assert (found.cached_bytes, found.dirty_bytes, found.by) == (3 * MIB, None, "mincore")


def test_an_older_kernel_is_not_asked_of_a_foreign_file(sparse: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # It would answer that all of it is there (mm/mincore.c, since 5.2).
    no_cachestat(monkeypatch)
    monkeypatch.setattr(residency, "_acts_as_owner", lambda: False)
    foreign = os.stat_result([*os.fstat(sparse)[:4], os.geteuid() + 1, *os.fstat(sparse)[5:]])
    with pytest.raises(UnsupportedError, match=r"Linux 6\.5"):
        residency.residency(sparse, foreign)


def test_pages_are_told_one_by_one(sparse: int) -> None:
    (window,) = residency.resident_pages(sparse, 64 * MIB)
    assert len(window) == 64 * MIB // PAGE
    assert window.index(1) == 40 * MIB // PAGE
    assert sum(window) == 3 * MIB // PAGE


def test_who_pays_is_told_of_every_resident_page(sparse: int) -> None:
    try:
        with PageOwners() as owners:
            found = owners.of(sparse, 64 * MIB)
    except (UnsupportedError, DeniedError) as error:
        pytest.skip(f"not told here: {error}")
    assert sum(found.values()) == 3 * MIB


def test_a_file_that_is_cut_while_it_is_looked_at_is_no_signal(
    sparse: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        owners = PageOwners()
    except (UnsupportedError, DeniedError) as error:
        pytest.skip(f"not told here: {error}")
    touch = pages._touch

    def cut_first(mapped: mmap.mmap, here: list[int]) -> None:
        os.ftruncate(sparse, 41 * MIB)
        touch(mapped, here)

    monkeypatch.setattr(pages, "_touch", cut_first)
    with owners:
        assert sum(owners.of(sparse, 64 * MIB).values()) == MIB
        with pytest.raises(ReadError, match="was cut"):
            owners.of(sparse, 64 * MIB)
