from hypothesis import given
from hypothesis import strategies as st

from memcollect_agent.history.ring import Ring


def filled(points: int, depth: int = 4) -> Ring:
    ring = Ring(depth, 2)
    for number in range(points):
        ring.append(float(number), [number * 10, None])
    return ring


def test_an_empty_ring_has_no_rows() -> None:
    assert Ring(4, 2).rows() == []


def test_points_come_back_oldest_first() -> None:
    assert filled(3).rows() == [(0.0, (0, None)), (1.0, (10, None)), (2.0, (20, None))]


def test_a_full_ring_gives_up_its_oldest_point() -> None:
    assert [time for time, _ in filled(6).rows()] == [2.0, 3.0, 4.0, 5.0]


def test_a_ring_takes_all_its_memory_at_once_and_no_more_for_any_number_of_points() -> None:
    # A time and two numbers of 8 bytes, four times.
    assert [filled(points).size_bytes for points in (0, 4, 100)] == [96, 96, 96]


@given(st.integers(1, 5), st.integers(0, 12), st.integers(0, 7), st.integers(0, 7))
def test_the_last_points_before_the_newest_are_those_of_a_list(
    depth: int, points: int, most: int, skip: int
) -> None:
    kept = [float(number) for number in range(points)][-depth:]
    wanted = kept[: max(0, len(kept) - skip)]
    told = [time for time, _ in filled(points, depth).last(most, skip=skip)]
    assert told == (wanted[-most:] if most else [])


def test_since_keeps_the_last_point_before_it() -> None:
    assert [time for time, _ in filled(4).rows(since=1.5)] == [1.0, 2.0, 3.0]


def test_since_after_the_last_point_keeps_that_one() -> None:
    assert [time for time, _ in filled(4).rows(since=99.0)] == [3.0]


def test_since_before_the_first_point_keeps_all() -> None:
    assert len(filled(4).rows(since=-5.0)) == 4


def test_what_does_not_fit_is_unknown_and_its_neighbours_stay() -> None:
    ring = Ring(2, 3)
    ring.append(1.0, [(1 << 64) - 1, (1 << 63) - 1, 0])
    assert ring.rows() == [(1.0, (None, (1 << 63) - 1, 0))]


def test_since_counts_from_the_first_such_point_where_the_clock_was_set_back() -> None:
    ring = Ring(4, 1)
    for time in (100.0, 102.0, 50.0, 52.0):
        ring.append(time, [0])
    assert [time for time, _ in ring.rows(since=102.0)] == [100.0, 102.0, 50.0, 52.0]
    assert [time for time, _ in ring.rows(since=103.0)] == [52.0]
