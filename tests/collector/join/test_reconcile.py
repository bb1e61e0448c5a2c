import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memcollect.documents.snapshot import Top
from memcollect.join.reconcile import Now, Window, combine, in_words, reconcile, slack_bytes, window_of
from memcollect.join.series import Series

MIB = 1 << 20
SLACK = slack_bytes(2, 4096)
NOW = 1000.0


def top(size: int, before: float = 10.0) -> Top:
    return Top(source="metrics.k8s.io", timestamp=NOW - before, memory_bytes=size)


def now(working_set: int, current: int | None = None) -> Now:
    return Now(at=NOW, working_set_bytes=working_set, slack_bytes=SLACK, current_bytes=current)


def grown(*points: tuple[float, int]) -> Series:
    """Return a series; times are seconds before NOW."""
    return Series([NOW - before for before, _ in points], [size for _, size in points])


def window(before: float = 10.0, containers: int = 1) -> Window:
    return window_of(NOW - before, containers, NOW)


def test_one_containers_window_is_the_second_its_timestamp_was_cut_to() -> None:
    assert window() == Window(NOW - 10, NOW - 9)


def test_several_containers_window_reaches_until_now() -> None:
    assert window(containers=2) == Window(NOW - 10, NOW)
    assert window_of(NOW, 2, NOW) == Window(NOW, NOW + 1)


def test_slack_grows_with_cpus_and_pages() -> None:
    assert slack_bytes(4, 65536) == 64 * 4 * 65536
    assert slack_bytes(None, None) == 64 * 4096


def test_a_steady_number_is_reconciled_and_its_budget_is_the_counters_lag() -> None:
    series = grown((20, 100 * MIB), (0, 100 * MIB))
    found = reconcile(top(100 * MIB), series, window(), now(100 * MIB))
    assert (found.status, found.detail) == ("reconciled", "")
    assert (found.working_set_at_sample_bytes, found.tolerance_bytes) == (100 * MIB, SLACK)
    assert found.history == [(NOW - 20, 100 * MIB), (NOW, 100 * MIB)]


def test_growth_since_the_sample_is_drift_with_its_amount() -> None:
    series = grown((12, 100 * MIB), (8, 100 * MIB), (4, 150 * MIB), (0, 200 * MIB))
    found = reconcile(top(100 * MIB), series, window(), now(200 * MIB))
    assert (found.status, found.detail) == ("drifted", "it has grown by 100 MiB since")
    assert found.working_set_at_sample_bytes == 100 * MIB


def test_shrinking_is_drift_too() -> None:
    series = grown((12, 100 * MIB), (8, 100 * MIB), (0, 20 * MIB))
    assert (
        reconcile(top(100 * MIB), series, window(), now(20 * MIB)).detail == "it has shrunk by 80 MiB since"
    )


def test_the_budget_of_a_growing_container_is_what_the_window_leaves_open() -> None:
    series = grown((12, 100 * MIB), (8, 140 * MIB), (0, 140 * MIB))
    found = reconcile(top(120 * MIB), series, window(), now(140 * MIB))
    assert found.working_set_at_sample_bytes == 125 * MIB
    assert found.tolerance_bytes == 25 * MIB + SLACK
    assert (found.status, found.detail) == ("drifted", "it has grown by 20 MiB since")


def test_what_nothing_explains_is_unexplained_with_the_amount_and_the_budget() -> None:
    series = grown((20, 100 * MIB), (0, 100 * MIB))
    found = reconcile(top(160 * MIB), series, window(), now(100 * MIB))
    assert found.status == "unexplained"
    assert "60 MiB more" in found.detail
    assert "512 KiB" in found.detail


def test_beyond_the_budget_but_within_a_hundredth_is_reconciled_and_says_so() -> None:
    series = grown((20, 400 * MIB), (0, 400 * MIB))
    found = reconcile(top(403 * MIB), series, window(), now(400 * MIB))
    assert found.status == "reconciled"
    assert "3 MiB more" in found.detail
    assert "within 1 %" in found.detail


def test_a_number_that_equals_memory_current_comes_from_who_subtracts_nothing() -> None:
    series = grown((20, 100 * MIB), (0, 100 * MIB))
    found = reconcile(top(160 * MIB), series, window(), now(100 * MIB, current=160 * MIB))
    assert (found.status, found.provider) == ("different-provider", "cri-usage")
    assert "inactive_file" in found.detail


def test_in_a_pod_of_several_any_moment_since_the_earliest_will_do() -> None:
    series = grown((12, 100 * MIB), (6, 100 * MIB), (4, 180 * MIB), (0, 180 * MIB))
    assert reconcile(top(180 * MIB), series, window(containers=2), now(180 * MIB)).status == "reconciled"
    assert reconcile(top(180 * MIB), series, window(containers=1), now(180 * MIB)).status == "unexplained"


def test_a_wide_window_hides_no_growth() -> None:
    series = grown((12, 100 * MIB), (6, 100 * MIB), (4, 180 * MIB), (0, 180 * MIB))
    found = reconcile(top(100 * MIB), series, window(containers=2), now(180 * MIB))
    assert (found.status, found.detail) == ("drifted", "it has grown by 80 MiB since")


@pytest.mark.parametrize("series", [None, grown((5, 100 * MIB), (0, 100 * MIB)), Series([], [])])
def test_without_points_around_the_sample_only_equality_reconciles(series: Series | None) -> None:
    same = reconcile(top(100 * MIB), series, window(), now(100 * MIB))
    assert same.status == "reconciled"
    assert "equal to the working set now" in same.detail
    assert same.working_set_at_sample_bytes is None
    near = reconcile(top(199 * MIB), series, window(), now(200 * MIB))
    assert near.status == "reconciled"
    assert "within 1 %" in near.detail
    other = reconcile(top(100 * MIB), series, window(), now(150 * MIB))
    assert (other.status, other.tolerance_bytes) == ("unaligned", None)
    assert "50 MiB more now" in other.detail
    assert "10 s ago" in other.detail


def test_a_sample_older_than_any_history_is_stale() -> None:
    found = reconcile(top(100 * MIB, 300.0), None, window(300.0), now(150 * MIB))
    assert found.status == "stale"
    assert found.detail.endswith("UTC, 300 s ago")
    assert found.detail.startswith("the metrics API has no newer sample than that of 1970-01-01 00:11:40")


def test_a_share_that_only_a_lag_of_many_cpus_could_explain_is_not_decided() -> None:
    many = Now(at=NOW, working_set_bytes=40 * MIB, slack_bytes=32 * MIB)
    series = grown((20, 40 * MIB), (0, 40 * MIB))

    found = reconcile(top(70 * MIB), series, window(), many)
    without = reconcile(top(70 * MIB), None, window(), many)

    assert found.status == "undecided"
    assert found.detail.startswith("30 MiB more (75%) than the agent read")
    assert "32 MiB" in found.detail
    assert without.status == "unaligned"


def test_a_small_share_of_a_large_container_needs_no_more_proof_than_the_lag() -> None:
    many = Now(at=NOW, working_set_bytes=2000 * MIB, slack_bytes=32 * MIB)
    series = grown((20, 2000 * MIB), (0, 2000 * MIB))

    assert reconcile(top(2030 * MIB), series, window(), many).status == "reconciled"


def test_growth_within_the_window_is_no_lag() -> None:
    """Of several containers: the sample lies anywhere between two readings that are far apart."""
    series = grown((20, 40 * MIB), (9, 40 * MIB), (0, 80 * MIB))

    assert reconcile(top(60 * MIB), series, window(containers=2), now(80 * MIB)).status == "drifted"


@pytest.mark.parametrize(
    ("size", "status", "words"),
    [(100, "reconciled", "equal to the working set now"), (150, "unaligned", "50 MiB more than now")],
)
def test_without_a_time_the_number_is_held_against_the_present_alone(
    size: int, status: str, words: str
) -> None:
    given = msgspec.structs.replace(top(size * MIB), timestamp=None)
    series = grown((20, 100 * MIB), (0, 100 * MIB))
    found = reconcile(given, series, window_of(None, 1, NOW), now(100 * MIB))
    assert found.status == status
    assert words in found.detail
    assert "the metrics API gives no time of its sample" in found.detail


@pytest.mark.parametrize(
    ("size", "status", "words"),
    [(100, "reconciled", "equal to the working set now"), (150, "unaligned", "its age is not known")],
)
def test_a_time_ahead_of_the_nodes_clock_is_told_and_no_age(size: int, status: str, words: str) -> None:
    found = reconcile(top(size * MIB, -3600.0), None, window(-3600.0), now(100 * MIB))

    assert found.status == status
    assert words in found.detail
    assert "the sample's time is 3600 s ahead of the node's clock" in found.detail


@pytest.mark.parametrize(
    ("seconds", "words"), [(90, "90 s"), (720, "12 min"), (3 * 3600, "3 h"), (3 * 86400 + 60, "3 days")]
)
def test_a_span_is_told_as_a_person_says_it(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_without_a_number_of_the_agents_nothing_is_compared() -> None:
    assert reconcile(top(MIB), None, window(), None).status == "not-measured"


def test_a_pods_number_is_the_sum_and_its_status_the_worst() -> None:
    series = grown((20, 100 * MIB), (0, 100 * MIB))
    good = reconcile(top(100 * MIB), series, window(), now(100 * MIB))
    bad = reconcile(top(160 * MIB, 7.0), series, window(7.0), now(100 * MIB))
    both = combine([good, bad], ["app", "helper"])
    assert (both.memory_bytes, both.working_set_at_sample_bytes) == (260 * MIB, 200 * MIB)
    assert (both.tolerance_bytes, both.timestamp) == (2 * SLACK, NOW - 10)
    assert both.status == "unexplained"
    assert both.detail.startswith("container helper: 60 MiB more")


def test_a_sum_with_an_unknown_part_is_unknown() -> None:
    series = grown((20, 100 * MIB), (0, 100 * MIB))
    good = reconcile(top(100 * MIB), series, window(), now(100 * MIB))
    none = Top(source="metrics.k8s.io", status="no-metrics", detail="it gave no number")
    both = combine([good, none], ["app", "helper"])
    assert (both.memory_bytes, both.status) == (None, "no-metrics")
    assert both.working_set_at_sample_bytes is None


def test_one_containers_sentence_needs_no_name() -> None:
    part = reconcile(top(100 * MIB), None, window(), now(150 * MIB))
    assert combine([part], ["app"]).detail == part.detail


SIZES = st.integers(min_value=0, max_value=1 << 50)
SECONDS = st.floats(min_value=-1e4, max_value=1e4, allow_nan=False)
HISTORIES = st.lists(st.tuples(SECONDS, SIZES), max_size=12).map(
    lambda points: Series([NOW + at for at, _ in sorted(points)], [size for _, size in sorted(points)])
)
STATUSES = {
    "reconciled",
    "drifted",
    "unaligned",
    "stale",
    "unexplained",
    "not-measured",
    "different-provider",
}


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    history=st.none() | HISTORIES,
    size=SIZES,
    before=SECONDS,
    containers=st.integers(1, 5),
    measured=st.none() | SIZES,
)
def test_whatever_the_history_is_there_is_a_status_and_no_exception(
    history: Series | None, size: int, before: float, containers: int, measured: int | None
) -> None:
    present = None if measured is None else now(measured)
    found = reconcile(top(size, before), history, window(before, containers), present)
    assert found.status in STATUSES
    assert found.memory_bytes == size
    assert (found.working_set_at_sample_bytes is None) == (found.tolerance_bytes is None)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(history=HISTORIES, share=st.floats(0, 1), before=st.floats(0, 120), containers=st.integers(1, 4))
def test_a_number_from_inside_the_band_is_reconciled_or_drifted(
    history: Series, share: float, before: float, containers: int
) -> None:
    series = Series([NOW - 1000, *[at for at in history.times if abs(at - NOW) < 1000], NOW + 1000], [])
    sizes = [*history.working_set_bytes, 0, 0, 0][: len(series.times)]
    series = Series(series.times, sizes)
    at = window(before, containers)
    low, high = series.band(at.start, min(at.end, NOW))
    inside = low + int(share * (high - low))
    found = reconcile(top(inside, before), series, at, now(series.at(NOW)))
    assert found.status in {"reconciled", "drifted"}
