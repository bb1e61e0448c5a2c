"""One piece of work at a time, shared by all who ask for the same, and few who wait."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class BusyError(Exception):
    """Too many different requests wait, or this one waited as long as it may."""


HANGING_SECONDS = 300.0
"""Many times the largest time budget: work that takes longer waits for a kernel that does not answer."""


class _Flight(Generic[T]):
    """A result in the making."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.result: list[T] = []
        self.error: Exception | None = None
        self.sharers = 0

    def outcome(self) -> T:
        if self.error is not None:
            raise self.error
        return self.result[0]


class Flights(Generic[T]):
    """Runs work one after the other; at most `most` different keys run or wait at any time."""

    def __init__(self, most: int, hanging_seconds: float = HANGING_SECONDS) -> None:
        self._most = most
        self._hanging_seconds = hanging_seconds
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._flights: dict[bytes, _Flight[T]] = {}

    def share(self, key: bytes, patience_seconds: float, work: Callable[[], T]) -> T:
        """Return work()'s result, or that of an equal request (the same `key`) that is under way.

        `patience_seconds` bounds the wait for one's turn; whoever joins another's waits for as long
        as that takes, unless it hangs. Raises BusyError, and whatever work() raises.
        """
        with self._lock:
            flight = self._flights.get(key)
            leads = flight is None
            if flight is None:
                if len(self._flights) >= self._most:
                    raise BusyError("too many different requests are waiting")
                flight = self._flights[key] = _Flight()
            else:
                flight.sharers += 1
        if leads:
            self._lead(flight, key, patience_seconds, work)
        elif not flight.done.wait(self._hanging_seconds):
            raise BusyError("the sampling that an equal request began has not ended")
        return flight.outcome()

    def sharers(self) -> int:
        """Return how many of those who wait now have joined another's request."""
        with self._lock:
            return sum(flight.sharers for flight in self._flights.values())

    def _lead(self, flight: _Flight[T], key: bytes, patience_seconds: float, work: Callable[[], T]) -> None:
        try:
            flight.result.append(self._in_turn(patience_seconds, work))
        except Exception as error:  # noqa: BLE001 - every one who waits for it raises it again
            flight.error = error
        finally:
            with self._lock:
                del self._flights[key]
            flight.done.set()

    def _in_turn(self, patience_seconds: float, work: Callable[[], T]) -> T:
        if not self._turn.acquire(timeout=min(patience_seconds, threading.TIMEOUT_MAX)):
            raise BusyError("another sampling took all the time that this one had")
        try:
            return work()
        finally:
            self._turn.release()
