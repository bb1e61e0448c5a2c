"""The thread that makes the recorder tick, on the monotonic clock."""

import logging
import time

from memcollect_agent.errors import StalledError
from memcollect_agent.history.recorder import Recorder
from memcollect_agent.read.hanging import Watch
from memcollect_agent.redact import visible
from memcollect_agent.repeated import Repeated

_log = logging.getLogger(__name__)

STALLED_SECONDS = 30.0


class Ticker(Repeated):
    """Calls `recorder.tick()` at once and then at every interval, until stopped. A context manager.

    A tick that comes late does not shift the ones after it, and those that fell into the delay are
    counted as missed, not made up for.
    """

    def __init__(self, recorder: Recorder, watch: Watch | None = None) -> None:
        self._recorder = recorder
        self._watch = watch or Watch()
        self._due: float | None = None
        self._last_fault = ""
        self._ended_at = time.monotonic()
        super().__init__(self._next, "memcollect history")

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        if not self.alive:
            self._recorder.close()

    @property
    def stalled_seconds(self) -> float:
        """For how long no tick has ended, once that is more than a busy machine explains; else 0.

        That the thread exists says nothing: it may wait in the kernel, in a read that does not come back.
        """
        since = time.monotonic() - self._ended_at
        return since if since > STALLED_SECONDS + 5 * self._recorder.settings.interval_seconds else 0.0

    def _next(self) -> float:
        """Tick; return the seconds until the next tick is due."""
        interval = self._recorder.settings.interval_seconds
        due = time.monotonic() if self._due is None else self._due
        if self._tick():
            self._ended_at = time.monotonic()
        due += interval
        if (late := int((time.monotonic() - due) / interval)) > 0:
            due += late * interval
            self._recorder.missed(late)
        self._due = due
        return max(due - time.monotonic(), 0.0)

    def _tick(self) -> bool:
        """Tick; return whether anything was read."""
        try:
            self._watch.run(self._recorder.tick, self._recorder.give_up)
        except StalledError:
            self._recorder.missed(1)
            return False
        except Exception as error:  # noqa: BLE001 - a fault of ours in one tick must not end all later ones
            if repr(error) != self._last_fault:
                self._last_fault = repr(error)
                _log.warning("a tick of the history failed: %s", visible(repr(error))[:300])
        return True
