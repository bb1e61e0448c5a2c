import msgspec

from memcollect.accounting.sums import add_sums
from memcollect_agent.wire import ProcessSums, SkippedProcess
from worlds.builders import QUIET_SUMS


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
