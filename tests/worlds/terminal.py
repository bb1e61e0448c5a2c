"""A program on a real pseudo-terminal: what it writes, what keys and signals do to it, what it leaves."""

import contextlib
import fcntl
import os
import pty
import select
import struct
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from worlds import children
from worlds.waiting import PATIENCE, wait_until

ENTER_SCREEN, LEAVE_SCREEN = b"\x1b[?1049h", b"\x1b[?1049l"
HIDE_CURSOR, SHOW_CURSOR = b"\x1b[?25l", b"\x1b[?25h"


class Terminal:
    """The side of a terminal that a person sits at."""

    def __init__(self, master: int, slave: int, process: children.Child) -> None:
        self.written = b""
        self.process = process
        self._master = master
        self._slave = slave

    @property
    def settings(self) -> list[Any]:
        """What `stty -a` shows."""
        return termios.tcgetattr(self._slave)

    def press(self, key: bytes) -> None:
        """Press a key; Ctrl-C is a signal, if the terminal says so."""
        os.write(self._master, key)

    def interrupt(self) -> None:
        """Press Ctrl-C where it waits for a line.

        What comes between a prompt and the read(2) behind it is noticed at the next key only: input() has
        looked for signals then, and nothing is there yet to be interrupted.
        """
        wait_until(self._sleeps)
        self.press(b"\x03")

    def _sleeps(self) -> bool:
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8", errors="replace")
        return stat.rpartition(")")[2].split()[0] == "S"

    def resize(self, columns: int, lines: int) -> None:
        """Give it another size."""
        _resize(self._slave, columns, lines)

    def read_until(self, text: bytes, after: int = 0) -> None:
        """Read until `text` was written behind the first `after` bytes."""
        until = time.monotonic() + PATIENCE
        while text not in self.written[after:]:
            assert time.monotonic() < until, f"never written: {text!r}; but {self.written[-2000:]!r}"
            self._read(0.1)

    def end(self) -> int:
        """Read to the program's end and return its exit code."""
        until = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < until, f"it did not end; the last it wrote: {self.written[-2000:]!r}"
            self._read(0.05)
        while self._read(0.05):
            pass
        return self.process.returncode

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], seconds)
        if ready:
            self.written += os.read(self._master, 1 << 16)
        return bool(ready)


@contextlib.contextmanager
def on_terminal(
    command: Sequence[str], env: Mapping[str, str], columns: int = 140, lines: int = 30
) -> Iterator[Terminal]:
    """Run a program on a terminal that is its own; end it where the test has not."""
    master, slave = pty.openpty()
    _resize(slave, columns, lines)
    process = children.Child(
        command,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=dict(env),
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # the terminal must be its own
    )
    try:
        yield Terminal(master, slave, process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(master)
        os.close(slave)


def _resize(descriptor: int, columns: int, lines: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
