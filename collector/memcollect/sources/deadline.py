"""A moment by which something must be done, shared by all the steps it takes."""

import time


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
