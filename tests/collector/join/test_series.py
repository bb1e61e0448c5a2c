import pytest

from memcollect.join.series import Series
from memcollect_agent.wire import CgroupHistory

SERIES = Series([10.0, 12.0, 14.0, 16.0], [100, 200, 150, 400])
NOTHING = Series([], [])


@pytest.mark.parametrize(
    ("moment", "expected"), [(9.0, 100), (10.0, 100), (11.0, 150), (13.5, 162), (16.0, 400), (99.0, 400)]
)
def test_between_two_points_it_is_a_straight_line_and_beyond_them_the_nearest(
    moment: float, expected: int
) -> None:
    assert SERIES.at(moment) == expected


def test_two_points_of_one_moment_are_the_later() -> None:
    assert Series([10.0, 10.0], [1, 2]).at(10.0) in {1, 2}
    assert Series([9.0, 10.0, 10.0, 11.0], [0, 1, 2, 3]).at(10.5) == 2


@pytest.mark.parametrize(
    ("start", "end", "covered"),
    [(10.0, 16.0, True), (12.5, 13.5, True), (9.9, 12.0, False), (12.0, 16.1, False)],
)
def test_a_window_is_covered_by_a_point_on_either_side(start: float, end: float, *, covered: bool) -> None:
    assert SERIES.covers(start, end) is covered


def test_the_band_takes_the_points_around_the_window_too() -> None:
    assert SERIES.between(12.5, 13.5) == [(12.0, 200), (14.0, 150)]
    assert SERIES.band(12.5, 13.5) == (150, 200)
    assert SERIES.band(12.0, 15.0) == (150, 400)
    assert SERIES.band(99.0, 99.5) == (400, 400)


def test_a_later_point_extends_and_an_earlier_one_does_not() -> None:
    assert SERIES.extended(18.0, 7).working_set_bytes[-1] == 7
    assert SERIES.extended(16.0, 7) is SERIES


def test_a_series_without_points_covers_nothing_and_has_no_value() -> None:
    assert not NOTHING.covers(1.0, 2.0)
    with pytest.raises(ValueError, match="without points"):
        NOTHING.at(1.0)
    with pytest.raises(ValueError, match="without points"):
        NOTHING.band(1.0, 2.0)


def ring(times: list[float], current: list[int | None], inactive: list[int | None]) -> CgroupHistory:
    return CgroupHistory(
        path="/c",
        inode=1,
        pod_uid="p",
        times=times,
        current_bytes=current,
        inactive_file_bytes=inactive,
    )


def test_of_a_ring_the_points_with_both_numbers_count_and_none_is_negative() -> None:
    series = Series.of(ring([1.0, 2.0, 3.0, 4.0], [10, None, 10, 3], [4, 4, None, 8]))
    assert (series.times, series.working_set_bytes) == ([1.0, 4.0], [6, 0])


def test_after_the_clock_was_set_back_only_later_points_count() -> None:
    series = Series.of(ring([100.0, 102.0, 50.0, 52.0], [1, 2, 3, 4], [0, 0, 0, 0]))
    assert (series.times, series.working_set_bytes) == ([50.0, 52.0], [3, 4])


def test_columns_of_unequal_length_lose_no_more_than_their_surplus() -> None:
    assert Series.of(ring([1.0, 2.0], [5], [0, 0, 0])).working_set_bytes == [5]
