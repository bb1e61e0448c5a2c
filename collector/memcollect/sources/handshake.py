"""A blocking call with a deadline, for a library that offers none.

The client opens its WebSocket with no timeout and gives nobody its socket while it does. So the call
runs in a thread of its own; when it takes too long, that thread is left to itself and whatever it
still brings is disposed of. How many may be left behind is bounded.
"""

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


class Attempt(Generic[T]):
    """One call of `function` in a thread of its own."""

    def __init__(self, function: Callable[[], T], dispose: Callable[[T], None], abandoned: Abandoned) -> None:
        self._function = function
        self._dispose = dispose
        self._abandoned = abandoned
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._given_up = False
        self._result: list[T] = []
        self._error: BaseException | None = None

    def wait(self, deadline: Deadline) -> T:
        """Return what the call returns. Raises what it raises, or TimeoutError when it takes too long."""
        self._abandoned.check()
        threading.Thread(target=self._run, name="memcollect handshake", daemon=True).start()
        try:
            self._done.wait(deadline.left())
        finally:
            with self._lock:
                self._given_up = not self._done.is_set()
                if self._given_up:
                    self._abandoned.add(1)
        if self._given_up:
            raise TimeoutError(f"not within {deadline.seconds:g} s")
        if self._error is not None:
            raise self._error
        return self._result[0]

    def _run(self) -> None:
        try:
            self._result.append(self._function())
        except BaseException as error:  # noqa: BLE001 # it is raised again where it is waited for
            self._error = error
        with self._lock:
            self._done.set()
            if not self._given_up:
                return
        self._abandoned.add(-1)
        for late in self._result:
            self._dispose(late)
