"""The two clocks of the history: points bear the wall's time, the schedule follows the monotonic one."""

import time
from collections import deque
from collections.abc import Callable

from msgspec import Struct

from memcollect_agent.wire import ClockJump

JUMP_SECONDS = 0.5
"""NTP slews by at most 500 ppm, 1 ms in a tick; what differs by this much was set."""
MAX_JUMPS = 16


class Clocks(Struct, frozen=True):
    """Where the time comes from."""

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic


class JumpWatch:
    """Notices that the wall clock was set, and remembers it for `keep_seconds`."""

    def __init__(self, keep_seconds: float) -> None:
        self._keep_seconds = keep_seconds
        self._offset: float | None = None
        self._jumps: deque[tuple[float, ClockJump]] = deque(maxlen=MAX_JUMPS)

    def look(self, clocks: Clocks) -> None:
        """Observe both clocks, unless the agent was held up between them: that would look like a jump.

        What was missed shows at the next tick.
        """
        before, wall, after = clocks.monotonic(), clocks.wall(), clocks.monotonic()
        if after - before <= JUMP_SECONDS / 2:
            self.observe(wall, after)

    def observe(self, wall: float, monotonic: float) -> None:
        """Compare the clocks with what they showed before."""
        offset = wall - monotonic
        if self._offset is not None and abs(offset - self._offset) > JUMP_SECONDS:
            self._jumps.append((monotonic, ClockJump(at=wall, by_seconds=offset - self._offset)))
        self._offset = offset
        while self._jumps and monotonic - self._jumps[0][0] > self._keep_seconds:
            self._jumps.popleft()

    def jumps(self) -> list[ClockJump]:
        """Return what was noticed, oldest first."""
        return [jump for _, jump in self._jumps]
