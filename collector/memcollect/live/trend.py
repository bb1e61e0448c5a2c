"""How working sets went in the last minute: the change, and the values of a sparkline. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from memcollect.join.node_clock import NodeClock
from memcollect.join.series import Series
from memcollect_agent import wire

WINDOW_SECONDS = 60.0
KEEP_SECONDS = 90.0
"""A point from before the window's beginning is needed, too."""
WHOLE_SECONDS = 55.0
"""From so long a time on, a change is told by the minute."""
TREND_POINTS = 10

Memory = Mapping[int, Series]
"""What is remembered of a node's cgroups, by inode."""


class Growth(Struct, frozen=True, kw_only=True):
    """How much a pod's working set changed between two readings."""

    change_bytes: int
    over_seconds: float
    trend: tuple[int | None, ...] = ()
    """The working set in equal steps over the last minute, bytes; None before the first reading."""

    @property
    def per_minute_bytes(self) -> int | None:
        """The change of a minute; None where the readings are no minute apart: nothing is extrapolated."""
        if self.over_seconds < WHOLE_SECONDS:
            return None
        return round(self.change_bytes * WINDOW_SECONDS / self.over_seconds)


def remembered(memory: Memory, sample: wire.NodeSample) -> dict[int, Series]:
    """Return the memory with an answer's points added: its history's, and the answer's own numbers.

    What the answer does not name is forgotten, and so is what is known where the node's clock was set since.
    """
    rings = sample.history.cgroups if sample.history is not None else []
    clock = NodeClock.of(sample)
    told = {ring.inode: Series.of(ring, clock) for ring in rings}
    memory = {} if clock.jumps else memory
    result: dict[int, Series] = {}
    for cgroup in _cgroups(sample.pods):
        if cgroup.inode is not None:
            points = _with_own(told.get(cgroup.inode, NOTHING), cgroup)
            result[cgroup.inode] = joined(memory.get(cgroup.inode, NOTHING), points)
    return result


NOTHING = Series([], [])


def joined(known: Series, told: Series) -> Series:
    """Return the points of both in time order, those of the last minute and some before.

    Where what was told last is earlier than what is known, the node's clock was set back: only what was
    told counts from then on.
    """
    if not told.times:
        return known
    if known.times and told.times[-1] < known.times[-1]:
        known = NOTHING
    first = bisect_right(told.times, known.times[-1]) if known.times else 0
    times = [*known.times, *told.times[first:]]
    sizes = [*known.working_set_bytes, *told.working_set_bytes[first:]]
    start = bisect_right(times, times[-1] - KEEP_SECONDS) if times else 0
    return Series(times[start:], sizes[start:])


def growth_of(series: Sequence[Series]) -> Growth | None:
    """Return the change of the sum of several cgroups; None where one has no two readings.

    Every number is a reading, none lies between two: the earlier ones are the last before the window,
    or, where one cgroup is younger, the last before its first.
    """
    if not series or any(len(each.times) < 2 for each in series):
        return None
    end = max(each.times[-1] for each in series)
    begin = max(_from(each, end - WINDOW_SECONDS) for each in series)
    first, last = _sum_at(series, begin), _sum_at(series, end)
    if first is None or last is None or end <= begin:
        return None
    step = WINDOW_SECONDS / (TREND_POINTS - 1)
    moments = [end - step * (TREND_POINTS - 1 - place) for place in range(TREND_POINTS)]
    return Growth(
        change_bytes=last - first,
        over_seconds=end - begin,
        trend=tuple(_sum_at(series, moment) for moment in moments),
    )


def _from(series: Series, moment: float) -> float:
    """Return the time of the last reading at or before `moment`; of the first one where there is none."""
    return series.times[max(0, bisect_right(series.times, moment) - 1)]


def _sum_at(series: Iterable[Series], moment: float) -> int | None:
    total = 0
    for each in series:
        place = bisect_right(each.times, moment) - 1
        if place < 0:
            return None
        total += each.working_set_bytes[place]
    return total


def _cgroups(pods: Iterable[wire.Pod]) -> list[wire.Cgroup]:
    return [cgroup for pod in pods for cgroup in (pod.cgroup, *(each.cgroup for each in pod.containers))]


def _with_own(points: Series, cgroup: wire.Cgroup) -> Series:
    """Return the points with the cgroup's own reading, where it is whole and later than they are."""
    at = cgroup.current_read_at or cgroup.read_at
    inactive = (cgroup.stat or {}).get("inactive_file")
    if at is None or inactive is None or cgroup.current_bytes is None:
        return points
    return points.extended(at, max(0, cgroup.current_bytes - inactive))
