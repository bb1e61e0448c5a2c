"""SIGTERM and SIGHUP as Python's own way of ending, so that what was made is removed."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class Terminated(SystemExit):
    """A signal's end, on its way up: its code is 128 + the signal's number, as shells have it."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = signal.Signals(number)


@contextmanager
def ending_cleanly() -> Iterator[None]:
    """Within it, a signal that would end the process at once raises Terminated.

    A handler that the program set itself is left alone; and only the main thread can set one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = [each for each in SIGNALS if signal.getsignal(each) is signal.SIG_DFL]
    for each in ours:
        signal.signal(each, _leave)
    try:
        yield
    finally:
        for each in ours:
            signal.signal(each, signal.SIG_DFL)


def _leave(number: int, _frame: FrameType | None) -> None:
    raise Terminated(number)
