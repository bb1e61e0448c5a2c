"""Times of a clock that was set, put on the clock as it is now."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect.join.node_clock import NEVER_SET, NodeClock
from memcollect_agent.wire import ClockJump, History
from worlds.join_builders import answer


def clock(*jumps: tuple[float, float], now: float, tick: float = 2.0) -> NodeClock:
    return NodeClock(jumps=[ClockJump(at=at, by_seconds=by) for at, by in jumps], tick_seconds=tick, now=now)


FORWARD = clock((4600.0, 3600.0), now=4610.0)
"""At 1000 it was set to 4600."""
BACK = clock((1400.0, -3600.0), now=1410.0)
"""At 5000 it was set to 1400."""


@pytest.mark.parametrize(
    ("which", "stamped", "expected"),
    [
        (NEVER_SET, 7.0, 7.0),
        (NEVER_SET, None, None),
        (FORWARD, 990.0, 4590.0),
        (FORWARD, 4605.0, 4605.0),
        (FORWARD, 3000.0, None),
        (FORWARD, 1000.0, 4600.0),
        (FORWARD, 1000.5, None),
        (FORWARD, 4597.0, None),
        (FORWARD, 4597.5, 4597.5),
        (FORWARD, 4615.0, 4615.0),
        (FORWARD, 4615.5, None),
        (BACK, 4990.0, 1390.0),
        (BACK, 1300.0, -2300.0),
        (BACK, 1405.0, None),
    ],
)
def test_a_moment_is_put_on_the_present_clock_where_only_one_setting_fits(
    which: NodeClock, stamped: float | None, expected: float | None
) -> None:
    assert which.moment(stamped) == expected


def test_a_clock_is_that_of_the_answer_up_to_its_end_or_the_last_setting() -> None:
    def of(finished_at: float) -> NodeClock:
        history = History(
            interval_seconds=2.0, depth=60, clock_jumps=[ClockJump(at=4600.0, by_seconds=3600.0)]
        )
        return NodeClock.of(msgspec.structs.replace(answer(), finished_at=finished_at, history=history))

    assert of(4610.0) == FORWARD
    assert of(4599.0).now == 4600.0
    assert NodeClock.of(answer()) == NodeClock.of(answer(history=[])) == NEVER_SET


def test_points_keep_their_order_and_their_distances() -> None:
    assert FORWARD.times([996.0, 998.0, 4600.0, 4602.0]) == [4596.0, 4598.0, 4600.0, 4602.0]
    assert BACK.times([4996.0, 4998.0, 1400.0, 1402.0]) == [1396.0, 1398.0, 1400.0, 1402.0]
    both = clock((4600.0, 3600.0), (1004.0, -3600.0), now=1010.0)
    assert both.times([998.0, 4600.0, 4602.0, 1004.0]) == [998.0, 1000.0, 1002.0, 1004.0]


@given(st.lists(st.floats(-1e6, 1e6).filter(lambda by: abs(by) > 0.5), max_size=4), st.integers(1, 30))
def test_whatever_was_set_points_of_even_ticks_stay_even(sets: list[float], between: int) -> None:
    ahead, monotonic, points, jumps = 1e8, 0.0, list[float](), list[ClockJump]()
    for by in [*sets, None]:
        for _ in range(between):
            points.append(ahead + monotonic)
            monotonic += 2.0
        if by is not None:
            ahead += by
            jumps.append(ClockJump(at=ahead + monotonic, by_seconds=by))
    straight = NodeClock(jumps=jumps, tick_seconds=2.0, now=points[-1]).times(points)
    assert straight == pytest.approx([points[-1] - 2.0 * left for left in range(len(points))][::-1], abs=1e-3)
