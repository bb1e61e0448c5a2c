"""A call that may hang, given so long and no longer; and pauses that Ctrl-C ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from memcollect.evidence.port import OperationError
from memcollect.sources.deadline import TICK_SECONDS, Stopped

T = TypeVar("T")
GRACE_SECONDS = 5.0
"""What a driver gets beyond its own time to end a call by itself."""


class _Call(Generic[T]):
    def __init__(self, function: Callable[[], T]) -> None:
        self.ended = threading.Event()
        self.result: T | None = None
        self.error: BaseException | None = None
        self._function = function

    def run(self) -> None:
        try:
            self.result = self._function()
        except BaseException as error:  # noqa: BLE001 # raised again where it was asked for
            self.error = error
        self.ended.set()


def within(seconds: float, function: Callable[[], T], stopped: Stopped = lambda: False) -> T:
    """Return what `function` does. Raises what it raises, and OperationError where it takes too long.

    It runs in a thread of its own, which is left to itself then: a library that hangs must not hang us.
    """
    call = _Call(function)
    threading.Thread(target=call.run, name="memcollect evidence step", daemon=True).start()
    until = time.monotonic() + seconds + GRACE_SECONDS
    while not call.ended.wait(TICK_SECONDS):
        if stopped():
            raise OperationError("timeout", "interrupted before there was an answer")
        if time.monotonic() > until:
            raise OperationError("timeout", f"no answer within {round(seconds, 1):g} s")
    if call.error is not None:
        raise call.error
    return call.result  # type: ignore[return-value] # it has ended without an error
