"""The person at the terminal, or a script in the person's place."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import time
from collections.abc import Callable
from typing import TextIO

from memcollect.sources.deadline import Stopped

_TICK_SECONDS = 0.2
_CHUNK = 4096
_NOBODY = "There is nobody to press Enter: {}."


class TerminalOperator:
    """Asks on standard error and waits for a line on standard input.

    The descriptor itself is read: Python's buffer would take lines that nobody then sees, and wait for the
    rest of half a line.
    """

    def __init__(self, say: Callable[[str], None], stream: TextIO | None = None) -> None:
        self._say = say
        self._file = _descriptor(stream or sys.stdin)
        self._lines = 0
        """Read and not yet taken for an answer."""

    def ask(self, text: str, seconds: float, stopped: Stopped) -> str:
        """Return "" once Enter was pressed, else why it was not.

        At a terminal only what is pressed from now on counts; a script may feed its lines ahead, a line for
        each question. What ends without a newline is nobody's Enter.
        """
        if self._file is not None and os.isatty(self._file):
            self._lines = 0
            _forget_what_was_typed(self._file)
        self._say(f"{text} - then press Enter (within {seconds:g} s)")
        if self._file is None:
            return _NOBODY.format("there is no input")
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if stopped():
                return "Interrupted first."
            if self._lines:
                self._lines -= 1
                return ""
            why_not = self._read(self._file)
            if why_not:
                return _NOBODY.format(why_not)
        return f"Nobody pressed Enter within {seconds:g} s."

    def _read(self, file: int) -> str:
        """Count the lines that come within a moment; return why none can come any more."""
        try:
            if not select.select([file], [], [], _TICK_SECONDS)[0]:
                return ""
            data = os.read(file, _CHUNK)
        except BlockingIOError:
            return ""
        except OSError as error:
            return f"input cannot be read ({error.strerror})"
        self._lines += data.count(b"\n")
        return "" if data else "input has ended"


def _descriptor(stream: TextIO | None) -> int | None:
    """Return the stream's descriptor; None where it has none: closed, or nothing that was ever opened."""
    try:
        return None if stream is None else stream.fileno()
    except (OSError, ValueError):
        return None


def _forget_what_was_typed(file: int) -> None:
    """Drop what was typed at a terminal before a question."""
    with contextlib.suppress(OSError):
        if os.tcgetpgrp(file) != os.getpgrp():
            # In the background this would stop us before the question is shown.
            return
    with contextlib.suppress(termios.error):
        termios.tcflush(file, termios.TCIFLUSH)
