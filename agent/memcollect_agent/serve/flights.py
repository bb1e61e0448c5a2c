"""One piece of work at a time, shared by all who ask for the same, and few who wait."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from memcollect_agent.serve.waiting import where

T = TypeVar("T")


class BusyError(Exception):
    """Too many requests wait, or this one waited as long as it may."""


HANGING_SECONDS = 300.0
"""Many times the largest time budget: work that takes longer waits for a kernel that does not answer."""


GRACE_SECONDS = 10.0
"""Beyond the wait for a turn and twice the budget, which is all that a sampling takes."""


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
    """Runs work one after the other; at most `most` different keys run or wait at any time.

    `waiting` bounds the threads that run, wait or share all together: each holds one of the service's, and
    what else it answers must not wait behind them.
    """

    def __init__(
        self,
        most: int,
        waiting: int,
        hanging_seconds: float = HANGING_SECONDS,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self._most = most
        self._waiting = waiting
        self._hanging_seconds = hanging_seconds
        self._grace_seconds = grace_seconds
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._flights: dict[bytes, _Flight[T]] = {}
        self._began: float | None = None
        self._worker: int | None = None

    def share(self, key: bytes, patience_seconds: float, work: Callable[[], T]) -> T:
        """Return work()'s result, or that of an equal request (the same `key`) that is under way.

        `patience_seconds` bounds the wait for one's turn; whoever joins another's waits three times that and
        the grace, for the turn and the work of the other. Raises BusyError, and whatever work() raises.
        """
        with self._lock:
            flight = self._flights.get(key)
            leads = flight is None
            if self._held() >= self._waiting:
                raise BusyError("too many requests are waiting")
            if flight is None:
                if len(self._flights) >= self._most:
                    raise BusyError("too many different requests are waiting")
                flight = self._flights[key] = _Flight()
            else:
                flight.sharers += 1
        if leads:
            self._lead(flight, key, patience_seconds, work)
        else:
            self._join(flight, patience_seconds)
        return flight.outcome()

    def sharers(self) -> int:
        """Return how many of those who wait now have joined another's request."""
        with self._lock:
            return sum(flight.sharers for flight in self._flights.values())

    def hangs_seconds(self) -> float:
        """Return for how long the work under way has run beyond all that it may take; 0 where it has not."""
        began = self._began
        ran = 0.0 if began is None else time.monotonic() - began
        return ran if ran > self._hanging_seconds else 0.0

    def waits_where(self) -> str:
        """Return what the work under way reads, as `waiting.where` says it."""
        return where(self._worker)

    def _held(self) -> int:
        return sum(1 + flight.sharers for flight in self._flights.values())

    def _join(self, flight: _Flight[T], patience_seconds: float) -> None:
        longest = 3 * patience_seconds + self._grace_seconds
        ended = flight.done.wait(min(longest, threading.TIMEOUT_MAX))
        with self._lock:
            flight.sharers -= 1
        if not ended:
            raise BusyError("what an equal request began has not ended")

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
            raise BusyError("another request took all the time that this one had")
        self._worker = threading.get_ident()
        self._began = time.monotonic()
        try:
            return work()
        finally:
            self._began = self._worker = None
            self._turn.release()
