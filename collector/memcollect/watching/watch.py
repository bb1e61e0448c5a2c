"""What a live view needs of whatever it watches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from memcollect.live.model import World
from memcollect.sources.deadline import Stopped

Changed = Callable[[World], None]
"""Called with all that is known, whenever something has come."""


class Watch(Protocol):
    """Asks round after round. Of one thread."""

    def round(self, seconds: float, changed: Changed, stopped: Stopped) -> World:
        """Ask everybody once and wait at most `seconds` for what comes; return what is known then.

        Raises a CollectorError where nothing at all can be asked, in the first round alone.
        """

    def wait(self, seconds: float, changed: Changed, stopped: Stopped) -> None:
        """Wait so long, and take what comes late."""

    def close(self) -> None:
        """Free what is held; what waits for an answer is left to its own deadline."""
