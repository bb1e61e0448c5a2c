"""Work that is done again and again in a thread of its own."""

import threading
import time
from collections.abc import Callable
from typing import Self


class Repeated:
    """Calls `work` at once, and again after as many seconds as it returned, until it is left.

    A context manager. `work` must not raise: that would end all later calls.
    """

    def __init__(self, work: Callable[[], float], name: str) -> None:
        self._work = work
        self._stop = threading.Event()
        self._began: float | None = None
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

    @property
    def thread_id(self) -> int | None:
        """The thread's number, as sys._current_frames() has it."""
        return self._thread.ident

    @property
    def working_seconds(self) -> float:
        """For how long the call under way has run; 0 between two."""
        began = self._began
        return 0.0 if began is None else time.monotonic() - began

    def _run(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            self._began = time.monotonic()
            pause = self._work()
            self._began = None
