from memcollect_agent.history.clocks import Clocks, JumpWatch
from memcollect_agent.wire import ClockJump


def test_clocks_that_run_alike_have_no_jumps() -> None:
    watch = JumpWatch(120.0)
    for second in range(10):
        watch.observe(1000.0 + second * 1.0005, 5.0 + second)
    assert watch.jumps() == []


def test_a_clock_that_was_set_is_noticed_with_when_and_by_how_much() -> None:
    watch = JumpWatch(120.0)
    watch.observe(1000.0, 5.0)
    watch.observe(4602.0, 7.0)
    watch.observe(4604.0, 9.0)
    watch.observe(4506.0, 11.0)
    assert watch.jumps() == [ClockJump(at=4602.0, by_seconds=3600.0), ClockJump(at=4506.0, by_seconds=-100.0)]


def test_an_agent_that_is_held_up_between_the_two_clocks_sees_no_jump_and_misses_none() -> None:
    watch = JumpWatch(120.0)
    walls = iter([1000.0, 1001.0, 1104.0])
    monotonic = iter([5.0, 5.0, 6.0, 8.0, 9.0, 9.0])
    clocks = Clocks(wall=lambda: next(walls), monotonic=lambda: next(monotonic))
    for _ in range(3):
        watch.look(clocks)
    assert watch.jumps() == [ClockJump(at=1104.0, by_seconds=100.0)]


def test_a_jump_is_forgotten_with_the_points_before_it() -> None:
    watch = JumpWatch(120.0)
    watch.observe(1000.0, 5.0)
    watch.observe(2000.0, 7.0)
    watch.observe(2121.0, 128.0)
    assert watch.jumps() == []


def test_a_clock_that_is_set_all_the_time_does_not_fill_memory() -> None:
    watch = JumpWatch(1e9)
    for second in range(100):
        watch.observe(1000.0 * second, float(second))
    assert len(watch.jumps()) == 16
