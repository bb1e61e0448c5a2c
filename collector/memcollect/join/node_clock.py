"""Times of a node's clock that was set meanwhile, as the clock is now. Pure.

A sample of metrics and the points of a history bear the time that the clock showed then. Where it has been
set since, the agent tells when and by how much, as long as it remembers points from before.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from memcollect_agent import wire

WHOLE_SECONDS = 1.0
"""A sample's time is cut to whole seconds: it may have been taken up to so much later."""
AHEAD_SECONDS = 5.0
"""A sample's time may be ahead of the node's clock by no more than this."""


class NodeClock(Struct, frozen=True, kw_only=True):
    """How a node's clock was set, oldest first; without `jumps` all times are left as they are."""

    jumps: Sequence[wire.ClockJump] = ()
    tick_seconds: float = 0.0
    """That it was set is noticed by so much later."""
    now: float = 0.0

    @classmethod
    def of(cls, sample: wire.NodeSample) -> NodeClock:
        """Return the clock of an answer."""
        if sample.history is None or not sample.history.clock_jumps:
            return cls()
        jumps = sample.history.clock_jumps
        return cls(
            jumps=jumps,
            tick_seconds=sample.history.interval_seconds,
            now=max(sample.finished_at, jumps[-1].at),
        )

    def moment(self, stamped: float | None) -> float | None:
        """Return a time of a sample as the clock is now; None where it may be of more than one setting."""
        if stamped is None or not self.jumps:
            return stamped
        possible = [number for number in range(len(self.jumps) + 1) if self._may_be_of(number, stamped)]
        return stamped + self._shift(possible[0]) if len(possible) == 1 else None

    def times(self, stamped: Sequence[float]) -> list[float]:
        """Return the times of points, whose order is known, as the clock is now."""
        if not self.jumps:
            return list(stamped)
        straight: list[float] = []
        setting, later = len(self.jumps), float("inf")
        for each in reversed(stamped):
            while setting and (each < self.jumps[setting - 1].at or each > later):
                setting, later = setting - 1, float("inf")
            later = each
            straight.append(each + self._shift(setting))
        return straight[::-1]

    def _may_be_of(self, setting: int, stamped: float) -> bool:
        """Return whether the clock showed that time while it was set for the `setting`th time."""
        begin = self.jumps[setting - 1].at - self.tick_seconds if setting else float("-inf")
        if setting == len(self.jumps):
            return begin - WHOLE_SECONDS < stamped <= self.now + AHEAD_SECONDS
        return begin - WHOLE_SECONDS < stamped <= self.jumps[setting].at - self.jumps[setting].by_seconds

    def _shift(self, setting: int) -> float:
        return sum(jump.by_seconds for jump in self.jumps[setting:])


NEVER_SET = NodeClock()
