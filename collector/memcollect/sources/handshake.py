"""Blocking calls with a deadline, for a library that offers none.

The client opens its WebSocket with no timeout and gives nobody its socket while it does. So the calls
of a worker run in a thread beside it; when one takes too long, that thread is left to itself, whatever
it still brings is disposed of, and another takes its place. How many may be left behind is bounded.
"""

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from memcollect.sources.deadline import Deadline

T = TypeVar("T")

MOST_ABANDONED = 64


class TooManyAbandonedError(Exception):
    """So many calls were left behind that no new one is begun."""


class Abandoned:
    """Counts the calls that were given up and have not ended; shared by all workers."""

    def __init__(self, most: int = MOST_ABANDONED) -> None:
        self._most = most
        self._count = 0
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raise TooManyAbandonedError when the bound is reached."""
        if self._count >= self._most:
            raise TooManyAbandonedError(f"{self._count} earlier ones still hang")

    def add(self, change: int) -> None:
        """Count one more (+1) or one that ended after all (-1)."""
        with self._lock:
            self._count += change


class Handshaker(Generic[T]):
    """Runs one call at a time for one worker. `dispose` gets what comes too late."""

    def __init__(self, dispose: Callable[[T], None], abandoned: Abandoned) -> None:
        self._dispose = dispose
        self._abandoned = abandoned
        self._calls: queue.SimpleQueue[_Call[T] | None] | None = None

    def run(self, function: Callable[[], T], deadline: Deadline) -> T:
        """Return what `function` returns.

        Raises what it raises, TimeoutError when it takes too long, and TooManyAbandonedError.
        """
        self._abandoned.check()
        call = _Call(function, self._dispose, self._abandoned)
        seconds = deadline.left()
        if self._calls is None:
            self._calls = queue.SimpleQueue()
            thread = threading.Thread(
                target=_serve, args=(self._calls,), name="memcollect handshakes", daemon=True
            )
            thread.start()
        self._calls.put(call)
        try:
            return call.outcome(seconds)
        finally:
            if call.given_up:
                self.close()

    def close(self) -> None:
        """Let the thread end, after the call that it is in."""
        if self._calls is not None:
            self._calls.put(None)
            self._calls = None


def _serve(calls: "queue.SimpleQueue[_Call[T] | None]") -> None:
    while (call := calls.get()) is not None:
        call.make()


class _Call(Generic[T]):
    """One call, and who has to do with its result: whoever waits, or nobody any more."""

    def __init__(self, function: Callable[[], T], dispose: Callable[[T], None], abandoned: Abandoned) -> None:
        self._function = function
        self._dispose = dispose
        self._abandoned = abandoned
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._result: list[T] = []
        self._error: BaseException | None = None
        self.given_up = False

    def outcome(self, seconds: float) -> T:
        try:
            self._done.wait(seconds)
        finally:
            # Also when Ctrl-C ends the wait.
            self._give_up_unless_done()
        if self.given_up:
            raise TimeoutError(f"not within {seconds:g} s")
        if self._error is not None:
            raise self._error
        return self._result[0]

    def make(self) -> None:
        try:
            self._result.append(self._function())
        except BaseException as error:  # noqa: BLE001 # it is raised again where it is waited for
            self._error = error
        with self._lock:
            self._done.set()
            if not self.given_up:
                return
        self._abandoned.add(-1)
        for late in self._result:
            self._dispose(late)

    def _give_up_unless_done(self) -> None:
        with self._lock:
            self.given_up = not self._done.is_set()
            if self.given_up:
                self._abandoned.add(1)
