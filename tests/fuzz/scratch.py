"""The folder that targets write their inputs to: in memory where that can be, and gone afterwards."""

import functools
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SHARED = "/dev/shm"
_VARIABLE = "MEMCOLLECT_FUZZ_SCRATCH"


@contextmanager
def made() -> Iterator[None]:
    """Have one folder for this process and all that it starts; removed however they end."""
    with _new() as folder:
        os.environ[_VARIABLE] = folder
        try:
            yield
        finally:
            del os.environ[_VARIABLE]


def current() -> Path:
    """Return that folder; without one, a folder that goes when this process ends."""
    return Path(os.environ.get(_VARIABLE) or _own().name)


@functools.cache
def _own() -> "tempfile.TemporaryDirectory[str]":
    return _new()


def _new() -> "tempfile.TemporaryDirectory[str]":
    shared = _SHARED if os.access(_SHARED, os.W_OK) else None
    return tempfile.TemporaryDirectory(prefix="memcollect-fuzz-", dir=shared)
