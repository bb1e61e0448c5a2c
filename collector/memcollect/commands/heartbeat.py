"""A sign of life while this program itself computes: what it does and for how long, on a terminal only."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator

SILENT_SECONDS = 2.0
"""What is done sooner needs no word."""


@contextlib.contextmanager
def heartbeat(what: str, silent: float = SILENT_SECONDS) -> Iterator[None]:
    """Say each second on standard error that it is at `what`, and take the line away at the end."""
    if not sys.stderr.isatty():
        yield
        return
    done = threading.Event()
    thread = threading.Thread(target=_beat, args=(what, silent, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _beat(what: str, silent: float, done: threading.Event) -> None:
    began = time.monotonic()
    wait, said = silent, False
    with contextlib.suppress(OSError, ValueError):
        while not done.wait(wait):
            wait, said = 1.0, True
            sys.stderr.write(f"\r\x1b[Kmemcollect: {what}, {time.monotonic() - began:.0f} s ")
            sys.stderr.flush()
        if said:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
