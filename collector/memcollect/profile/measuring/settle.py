"""Whether memory has come to rest: a rule over the working sets of the last seconds. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from memcollect.documents.run import Settling
from memcollect.join.node_clock import NodeClock
from memcollect.join.series import Series
from memcollect.profile.plan.model import Settle
from memcollect.units import human_bytes
from memcollect_agent.wire import History


class Change(NamedTuple):
    """How much a pod's working set varied, in bytes, and which pod's."""

    pod: str
    bytes: int


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


def largest_change(series: Mapping[str, Series], names: Mapping[str, str], over: float) -> Change | None:
    """Return the largest change of any of the pods (UID -> name); None where that of one is not known."""
    changes = {name: change(series[uid], over) if uid in series else None for uid, name in names.items()}
    known = [Change(name, each) for name, each in changes.items() if each is not None]
    return max(known, key=lambda each: each.bytes) if known and len(known) == len(changes) else None


def unknown_of(series: Mapping[str, Series], names: Mapping[str, str], over: float) -> str:
    """Return of which pod the change over the last `over` seconds is not known, and why; "" for none."""
    told = [
        f"pod {name}: {why}" for uid, name in names.items() if (why := _why_unknown(series.get(uid), over))
    ]
    more = f" (and of {len(told) - 1} more)" if len(told) > 1 else ""
    return f"what changed in {over:g} s is not known of {told[0]}{more}" if told else ""


def _why_unknown(series: Series | None, over: float) -> str:
    if series is None:
        return "its node's agent follows no cgroup of it"
    if not series.times:
        return "its agent has no point with both memory.current and inactive_file"
    reach = series.times[-1] - series.times[0]
    if change(series, over) is not None:
        return ""
    return (
        f"its history reaches back {reach:.1f} s from its last point, and has {len(series.times)}"
        f" point{'' if len(series.times) == 1 else 's'}"
    )


def judged(rule: Settle, changed: Change | None, waited: float, reason: str = "") -> Settling:
    """Return the outcome of waiting `waited` seconds; `reason` says why `changed` is not known."""
    settled = changed is not None and changed.bytes < rule.within
    if settled:
        why = ""
    elif changed is None:
        why = reason or f"what changed in {rule.over:g} s is not known"
    else:
        why = (
            f"the working set of pod {changed.pod} still changed by {human_bytes(changed.bytes)} in "
            f"{rule.over:g} s, {human_bytes(rule.within)} is the most"
        )
    return Settling(
        settled=settled,
        reason=why,
        waited_seconds=round(waited, 3),
        within_bytes=int(rule.within),
        for_seconds=float(rule.over),
        at_most_seconds=float(rule.at_most),
        change_bytes=None if changed is None else changed.bytes,
    )
