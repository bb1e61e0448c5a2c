"""Programs that tests start: each ends with its test, and nothing waits for one without a limit.

`subprocess.run` and `subprocess.Popen` do wait for ever, so the linter refuses them in tests.
"""

import os
import select
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from worlds.waiting import PATIENCE

LIMIT_SECONDS = 240.0
"""Of a program that runs to its end: many times what the slowest takes, for a machine that is busy."""

Words = Sequence["str | os.PathLike[str]"]


def run(command: Words, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end; return its exit code and what it wrote. Options: as of subprocess.run."""
    streams = {} if {"stdout", "stderr"} & options.keys() else {"capture_output": True}
    settled = {"text": True, "timeout": LIMIT_SECONDS, **streams, **options}
    return subprocess.run(command, check=settled.pop("check", False), **settled)


def lives(pid: int) -> bool:
    """Return whether a process of this machine runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


class Child(subprocess.Popen[str]):
    """A program that runs beside the test, and is killed where its context is left before it has ended."""

    def __init__(self, command: Words, **options: Any) -> None:
        super().__init__(command, text=True, **options)

    def line(self) -> str:
        """Return its next line without the end, or what it wrote last; what follows is still to be read.

        Fails when PATIENCE is over.
        """
        assert self.stdout is not None
        return _line(self.stdout.fileno())

    def wait(self, timeout: float | None = PATIENCE) -> int:
        """Return its exit code, −n for signal n, when it has ended."""
        return super().wait(PATIENCE if timeout is None else timeout)

    def communicate(self, input: str | None = None, timeout: float | None = PATIENCE) -> tuple[str, str]:  # noqa: A002 -- as Popen's
        """Read all that it still writes, until it has ended."""
        return super().communicate(input, PATIENCE if timeout is None else timeout)

    def __exit__(self, *error: object) -> None:
        self.kill()
        super().__exit__(*error)  # type: ignore[arg-type] # the three of every context


def _line(descriptor: int) -> str:
    """Read byte by byte, past the buffer: what is behind the line is left to whoever reads next."""
    until = time.monotonic() + PATIENCE
    read = b""
    while not read.endswith(b"\n"):
        ready, _, _ = select.select([descriptor], [], [], max(0.0, until - time.monotonic()))
        assert ready, f"no line came within {PATIENCE:.0f} s, but {read!r}"
        piece = os.read(descriptor, 1)
        if not piece:
            break
        read += piece
    return read.decode().rstrip("\n")
