"""The person at the terminal."""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Callable
from typing import TextIO

from memcollect.profile.actions import Stopped

_TICK_SECONDS = 0.2


class TerminalOperator:
    """Asks on standard error and waits for a line on standard input."""

    def __init__(self, say: Callable[[str], None], stream: TextIO | None = None) -> None:
        self._say = say
        self._stream = stream or sys.stdin

    def ask(self, text: str, seconds: float, stopped: Stopped) -> str:
        """Return "" once Enter was pressed, else why it was not."""
        self._say(f"{text} - then press Enter (within {seconds:g} s)")
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if stopped():
                return "Ctrl-C came first."
            if select.select([self._stream], [], [], _TICK_SECONDS)[0]:
                # An end of input is nobody's Enter.
                return "" if self._stream.readline() else "There is nobody to press Enter: input has ended."
        return f"Nobody pressed Enter within {seconds:g} s."
