"""Files whose reads block in the kernel until the test lets them go."""

import ctypes
import os
import sys
from pathlib import Path
from typing import Protocol

import pytest

_ALL = "import sys; from memcollect_agent.__main__ import main; sys.exit(main(sys.argv[2:]))"
_WITH_PIPES = """
import os, sys
def waiting(real):
    def read(fd, *rest):
        pipe = f"{sys.argv[1]}/{os.fstat(fd).st_ino}"
        if os.path.exists(pipe):
            os.close(os.open(pipe, os.O_RDONLY))
        return real(fd, *rest)
    return read
os.read, os.pread = waiting(os.read), waiting(os.pread)
"""

_CLASS_CONTENT, _MARK_ADD, _OPEN_PERMISSION, _READ_PERMISSION, _HERE = 0x04, 0x01, 0x10000, 0x20000, -100


class Holding(Protocol):
    """Makes reads of files hang."""

    program: list[str]
    """What an agent is to be started as, so that its reads can be held."""

    def hold(self, path: Path) -> None:
        """Let every read of `path` by that program hang from now on."""

    def let_go(self) -> None:
        """Let all come back, and none hang any more."""


class ByPipes:
    """Before such a read the program opens a named pipe that nobody writes to: this needs no rights."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir()
        self.program = [sys.executable, "-c", _WITH_PIPES + _ALL, str(directory)]

    def hold(self, path: Path) -> None:
        os.mkfifo(self._directory / str(path.stat().st_ino))

    def let_go(self) -> None:
        for pipe in list(self._directory.iterdir()):
            away = pipe.rename(self._directory / f"away-{pipe.name}")
            # Whoever waits for a writer has one now; without one who waits this fails.
            try:
                while True:
                    os.close(os.open(away, os.O_WRONLY | os.O_NONBLOCK))
            except OSError:
                away.unlink()


class ByKernel:
    """The kernel asks this test whether a file may be opened or read, and is not answered: fanotify(7)."""

    def __init__(self) -> None:
        self.program = [sys.executable, "-c", _ALL, ""]
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.fanotify_init(_CLASS_CONTENT, os.O_RDONLY | os.O_CLOEXEC)
        if self._fd < 0:
            pytest.skip(f"fanotify: {os.strerror(ctypes.get_errno())}")

    def hold(self, path: Path) -> None:
        mask = ctypes.c_uint64(_OPEN_PERMISSION | _READ_PERMISSION)
        if self._libc.fanotify_mark(self._fd, _MARK_ADD, mask, _HERE, os.fsencode(path)) < 0:
            pytest.skip(f"fanotify: {os.strerror(ctypes.get_errno())}")

    def let_go(self) -> None:
        # What nobody answers for any more is permitted.
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
