"""Waiting until memory has come to rest, on a clock that only the waiting moves."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace

import pytest

from memcollect.documents.run import Settling
from memcollect.join.series import Series
from memcollect.profile.measuring import settling
from memcollect.profile.measuring.settling import Followed, Histories, wait_until_settled
from memcollect.profile.plan.model import Seconds, Settle, Size
from memcollect.profile.tools import Workshop
from memcollect.sources.agent_pods import Deployment
from memcollect.sources.api import Patience
from worlds.profile_doubles import NOWHERE, after, never

MIB = 1 << 20
RULE = Settle(within=Size(MIB), over=Seconds(20), at_most=Seconds(180))
PODS = {"a": Followed("ns/one", "node-1"), "b": Followed("ns/two", "node-2")}
Charge = Callable[[str, float], int | None]


class Clock:
    """The present, which only pauses move; both are noted."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        assert seconds > 0
        self.pauses.append(seconds)
        self.now += seconds


class Told(Histories):
    """Histories of a point each second, of pods whose size at each moment the test tells; None: no answer."""

    def __init__(self, clock: Clock, size: Charge, interval: float = 1.0) -> None:
        super().__init__(Workshop(NOWHERE, Patience(), 1).tools(), Deployment())
        self._clock, self._size, self._interval = clock, size, interval
        self.asked_at: list[float] = []

    def of(self, pods: Mapping[str, Followed]) -> tuple[dict[str, Series], str]:
        now = self._clock.now
        self.asked_at.append(now - 1000.0)
        self.interval_seconds = self._interval
        times = [now - back for back in range(60, -1, -1)]
        sizes = {uid: [self._size(uid, at - 1000.0) for at in times] for uid in pods}
        lost = [uid for uid, row in sizes.items() if None in row[-1:]]
        known = {uid: Series(times, [each or 0 for each in row]) for uid, row in sizes.items()}
        series = {uid: each for uid, each in known.items() if uid not in lost}
        return series, "the agent is gone" if lost else ""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(settling, "time", SimpleNamespace(monotonic=lambda: made.now))
    return made


def waited(
    clock: Clock, size: Charge, rule: Settle = RULE, interval: float = 1.0
) -> tuple[Settling, list[float]]:
    histories = Told(clock, size, interval)
    return wait_until_settled(histories, PODS, rule, never, clock.pause), histories.asked_at


def quiet(_uid: str, _at: float) -> int:
    return 100 * MIB


def test_memory_at_rest_is_waited_for_as_long_as_the_rule_says_and_no_longer(clock: Clock) -> None:
    outcome, asked_at = waited(clock, quiet)
    assert (outcome.settled, outcome.reason, outcome.change_bytes) == (True, "", 0)
    assert outcome.waited_seconds is not None
    assert 21 <= outcome.waited_seconds < 21 + 2
    # Before, no answer could have been long enough.
    assert min(asked_at) >= 20


def test_what_moved_before_the_wait_does_not_count(clock: Clock) -> None:
    outcome, _ = waited(clock, lambda _uid, at: 100 * MIB if at >= 0 else 900 * MIB)
    assert outcome.settled
    assert outcome.change_bytes == 0


def test_memory_that_comes_to_rest_late_is_waited_for(clock: Clock) -> None:
    outcome, _ = waited(clock, lambda uid, at: int(min(at, 50.0)) * MIB if uid == "b" else 100 * MIB)
    assert outcome.settled
    assert outcome.waited_seconds is not None
    assert 70 <= outcome.waited_seconds < 75


def test_memory_that_never_rests_is_given_up_with_its_last_change(clock: Clock) -> None:
    outcome, _ = waited(clock, lambda uid, at: 900 * MIB + int(at) * MIB * (uid == "b"))
    assert not outcome.settled
    assert (
        outcome.reason == "the working set of pod ns/two still changed by 20 MiB in 20 s, 1 MiB is the most"
    )
    assert outcome.waited_seconds is not None
    assert 180 <= outcome.waited_seconds < 181
    assert max(clock.pauses) <= 5


def test_a_slow_agents_points_may_be_old_so_it_is_waited_for_longer(clock: Clock) -> None:
    outcome, _ = waited(clock, quiet, interval=15.0)
    assert outcome.settled
    assert outcome.waited_seconds is not None
    assert outcome.waited_seconds >= 35


def test_one_agent_that_is_lost_for_a_while_is_asked_again(clock: Clock) -> None:
    outcome, asked_at = waited(clock, lambda uid, at: None if uid == "b" and at < 40 else 100 * MIB)
    assert outcome.settled
    assert len(asked_at) > 1


def test_one_agent_that_stays_lost_is_the_reason(clock: Clock) -> None:
    outcome, _ = waited(clock, lambda uid, _at: None if uid == "b" else 100 * MIB)
    assert (outcome.settled, outcome.reason, outcome.change_bytes) == (False, "the agent is gone", None)
    assert (outcome.waited_seconds or 0) >= 180


def test_where_no_agent_answers_nothing_is_waited_for(clock: Clock) -> None:
    outcome, asked_at = waited(clock, lambda _uid, _at: None)
    assert (outcome.settled, outcome.reason, len(asked_at)) == (False, "the agent is gone", 1)


class Short(Told):
    """Of one pod only few points count: the clock of its node is set back again and again."""

    def of(self, pods: Mapping[str, Followed]) -> tuple[dict[str, Series], str]:
        series, reason = super().of(pods)
        since = len(series["b"].times) - 6
        cut = Series(series["b"].times[since:], series["b"].working_set_bytes[since:])
        return {**series, "b": cut}, reason


def test_a_pod_whose_history_never_gets_long_enough_is_named_with_how_long_it_is(clock: Clock) -> None:
    outcome = wait_until_settled(Short(clock, quiet), PODS, RULE, never, clock.pause)
    assert not outcome.settled
    assert outcome.reason == (
        "what changed in 20 s is not known of pod ns/two: its history reaches back 5.0 s from its last point,"
        " and has 6 points"
    )
    assert (outcome.waited_seconds or 0) >= 180


@pytest.mark.parametrize("at_most", [20.5, 21.0, 21.9])
def test_a_rule_without_time_for_the_agents_interval_says_so(clock: Clock, at_most: float) -> None:
    rule = Settle(within=Size(MIB), over=Seconds(20), at_most=Seconds(at_most))
    outcome, _ = waited(clock, quiet, rule, interval=2.0)
    assert not outcome.settled
    assert outcome.reason == (
        f"settle.at_most ({at_most:g} s) leaves no time beside settle.over (20 s) for the agents' "
        "interval (2 s); make it longer"
    )


def test_a_rule_with_just_enough_time_settles(clock: Clock) -> None:
    rule = Settle(within=Size(MIB), over=Seconds(20), at_most=Seconds(22))
    assert waited(clock, quiet, rule, interval=2.0)[0].settled


def test_where_there_is_no_time_nobody_is_asked(clock: Clock) -> None:
    outcome, asked_at = waited(clock, quiet, Settle(over=Seconds(20), at_most=Seconds(3)))
    assert (outcome.settled, asked_at) == (False, [])
    assert outcome.reason.startswith("settle.at_most (3 s) leaves no time beside settle.over (20 s)")
    assert 3 <= clock.now - 1000 < 3.1


@pytest.mark.parametrize("looks", [0, 1, 4])
def test_ctrl_c_ends_the_waiting_unsettled(clock: Clock, looks: int) -> None:
    outcome = wait_until_settled(Told(clock, quiet), PODS, RULE, after(looks), clock.pause)
    assert (outcome.settled, outcome.reason) == (False, "interrupted while waiting")
    assert len(clock.pauses) == looks
