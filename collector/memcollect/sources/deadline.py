"""A moment by which something must be done, shared by all its steps; and a wait that can be cut short."""

import io
import time
from collections.abc import Callable
from typing import Any

Stopped = Callable[[], bool]
"""Whether whoever asked wants no more of it."""
TICK_SECONDS = 0.1
"""How often `Stopped` is asked in a wait."""
LONGEST_PAUSE = 30.0
"""Seconds: a server may ask for more."""


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

    def lasts(self, seconds: float) -> bool:
        """Tell whether so many seconds are left."""
        return time.monotonic() + seconds <= self._end

    @property
    def passed(self) -> bool:
        """Whether the moment has come."""
        return time.monotonic() >= self._end


def asked_pause(retry_after: str | None) -> float | None:
    """Return the seconds that such a header asks to wait, at most LONGEST_PAUSE; None where it tells none.

    A date, which RFC 9110 (10.2.3) allows as well, tells none: neither API servers nor agents send one.
    """
    text = retry_after or ""
    return min(float(text), LONGEST_PAUSE) if text.isascii() and text.isdecimal() and len(text) < 9 else None


def pause(seconds: float, stopped: Stopped) -> bool:
    """Let time pass; False where it was cut short."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if stopped():
            return False
        time.sleep(min(TICK_SECONDS, left))
    return True


class DeadlineReader(io.RawIOBase):
    """Reads a socket; a server that trickles a byte a second gains no time by it.

    With `raw`, a file made of the same socket, the socket stays open until this is closed.
    """

    def __init__(self, sock: Any, deadline: Deadline, raw: io.RawIOBase | None = None) -> None:
        super().__init__()
        self._socket = sock
        self._deadline = deadline
        self._raw = raw

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what there is. Raises TimeoutError, OSError."""
        self._socket.settimeout(self._deadline.left())
        if self._raw is not None:
            return self._raw.readinto(buffer)
        return int(self._socket.recv_into(buffer))

    def close(self) -> None:
        """Let go of the socket."""
        if self._raw is not None:
            self._raw.close()
        super().close()
