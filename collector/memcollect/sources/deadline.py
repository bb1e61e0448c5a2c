"""A moment by which something must be done, shared by all its steps; and a wait that can be cut short."""

import time
from collections.abc import Callable

Stopped = Callable[[], bool]
"""Whether whoever asked wants no more of it."""
TICK_SECONDS = 0.1
"""How often `Stopped` is asked in a wait."""


class Deadline:
    """Some seconds from its making, on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that remain, always more than zero.

        Raises TimeoutError when none do: a socket would take 0 for "do not block".
        """
        remaining = self._end - time.monotonic()
        if remaining <= 0:
            raise TimeoutError(f"not within {self.seconds:g} s")
        return remaining

    @property
    def passed(self) -> bool:
        """Whether the moment has come."""
        return time.monotonic() >= self._end


def pause(seconds: float, stopped: Stopped) -> bool:
    """Let time pass; False where it was cut short."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if stopped():
            return False
        time.sleep(min(TICK_SECONDS, left))
    return True
