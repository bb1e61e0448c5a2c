"""The thread that makes the recorder tick, on the monotonic clock."""

import logging
import threading
import time
from typing import Self

from memcollect_agent.history.recorder import Recorder
from memcollect_agent.redact import visible

_log = logging.getLogger(__name__)


class Ticker:
    """Calls `recorder.tick()` at once and then at every interval, until stopped. A context manager.

    A tick that comes late does not shift the ones after it, and those that fell into the delay are
    counted as missed, not made up for.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._last_fault = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memcollect history", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=1.0)
        if not self._thread.is_alive():
            self._recorder.close()

    @property
    def alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        interval = self._recorder.settings.interval_seconds
        due = time.monotonic()
        while not self._stop.wait(max(due - time.monotonic(), 0.0)):
            self._tick()
            due += interval
            if (late := int((time.monotonic() - due) / interval)) > 0:
                due += late * interval
                self._recorder.missed(late)

    def _tick(self) -> None:
        try:
            self._recorder.tick()
        except Exception as error:  # noqa: BLE001 - a fault of ours in one tick must not end all later ones
            if repr(error) != self._last_fault:
                self._last_fault = repr(error)
                _log.warning("a tick of the history failed: %s", visible(repr(error))[:300])
