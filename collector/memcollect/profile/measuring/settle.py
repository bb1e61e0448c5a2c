"""Whether memory has come to rest: a rule over the working sets of the last seconds. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from memcollect.documents.run import Settling
from memcollect.join.node_clock import NodeClock
from memcollect.join.series import Series
from memcollect.profile.plan.model import Settle
from memcollect.units import human_bytes
from memcollect_agent.wire import History


def pod_series(history: History) -> dict[str, Series]:
    """Return the working set of each pod's own cgroup, by UID; of a path made anew the younger one."""
    clock = NodeClock(jumps=history.clock_jumps)
    rings = (ring for ring in history.cgroups if ring.is_pod and ring.gone_at is None)
    return {ring.pod_uid: Series.of(ring, clock) for ring in rings}


def change(series: Series, over: float) -> int | None:
    """Return how much the working set varied over the last `over` seconds; None where that is not known."""
    if not series.times:
        return None
    end = series.times[-1]
    if not series.covers(end - over, end):
        return None
    low, high = series.band(end - over, end)
    return high - low


def largest_change(series: Mapping[str, Series], uids: Iterable[str], over: float) -> int | None:
    """Return the largest change of any of the pods; None where that of one is not known."""
    changes = [change(series[uid], over) if uid in series else None for uid in uids]
    known = [each for each in changes if each is not None]
    return max(known) if known and len(known) == len(changes) else None


def judged(rule: Settle, changed: int | None, waited: float, reason: str = "") -> Settling:
    """Return the outcome of waiting `waited` seconds; `reason` says why `changed` is not known."""
    settled = changed is not None and changed < rule.within
    if settled:
        why = ""
    elif changed is None:
        why = reason or f"not every pod has a history of the last {rule.over:g} s without a gap"
    else:
        why = (
            f"a working set still changed by {human_bytes(changed)} in {rule.over:g} s, "
            f"{human_bytes(rule.within)} is the most"
        )
    return Settling(
        settled=settled,
        reason=why,
        waited_seconds=round(waited, 3),
        within_bytes=int(rule.within),
        for_seconds=float(rule.over),
        at_most_seconds=float(rule.at_most),
        change_bytes=changed,
    )
