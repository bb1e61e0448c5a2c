"""Waiting for what another thread does: as short as it takes, and never for ever."""

import time
from collections.abc import Callable

PATIENCE = 30.0


def wait_until(condition: Callable[[], bool]) -> None:
    """Return when `condition` holds; fail when it does not within PATIENCE seconds."""
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.002)
