"""Lines from several pipes of one process, as they come, until it ends or its time is over."""

import os
import selectors
import subprocess
import time
from collections.abc import Iterator, Sequence

from memcollect.lab.errors import TimeLimitError

_POLL_SECONDS = 0.2
"""How soon the end of a process is seen whose children still hold the pipes open."""


def lines_of(
    process: "subprocess.Popen[bytes] | subprocess.Popen[str]",
    descriptors: Sequence[int],
    time_limit_seconds: float,
) -> Iterator[tuple[int, str]]:
    """Yield (index of the descriptor, line without its end) until `process` has ended.

    Raises TimeLimitError when that takes longer than `time_limit_seconds`.
    """
    deadline = time.monotonic() + time_limit_seconds
    rest = [b""] * len(descriptors)
    with selectors.DefaultSelector() as selector:
        for index, descriptor in enumerate(descriptors):
            selector.register(descriptor, selectors.EVENT_READ, index)
        ended = False
        while not ended:
            if time.monotonic() > deadline:
                raise TimeLimitError(f"not done within {time_limit_seconds:.0f} s; the guest was ended")
            ended = process.poll() is not None
            yield from _ready_lines(selector, rest, 0 if ended else _POLL_SECONDS)
    for index, last in enumerate(rest):
        if last:
            yield index, _text(last)


def _ready_lines(
    selector: selectors.BaseSelector, rest: list[bytes], wait: float
) -> Iterator[tuple[int, str]]:
    """Yield the whole lines of what can be read now; after the first round nothing is waited for."""
    while events := selector.select(wait):
        wait = 0
        for key, _ in events:
            chunk = os.read(key.fd, 65536)
            if not chunk:
                selector.unregister(key.fd)
                continue
            *lines, rest[key.data] = (rest[key.data] + chunk).split(b"\n")
            for line in lines:
                yield key.data, _text(line)


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").decode(errors="replace")
