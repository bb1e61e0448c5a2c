"""What need not wait for a long list is asked for beside it, in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from memcollect.sources.deadline import Deadline

T = TypeVar("T")

_TICK = 0.2
"""Seconds of one wait: one without end cannot be interrupted everywhere."""
_PATIENCE = 1.0


class Beside(Generic[T]):
    """An answer that is waited for once it is needed. A daemon: an interrupted program ends at once."""

    def __init__(self, ask: Callable[[], T]) -> None:
        """Ask now."""
        self._ask = ask
        self._told: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="memcollect beside", daemon=True)
        self._thread.start()

    def result(self) -> T:
        """Return the answer, once its thread has ended. Raises what asking raised."""
        while self._thread.is_alive():
            self._thread.join(_TICK)
        _await_kernel(self._thread.native_id)
        if self._error is not None:
            raise self._error
        return self._told[0]

    def _run(self) -> None:
        try:
            self._told.append(self._ask())
        except BaseException as error:  # noqa: BLE001 # raised where the answer is wanted
            self._error = error


def _await_kernel(thread: int | None) -> None:
    """Wait until the kernel, too, has let go of a thread: crew.py forks only while it counts a single one."""
    deadline = Deadline(_PATIENCE)
    while Path(f"/proc/self/task/{thread}").exists() and not deadline.passed:
        time.sleep(0.001)
