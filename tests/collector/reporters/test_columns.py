import msgspec

from memcollect.documents.snapshot import Undecided
from memcollect.reporters.columns import Amount, overview_row
from worlds import sample_snapshots as samples

MIB = 1 << 20


def test_a_row_adds_up_the_cache_and_the_kernel() -> None:
    row = overview_row(samples.pod())
    kernel = 85 * MIB + (780 << 10)
    assert (row.pss.bytes, row.cache.bytes, row.kernel.bytes) == (412 * MIB, 388 * MIB, kernel)


def test_what_was_not_measured_is_unknown_and_not_nought() -> None:
    row = overview_row(samples.pod(composition=None, ladder=None, top=None))
    assert row.working_set == row.pss == row.kernel == row.top == Amount(None)


def test_a_sum_with_an_undecided_member_is_a_part() -> None:
    undecided = [Undecided(name="sock", missing="stat.sock", reason="no such line")]
    composition = msgspec.structs.replace(samples.composition(), undecided=undecided)
    row = overview_row(samples.pod(composition=composition))
    assert (row.kernel.partial, row.cache.partial) == (True, False)
