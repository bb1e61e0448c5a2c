"""What a thread waits for, where it hangs: looked up in its stack, so that reading costs nothing for it."""

import sys

from memcollect_agent.redact import visible

_READERS = "memcollect_agent.read."
_LONGEST = 200


def where(thread_id: int | None) -> str:
    """Return ", in a read of PATH" of the kernel's file that the thread reads; "" where it reads none."""
    frame = sys._current_frames().get(thread_id or 0)  # noqa: SLF001 -- documented, and there is no other way
    while frame is not None:
        path = frame.f_locals.get("path")
        if frame.f_globals.get("__name__", "").startswith(_READERS) and isinstance(path, str):
            return f", in a read of {visible(path)[:_LONGEST]}"
        frame = frame.f_back
    return ""
