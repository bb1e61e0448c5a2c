"""Work that is done again and again in a thread of its own."""

import threading
from collections.abc import Callable
from typing import Self


class Repeated:
    """Calls `work` at once, and again after as many seconds as it returned, until it is left.

    A context manager. `work` must not raise: that would end all later calls.
    """

    def __init__(self, work: Callable[[], float], name: str) -> None:
        self._work = work
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=1.0)

    @property
    def alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            pause = self._work()
