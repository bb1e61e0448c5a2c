"""A kernel that refuses: one named file answers with an errno, everything else is real."""

import os
from typing import Protocol

import pytest


class Fail(Protocol):
    """Makes opening (or, with "read", reading) every file of a name fail with an errno."""

    def __call__(self, name: str, code: int, when: str = "open") -> None:
        """Add the fault."""


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Return what adds a fault; all faults end with the test."""
    real_open, real_read, real_pread, real_close = os.open, os.read, os.pread, os.close
    faults: dict[tuple[str, str], int] = {}
    opened: dict[int, str] = {}

    def faulty_open(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if code := faults.get((str(path), "open")):
            raise OSError(code, os.strerror(code), path)
        fd = real_open(path, flags, mode, dir_fd=dir_fd)
        opened[fd] = str(path)
        return fd

    def faulty_read(fd: int, length: int) -> bytes:
        if code := faults.get((opened.get(fd, ""), "read")):
            raise OSError(code, os.strerror(code))
        return real_read(fd, length)

    def faulty_pread(fd: int, length: int, offset: int) -> bytes:
        if code := faults.get((opened.get(fd, ""), "read")):
            raise OSError(code, os.strerror(code))
        return real_pread(fd, length, offset)

    def tracking_close(fd: int) -> None:
        opened.pop(fd, None)
        real_close(fd)

    def add(name: str, code: int, when: str = "open") -> None:
        faults[name, when] = code

    monkeypatch.setattr(os, "open", faulty_open)
    monkeypatch.setattr(os, "read", faulty_read)
    monkeypatch.setattr(os, "pread", faulty_pread)
    monkeypatch.setattr(os, "close", tracking_close)
    return add
