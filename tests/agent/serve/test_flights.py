import functools
import threading
from collections.abc import Callable

import pytest

from memcollect_agent.serve.flights import BusyError, Flights
from worlds.waiting import PATIENCE, wait_until


class Gate:
    """Work that says when it began and ends when it is told to."""

    def __init__(self, result: str = "done") -> None:
        self.began = threading.Event()
        self.finish = threading.Event()
        self.result = result

    def __call__(self) -> str:
        self.began.set()
        assert self.finish.wait(PATIENCE)
        return self.result


class Asker(threading.Thread):
    """Calls `share` in a thread, and keeps what came of it."""

    def __init__(
        self, flights: Flights[str], key: bytes, work: Callable[[], str], patience: float = PATIENCE
    ) -> None:
        super().__init__(daemon=True)
        self._ask: Callable[[], str] = functools.partial(flights.share, key, patience, work)
        self.outcome: object = None
        self.start()

    def run(self) -> None:
        try:
            self.outcome = self._ask()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.outcome = error

    def ended(self) -> object:
        self.join(PATIENCE)
        assert not self.is_alive()
        return self.outcome


def never() -> str:
    raise AssertionError("this work should have been shared, or refused")


def test_equal_requests_share_one_result() -> None:
    flights: Flights[str] = Flights(4, 8)
    gate = Gate()
    first = Asker(flights, b"same", gate)
    assert gate.began.wait(PATIENCE)
    others = [Asker(flights, b"same", never) for _ in range(5)]
    wait_until(lambda: flights.sharers() == 5)
    gate.finish.set()
    assert [asker.ended() for asker in (first, *others)] == ["done"] * 6


def test_after_it_ended_an_equal_request_is_worked_on_anew() -> None:
    flights: Flights[str] = Flights(4, 8)
    results = iter(["first", "second"])
    assert flights.share(b"k", 1.0, lambda: next(results)) == "first"
    assert flights.share(b"k", 1.0, lambda: next(results)) == "second"


def test_different_requests_run_one_after_the_other() -> None:
    flights: Flights[str] = Flights(4, 8)
    gate, second = Gate("a"), Gate("b")
    one = Asker(flights, b"a", gate)
    assert gate.began.wait(PATIENCE)
    two = Asker(flights, b"b", second)
    assert not second.began.wait(0.05)
    gate.finish.set()
    assert second.began.wait(PATIENCE)
    second.finish.set()
    assert (one.ended(), two.ended()) == ("a", "b")


def test_more_different_requests_than_may_wait_are_refused_at_once() -> None:
    flights: Flights[str] = Flights(1, 8)
    gate = Gate()
    one = Asker(flights, b"a", gate)
    assert gate.began.wait(PATIENCE)
    with pytest.raises(BusyError, match="too many different requests"):
        flights.share(b"b", PATIENCE, never)
    gate.finish.set()
    assert one.ended() == "done"
    assert flights.share(b"b", PATIENCE, lambda: "free again") == "free again"


def test_who_does_not_get_a_turn_in_its_time_is_refused() -> None:
    flights: Flights[str] = Flights(2, 8)
    gate = Gate()
    one = Asker(flights, b"a", gate)
    assert gate.began.wait(PATIENCE)
    with pytest.raises(BusyError, match="took all the time"):
        flights.share(b"b", 0.01, never)
    gate.finish.set()
    assert one.ended() == "done"


def test_a_failure_is_shared_too_and_does_not_block_the_next() -> None:
    flights: Flights[str] = Flights(2, 8)
    gate = Gate()

    def failing() -> str:
        gate()
        raise ValueError("broken")

    first = Asker(flights, b"a", failing)
    assert gate.began.wait(PATIENCE)
    second = Asker(flights, b"a", never)
    wait_until(lambda: flights.sharers() == 1)
    gate.finish.set()
    assert [repr(asker.ended()) for asker in (first, second)] == ["ValueError('broken')"] * 2
    assert flights.share(b"a", 1.0, lambda: "well") == "well"


def test_a_sharer_does_not_wait_for_ever_on_work_that_hangs() -> None:
    flights: Flights[str] = Flights(2, 8, grace_seconds=0.01)
    gate = Gate()
    one = Asker(flights, b"a", gate)
    assert gate.began.wait(PATIENCE)
    with pytest.raises(BusyError, match="has not ended"):
        flights.share(b"a", 0.01, never)
    gate.finish.set()
    assert one.ended() == "done"


def test_more_than_may_wait_are_refused_even_for_the_same() -> None:
    flights: Flights[str] = Flights(4, 2)
    gate = Gate()
    askers = [Asker(flights, b"same", gate)]
    assert gate.began.wait(PATIENCE)
    askers.append(Asker(flights, b"same", never))
    wait_until(lambda: flights.sharers() == 1)
    with pytest.raises(BusyError, match="too many requests"):
        flights.share(b"same", PATIENCE, never)
    gate.finish.set()
    assert [asker.ended() for asker in askers] == ["done"] * 2


def test_who_gave_up_waiting_leaves_its_place_to_another() -> None:
    flights: Flights[str] = Flights(4, 2, grace_seconds=0.01)
    gate = Gate()
    one = Asker(flights, b"a", gate)
    assert gate.began.wait(PATIENCE)
    for _ in range(3):
        with pytest.raises(BusyError, match="has not ended"):
            flights.share(b"a", 0.01, never)
    gate.finish.set()
    assert one.ended() == "done"


def test_work_that_does_not_end_is_told() -> None:
    flights: Flights[str] = Flights(4, 8, hanging_seconds=0.0)
    assert flights.hangs_seconds() == 0.0
    gate = Gate()
    one = Asker(flights, b"a", gate)
    assert gate.began.wait(PATIENCE)
    wait_until(lambda: flights.hangs_seconds() > 0)
    gate.finish.set()
    assert one.ended() == "done"
    assert flights.hangs_seconds() == 0.0
