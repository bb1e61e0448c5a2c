from typing import get_type_hints

import msgspec
import pytest

from memcollect.accounting.sums import add_sums
from memcollect_agent.wire import Count, ProcessSums, Rings, SkippedProcess
from worlds.builders import QUIET_SUMS

ADDED = [
    name
    for name, kind in get_type_hints(ProcessSums, include_extras=True).items()
    if kind in (Count, Count | None) and name != "block_bytes"
]
"""All that is a number of processes or of bytes."""
NUMBERED = ProcessSums(**{name: number for number, name in enumerate(ADDED, start=1)})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ADDED)
def test_every_count_and_amount_is_that_of_all_parts(name: str) -> None:
    one = getattr(NUMBERED, name)
    assert getattr(add_sums([NUMBERED]), name) == one
    assert getattr(add_sums([NUMBERED, NUMBERED, NUMBERED]), name) == 3 * one


def test_amounts_and_counts_add_up() -> None:
    both = add_sums([QUIET_SUMS, QUIET_SUMS])

    assert (both.listed, both.read, both.threads) == (2, 2, 8)
    assert both.rss_bytes == 2 * (QUIET_SUMS.rss_bytes or 0)


def test_an_amount_that_one_part_does_not_know_is_unknown() -> None:
    partial = msgspec.structs.replace(QUIET_SUMS, pss_bytes=None)

    both = add_sums([QUIET_SUMS, partial])
    assert both.pss_bytes is None
    assert both.rss_bytes is not None


def test_a_part_without_processes_takes_no_amount_away() -> None:
    assert add_sums([QUIET_SUMS, ProcessSums()]).pss_bytes == QUIET_SUMS.pss_bytes


def test_what_is_told_only_of_processes_that_share_is_unknown_where_one_part_with_such_does_not_tell() -> (
    None
):
    told = ProcessSums(read=2, sharing=1, sharing_by="kcmp", sharing_rss_bytes=5, alike=1, alike_pss_bytes=3)
    untold = ProcessSums(read=2, sharing=1, sharing_by="layout", alike=1)

    both = add_sums([told, ProcessSums(read=1)])
    assert (both.sharing_by, both.sharing_rss_bytes, both.alike_pss_bytes) == ("kcmp", 5, 3)
    both = add_sums([untold, told])
    assert (both.sharing_by, both.sharing_rss_bytes, both.alike_pss_bytes) == ("kcmp, layout", None, None)
    none = add_sums([ProcessSums(read=1)])
    assert (none.sharing_by, none.sharing_rss_bytes, none.alike_pss_bytes) == ("", None, None)


def test_the_smallest_block_and_the_rings_are_those_of_the_parts_that_were_looked_at() -> None:
    parts = [
        ProcessSums(block_bytes=size, rings=rings)
        for size, rings in [(4096, None), (1024, Rings(perf_bytes=2))]
    ]

    both = add_sums([*parts, ProcessSums(rings=Rings(perf_bytes=3))])
    assert (both.block_bytes, both.rings and both.rings.perf_bytes) == (1024, 5)
    assert (add_sums([ProcessSums()]).block_bytes, add_sums([ProcessSums()]).rings) == (None, None)


def test_open_files_are_those_of_the_parts_where_they_were_counted() -> None:
    parts = [ProcessSums(read=1, descriptors=count) for count in (30, None, 12)]
    assert add_sums(parts).descriptors == 42
    assert add_sums([ProcessSums(read=1)]).descriptors is None


def test_skipped_processes_are_all_kept() -> None:
    one = ProcessSums(listed=1, skipped=[SkippedProcess(pid=1, rss_bytes=5)])
    many = ProcessSums(listed=200, skipped_unlisted=100, skipped_unlisted_rss_bytes=7)
    unknown = ProcessSums(listed=1, skipped_unlisted=1, skipped_unlisted_rss_bytes=None)

    both = add_sums([one, many])
    assert (len(both.skipped), both.skipped_unlisted, both.skipped_unlisted_rss_bytes) == (1, 100, 7)
    assert add_sums([many, unknown]).skipped_unlisted_rss_bytes is None
    assert add_sums([one]).skipped_unlisted_rss_bytes == 0


def test_the_reading_lasted_from_the_first_to_the_last() -> None:
    parts = [ProcessSums(read_from=3.0, read_until=4.0), ProcessSums(read_from=1.0, read_until=2.0)]

    both = add_sums([*parts, ProcessSums()])
    assert (both.read_from, both.read_until) == (1.0, 4.0)
