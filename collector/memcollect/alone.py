"""One program at a time: others that want the same wait, and say so."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(lock: Path, wait: Callable[[], object]) -> Iterator[None]:
    """Have the file `lock` alone; the kernel lets go of it however this process ends.

    `wait` is called where another program has it. Raises OSError.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            wait()
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
