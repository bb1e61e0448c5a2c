"""The time for what lasts: what somebody does to the wall clock meanwhile makes it no longer or shorter."""

import time

_BEGAN_AT, _BEGAN = time.time(), time.monotonic()


def steady_time() -> float:
    """Return seconds since the epoch, run on from what the wall clock said when this process began."""
    return _BEGAN_AT + time.monotonic() - _BEGAN
