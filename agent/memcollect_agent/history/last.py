"""The last points of cgroups that were removed, or in which something was killed for want of memory.

What a container held before the OOM killer came is gone with it: its cgroup within a second, its ring after
two minutes, while the kubelet waits up to five before it starts the next. So a few points are kept apart: of
each pod the newest few, and of the pods those that were last in this state.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator

from msgspec import Struct

from memcollect_agent.history.followed import STAT_FIELDS, Followed, with_points
from memcollect_agent.history.ring import Ring
from memcollect_agent.wire import CgroupHistory, LastPoints

POINTS = 3
"""Of each cgroup: enough to see whether it grew."""
EACH_POD = 6
MOST_PODS = 200


class _Kept(Struct, frozen=True):
    identity: CgroupHistory
    points: Ring
    noticed_at: float
    oom_kills: int | None


class LastKept:
    """What is kept of each pod's newest kills and removals."""

    def __init__(self) -> None:
        self._pods: OrderedDict[str, deque[_Kept]] = OrderedDict()

    def keep(self, one: Followed, oom_kills: int | None, at: float, *, skip: int = 0) -> None:
        """Keep a cgroup's last points before its newest `skip`; without any there is nothing to keep."""
        rows = one.ring.last(POINTS, skip=skip)
        if not rows:
            return
        points = Ring(len(rows), 1 + len(STAT_FIELDS))
        for time, numbers in rows:
            points.append(time, numbers)
        kept = self._pods.setdefault(one.pod_uid, deque(maxlen=EACH_POD))
        kept.append(_Kept(one.identity(), points, at, oom_kills))
        self._pods.move_to_end(one.pod_uid)
        if len(self._pods) > MOST_PODS:
            self._pods.popitem(last=False)

    def told(self, wanted: Callable[[str], bool]) -> Iterator[LastPoints]:
        """Yield what is kept of the pods whose UID is `wanted`."""
        for uid, kept in self._pods.items():
            if wanted(uid):
                for each in kept:
                    cgroup = with_points(each.identity, each.points.rows())
                    yield LastPoints(cgroup=cgroup, noticed_at=each.noticed_at, oom_kills=each.oom_kills)
