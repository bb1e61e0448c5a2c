"""Ctrl-C while something is being measured: what has been measured by then is kept.

An exception would land wherever the program happens to be, and take with it the pods that wait to be
written. So once somebody looks at the mark that it leaves (whoever waits for agents does), the first
Ctrl-C only leaves that mark; a second one ends the program as usual.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType

_KEPT = "finishing with what has been measured"
NOTICES = {
    signal.SIGINT: f"memcollect: interrupted: {_KEPT}; Ctrl-C again drops it.\n".encode(),
    signal.SIGTERM: f"memcollect: ended by SIGTERM: {_KEPT}; a second one drops it.\n".encode(),
}


class Interruption:
    """Whether Ctrl-C was pressed."""

    def __init__(self) -> None:
        self._heeded = False
        self._marked = False

    def requested(self) -> bool:
        """Return whether it was. Who asks once will go on asking, so it is no exception from then on."""
        self._heeded = True
        return self._marked

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Note Ctrl-C, or SIGTERM where a caller has it handled alike.

        Raises KeyboardInterrupt where nobody heeds the mark, and the second time.
        """
        if self._marked or not self._heeded:
            raise KeyboardInterrupt
        self._marked = True
        # Not by sys.stderr: the program may be in the middle of writing to it.
        with contextlib.suppress(OSError, ValueError):
            clear = b"\r\x1b[K" if sys.stderr.isatty() else b""
            os.write(sys.stderr.fileno(), clear + NOTICES[signal.Signals(number)])


@contextlib.contextmanager
def interruption() -> Iterator[Interruption]:
    """Give the state of Ctrl-C, which is handled by it until the context is left.

    Where Ctrl-C is already another's (ignored, as in the background of a script, or handled by a program
    that runs us), it stays so.
    """
    state = Interruption()
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield state
        return
    try:
        signal.signal(signal.SIGINT, state.handle)
    except ValueError:
        # Handlers are the main thread's; in another nobody can press Ctrl-C.
        yield state
        return
    try:
        yield state
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
