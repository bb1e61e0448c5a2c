"""A cgroup's working set over the last minutes, and what it was at a given moment. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from msgspec import Struct

from memcollect.join.node_clock import NEVER_SET, NodeClock
from memcollect_agent import wire


class Series(Struct, frozen=True, gc=False):
    """Points in time order: seconds since the epoch on the node's clock, and bytes."""

    times: Sequence[float]
    working_set_bytes: Sequence[int]

    @classmethod
    def of(cls, ring: wire.CgroupHistory, clock: NodeClock = NEVER_SET) -> Series:
        """Return the working sets of a ring, at times of the clock as it is now.

        Points without both numbers are left out. Where the clock was set back and the agent does not say by
        how much, only the points since then count.
        """
        columns = zip(clock.times(ring.times), ring.current_bytes, ring.inactive_file_bytes, strict=False)
        points: list[tuple[float, int]] = []
        for at, current, inactive in columns:
            if points and at < points[-1][0]:
                points.clear()
            if current is not None and inactive is not None:
                points.append((at, current - inactive if current > inactive else 0))
        return cls([at for at, _ in points], [size for _, size in points])

    def extended(self, at: float, working_set_bytes: int) -> Series:
        """Return the series with one point more, left as it is where the point is not later than its last."""
        if self.times and at <= self.times[-1]:
            return self
        return Series([*self.times, at], [*self.working_set_bytes, working_set_bytes])

    def covers(self, start: float, end: float) -> bool:
        """Return whether there is a point at or before `start`, and one at or after `end`."""
        return bool(self.times) and self.times[0] <= start and self.times[-1] >= end

    def at(self, moment: float) -> int:
        """Return the working set at `moment`, between two points by a straight line, in bytes.

        Outside the points it is the nearest one's. Raises ValueError for a series without points.
        """
        if not self.times:
            raise ValueError("a series without points has no value")
        after = bisect_left(self.times, moment)
        if after == 0:
            return self.working_set_bytes[0]
        if after == len(self.times):
            return self.working_set_bytes[-1]
        (t0, t1), (v0, v1) = self.times[after - 1 : after + 1], self.working_set_bytes[after - 1 : after + 1]
        return round(v0 + (v1 - v0) * (moment - t0) / (t1 - t0)) if t1 > t0 else v1

    def between(self, start: float, end: float) -> list[tuple[float, int]]:
        """Return the points from the last one at or before `start` to the first one at or after `end`."""
        first = max(0, bisect_right(self.times, start) - 1)
        last = min(len(self.times), bisect_left(self.times, end) + 1)
        return list(zip(self.times[first:last], self.working_set_bytes[first:last], strict=True))

    def band(self, start: float, end: float) -> tuple[int, int]:
        """Return the least and the largest value that a sample taken from `start` to `end` may have seen.

        The points from the last one before to the first one after count. Raises ValueError without points.
        """
        values = [size for _, size in self.between(start, end)] or [self.at(start)]
        return min(values), max(values)
