"""Waiting for what another thread or program does: as short as it takes, and never for ever."""

import time
from collections.abc import Callable

PATIENCE = 60.0
"""Seconds; a machine that is busy with other things may take that long for what else takes one."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.002, 0.05


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Return when `condition` holds; fail when it does not within so many seconds."""
    until = time.monotonic() + seconds
    pause = _FIRST_PAUSE
    while not condition():
        assert time.monotonic() < until, f"it did not happen within {seconds:.0f} s"
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
