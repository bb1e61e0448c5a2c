import pytest

from memcollect.compare.model import StartupRow
from memcollect.compare.startup import startup_rows
from memcollect.documents.run import Startup
from worlds.compare_builders import MIB, phase_run, run


def _row(seen: float | None = None, told: float | None = None, *, pulled: bool | None = False) -> Startup:
    return Startup(
        pod_uid="u",
        pod="p",
        requested_at=100.0,
        seen_ready_at=None if seen is None else 100.0 + seen,
        created_at=100.0,
        ready_at=None if told is None else 100.0 + told,
        poll_seconds=0.2,
        pulled=pulled,
    )


def _of(*rows: Startup) -> StartupRow:
    manifest = run("aio", {"empty": [MIB]}, phases=[phase_run("empty", 1, startups=list(rows))]).manifest
    assert manifest is not None
    (row,) = startup_rows("aio", [manifest])
    return row


def test_percentiles_are_of_what_the_runner_saw() -> None:
    row = _of(*[_row(seen=index / 10, told=float(index)) for index in range(1, 101)])
    assert (row.n, row.source, row.poll_seconds) == (100, "polled", 0.2)
    assert (row.p50_seconds, row.p95_seconds, row.p99_seconds) == pytest.approx((5.0, 9.5, 9.9))


def test_without_polling_the_apis_own_times_are_taken_and_named() -> None:
    row = _of(_row(told=2.0), _row(told=3.0))
    assert (row.source, row.p50_seconds, row.p99_seconds, row.poll_seconds) == ("api", 2.0, 3.0, None)


def test_a_pod_that_pulled_its_image_is_left_out_and_counted() -> None:
    row = _of(_row(seen=1.0), _row(seen=60.0, pulled=True), _row(seen=1.5, pulled=None))
    assert (row.n, row.pulled, row.pull_unknown, row.p99_seconds) == (2, 1, 1, 1.5)


def test_a_pod_that_never_became_ready_is_counted_and_not_a_number() -> None:
    row = _of(_row(), _row())
    assert (row.n, row.never_ready, row.p50_seconds) == (0, 2, None)


def test_whether_an_image_was_pulled_is_unknown_of_pods_that_are_counted_alone() -> None:
    row = _of(_row(seen=1.0, pulled=None), _row(pulled=None), _row(seen=-3.0, pulled=None))
    assert (row.n, row.pull_unknown, row.never_ready) == (1, 1, 2)


def test_a_clock_that_was_set_back_gives_no_number() -> None:
    assert _of(_row(seen=-3.0)).n == 0


def test_each_stretch_of_the_way_is_told_by_the_apis_times() -> None:
    rows = [
        Startup(
            pod_uid="u", pod="p", created_at=100.0, scheduled_at=101.0, started_at=101.0 + n, ready_at=110.0
        )
        for n in (2, 3, 7)
    ]
    found = {stage.name: (stage.n, stage.p50_seconds, stage.p99_seconds) for stage in _of(*rows).stages}
    assert found == {"scheduled": (3, 1.0, 1.0), "started": (3, 3.0, 7.0), "ready": (3, 6.0, 7.0)}


def test_a_stretch_whose_end_is_not_known_is_none_and_no_zero() -> None:
    row = Startup(pod_uid="u", pod="p", created_at=100.0, ready_at=110.0)
    assert [(stage.n, stage.p50_seconds) for stage in _of(row).stages] == [(0, None)] * 3


def test_every_pods_own_number_is_kept() -> None:
    assert _of(_row(seen=1.5), _row(seen=1.0), _row()).seconds == [1.0, 1.5]
