from memcollect.live.totals import Totals, totals_of
from worlds.live_builders import MIB, growth, row


def test_nothing_sums_to_nothing_known() -> None:
    assert totals_of([]) == Totals()


def test_an_unmeasured_pod_counts_but_adds_nothing() -> None:
    totals = totals_of([row("a", MIB), row("b", None, oom_kills=None)])
    assert (totals.pods, totals.measured) == (2, 1)
    assert totals.parts is not None
    assert totals.parts.working_set_bytes == MIB


def test_changes_are_summed_over_those_with_a_whole_minute() -> None:
    rows = [row("a", growth=growth(3 * MIB)), row("b", growth=growth(9 * MIB, over=20.0)), row("c")]
    totals = totals_of(rows)
    assert (totals.per_minute_bytes, totals.with_minute) == (3 * MIB, 1)


def test_kubectl_tops_numbers_and_kills_are_summed_with_their_count() -> None:
    totals = totals_of([row("a", top_bytes=5, oom_kills=1), row("b", oom_kills=2)])
    assert (totals.top_bytes, totals.in_top, totals.oom_kills) == (5, 1, 3)
