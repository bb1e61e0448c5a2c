"""Lines of the log that anybody can cause: a few a minute, and how many were left out."""

import threading
import time
from collections.abc import Callable

MOST_LINES = 10
PERIOD_SECONDS = 60.0


class Seldom:
    """Tells whether one more line may be written. Thread-safe."""

    def __init__(
        self,
        most: int = MOST_LINES,
        period_seconds: float = PERIOD_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._period_seconds = period_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._began = clock()
        self._written = 0
        self._left_out = 0

    def may_write(self) -> tuple[bool, int]:
        """Return whether to write a line now, and how many were left out before it and not yet told of."""
        with self._lock:
            now = self._clock()
            if now - self._began >= self._period_seconds:
                self._began, self._written = now, 0
            if self._written >= self._most:
                self._left_out += 1
                return False, 0
            self._written += 1
            left_out, self._left_out = self._left_out, 0
            return True, left_out
