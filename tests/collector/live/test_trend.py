import pytest

from memcollect.join.series import Series
from memcollect.live.trend import KEEP_SECONDS, TREND_POINTS, growth_of, joined, remembered
from worlds.join_builders import NOW
from worlds.live_builders import MIB, history, ring, sample


def _series(points: dict[float, int]) -> Series:
    return Series(list(points), list(points.values()))


def _steady(per_second: int, seconds: int, end: float = 1000.0) -> Series:
    return _series({end - back: 100 * MIB - back * per_second for back in range(seconds, -1, -2)})


def test_a_whole_minute_is_told_by_the_minute() -> None:
    growth = growth_of([_steady(MIB, 80)])
    assert growth is not None
    assert (growth.change_bytes, growth.over_seconds, growth.per_minute_bytes) == (60 * MIB, 60.0, 60 * MIB)


def test_readings_that_are_no_minute_apart_are_not_stretched_to_one() -> None:
    growth = growth_of([_steady(MIB, 20)])
    assert growth is not None
    assert (growth.change_bytes, growth.over_seconds, growth.per_minute_bytes) == (20 * MIB, 20.0, None)


def test_a_window_between_two_readings_begins_with_the_earlier_one() -> None:
    growth = growth_of([_series({0.0: 10 * MIB, 39.0: 20 * MIB, 41.0: 30 * MIB, 100.0: 40 * MIB})])
    assert growth is not None
    assert (growth.change_bytes, growth.over_seconds) == (20 * MIB, 61.0)
    assert growth.per_minute_bytes == round(20 * MIB * 60 / 61)


def test_containers_are_added_up_from_when_all_of_them_are_known() -> None:
    growth = growth_of([_steady(MIB, 80), _steady(MIB, 10, end=1000.003)])
    assert growth is not None
    assert growth.change_bytes == 20 * MIB
    assert growth.over_seconds == pytest.approx(10, abs=0.01)


def test_the_trend_has_no_value_before_the_first_reading() -> None:
    growth = growth_of([_steady(0, 20)])
    assert growth is not None
    assert growth.trend == (None,) * 6 + (100 * MIB,) * 4
    assert len(growth.trend) == TREND_POINTS


def test_the_trend_ends_with_the_last_reading() -> None:
    growth = growth_of([_steady(MIB, 80)])
    assert growth is not None
    assert (growth.trend[0], growth.trend[-1]) == (40 * MIB, 100 * MIB)


@pytest.mark.parametrize("series", [[], [_series({1.0: 5})], [_series({1.0: 5, 2.0: 6}), _series({})]])
def test_one_reading_is_no_change(series: list[Series]) -> None:
    assert growth_of(series) is None


def test_points_that_are_told_twice_are_kept_once() -> None:
    known, told = _series({1.0: 1, 2.0: 2}), _series({2.0: 2, 3.0: 3})
    assert joined(known, told) == _series({1.0: 1, 2.0: 2, 3.0: 3})


def test_points_older_than_is_needed_are_forgotten() -> None:
    known = _series({float(second): second for second in range(200)})
    assert joined(known, _series({200.0: 200})).times[0] > 200 - KEEP_SECONDS


def test_a_clock_that_was_set_back_begins_anew() -> None:
    known = _series({1000.0: 1, 1002.0: 2})
    assert joined(known, _series({500.0: 3})) == _series({500.0: 3})


def test_nothing_told_leaves_what_is_known() -> None:
    assert joined(_series({1.0: 1}), _series({})) == _series({1.0: 1})


def test_an_answer_adds_its_history_and_its_own_reading() -> None:
    answer = sample({1: 30}, NOW, history(ring(1, {NOW - 4: 10, NOW - 2: 20})))
    assert remembered({}, answer)[1] == _series({NOW - 4: 10, NOW - 2: 20, NOW: 30})


def test_a_tick_after_the_reading_does_not_look_like_a_clock_set_back() -> None:
    first = remembered({}, sample({1: 30}, NOW, history(ring(1, {NOW - 2: 20, NOW + 0.1: 31}))))
    assert first[1] == _series({NOW - 2: 20, NOW + 0.1: 31})
    second = remembered(first, sample({1: 40}, NOW + 5, history(ring(1, {NOW + 0.1: 31, NOW + 2.1: 35}))))
    assert second[1] == _series({NOW - 2: 20, NOW + 0.1: 31, NOW + 2.1: 35, NOW + 5: 40})


def test_without_the_agents_history_the_answers_themselves_are_one() -> None:
    memory = remembered(remembered({}, sample({1: 10}, NOW)), sample({1: 20}, NOW + 5))
    assert memory[1] == _series({NOW: 10, NOW + 5: 20})


def test_a_cgroup_that_is_no_longer_told_of_is_forgotten() -> None:
    memory = remembered({}, sample({1: 10, 2: 20}))
    assert 2 not in remembered(memory, sample({1: 10}, NOW + 5))
