import pytest

from memcollect.join.series import Series
from memcollect.profile.measuring.settle import Change, change, judged, largest_change, pod_series, unknown_of
from memcollect.profile.plan.model import Seconds, Settle, Size
from memcollect_agent.wire import CgroupHistory, History

MIB = 1 << 20
RULE = Settle(within=Size(MIB), over=Seconds(10), at_most=Seconds(60))


def rising(step: int) -> Series:
    return Series([float(n) for n in range(21)], [100 * MIB + n * step for n in range(21)])


def test_the_change_is_that_of_the_last_seconds_alone() -> None:
    late = Series([0.0, 5.0, 10.0, 15.0, 20.0], [0, 500 * MIB, 100 * MIB, 100 * MIB, 100 * MIB + 7])
    assert change(late, 10) == 7


def test_a_peak_that_has_gone_again_is_a_change() -> None:
    peak = Series([0.0, 10.0, 15.0, 20.0], [MIB, MIB, 9 * MIB, MIB])
    assert change(peak, 10) == 8 * MIB


def test_of_a_history_that_is_too_short_nothing_is_known() -> None:
    assert change(Series([15.0, 20.0], [1, 1]), 10) is None
    assert change(Series([], []), 10) is None


def test_the_pod_that_moves_most_decides_and_one_unknown_is_unknown() -> None:
    series = {"a": rising(0), "b": rising(1000)}
    assert largest_change(series, {"a": "ns/one", "b": "ns/two"}, 10) == Change("ns/two", 10_000)
    assert largest_change(series, {"a": "ns/one", "c": "ns/three"}, 10) is None
    assert largest_change(series, {}, 10) is None


@pytest.mark.parametrize(
    ("series", "why"),
    [
        (None, "its node's agent follows no cgroup of it"),
        (Series([], []), "its agent has no point with both memory.current and inactive_file"),
        (
            Series([12.0, 20.0], [1, 1]),
            "its history reaches back 8.0 s from its last point, and has 2 points",
        ),
        (Series([20.0], [1]), "its history reaches back 0.0 s from its last point, and has 1 point"),
    ],
)
def test_of_what_is_not_known_the_pod_is_named_and_what_its_history_lacks(
    series: Series | None, why: str
) -> None:
    known = {"a": rising(0)} | ({} if series is None else {"old": series})
    said = f"what changed in 10 s is not known of pod ns/two: {why}"
    assert unknown_of(known, {"a": "ns/one", "old": "ns/two"}, 10) == said
    assert unknown_of(known, {"old": "ns/two", "lost": "ns/three"}, 10) == f"{said} (and of 1 more)"
    assert unknown_of(known, {"a": "ns/one"}, 10) == ""


def test_less_than_the_bound_is_settled_as_much_is_not() -> None:
    assert judged(RULE, Change("ns/one", MIB - 1), 12.0).settled
    outcome = judged(RULE, Change("ns/one", MIB), 60.0)
    assert not outcome.settled
    assert outcome.reason == "the working set of pod ns/one still changed by 1 MiB in 10 s, 1 MiB is the most"
    assert (outcome.within_bytes, outcome.for_seconds, outcome.at_most_seconds) == (MIB, 10.0, 60.0)


def test_what_is_not_known_is_not_settled() -> None:
    assert judged(RULE, None, 60.0, "no agent").reason == "no agent"
    assert not judged(RULE, None, 60.0).settled


def test_a_pods_own_living_cgroup_counts() -> None:
    def ring(uid: str, *, is_pod: bool, gone_at: float | None = None) -> CgroupHistory:
        return CgroupHistory(
            path=f"/{uid}",
            inode=1,
            pod_uid=uid,
            is_pod=is_pod,
            gone_at=gone_at,
            times=[1.0],
            current_bytes=[5],
            inactive_file_bytes=[2],
        )

    rings = [ring("a", is_pod=True), ring("b", is_pod=False), ring("c", is_pod=True, gone_at=2.0)]
    found = pod_series(History(interval_seconds=1, depth=1, cgroups=rings))
    assert {uid: list(series.working_set_bytes) for uid, series in found.items()} == {"a": [3]}
