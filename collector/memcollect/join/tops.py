"""kubectl top's numbers on one pod's row, held against the agent's; or why there are none. Pure.

All times are the node's own: the kubelet's samples, the agent's points and the starts of containers
are stamped by one clock, so the clock of whoever runs memcollect does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from memcollect.documents.snapshot import Container, Pod, Top
from memcollect.join.containers import described
from memcollect.join.reconcile import Now, combine, reconcile, slack_bytes, window_of
from memcollect.join.roles import OUTSIDE_TOP, app_containers
from memcollect.join.runtimes import attribute_provider
from memcollect.join.series import Series
from memcollect.kubernetes import objects as kube
from memcollect.kubernetes.usage import Metrics, PodUsage, Usage
from memcollect_agent import wire

SOURCE = "metrics.k8s.io"
YOUNG_SECONDS = 120.0
"""By then metrics-server has two samples of a container, even with its own default of one a minute."""
DROPPED = (
    "metrics-server leaves a pod out whole when one of its containers reads zero CPU or memory, or has no"
    " two samples yet"
)
ANOTHER = "the metrics API still shows an earlier pod of this name; take the snapshot again in a minute"
NOT_YET = "the metrics API does not list this container yet; take the snapshot again in a minute"


@dataclass(frozen=True)
class NodeView:
    """What one node's answer holds beside the pods: its cgroups' histories, its counters' lag, its time."""

    history: Mapping[int, Series] = field(default_factory=dict)
    """By inode, which is what identifies a cgroup."""
    slack_bytes: int = 0
    at: float | None = None
    """When the agent measured; None where it did not."""

    @classmethod
    def of(cls, sample: wire.NodeSample) -> NodeView:
        """Return the view of an answer."""
        rings = sample.history.cgroups if sample.history is not None else []
        return cls(
            history={ring.inode: Series.of(ring) for ring in rings},
            slack_bytes=slack_bytes(sample.node.cpus, sample.node.page_size_bytes),
            at=sample.sampled_at,
        )


def with_tops(row: Pod, pod: kube.Pod, view: NodeView, metrics: Metrics) -> Pod:
    """Return the row with kubectl top's numbers reconciled, or with the reason why it has none."""
    if row.phase != "Running":
        return row
    usage = metrics.pods.get((row.namespace or "", row.name))
    started_at = _seconds(row.start_time)
    if usage is not None and started_at is not None and usage.timestamp + 1 <= started_at:
        return msgspec.structs.replace(row, top=_none(ANOTHER))
    if usage is None or not usage.containers:
        return msgspec.structs.replace(row, top=_none(_why_none(row, pod, view, metrics)))
    by_name = {each.name: each for each in app_containers(row)}
    starts = _starts(pod)
    tops = [
        _container_top(each, usage, by_name.get(each.name), view, starts.get(each.name))
        for each in usage.containers
    ]
    tops = attribute_provider(tops, [by_name.get(each.name) for each in usage.containers], row.runtime)
    names = [each.name for each in usage.containers]
    named = dict(zip(names, tops, strict=True))
    containers = [
        msgspec.structs.replace(each, top=_absent(each) if each.name not in named else named[each.name])
        if each.role not in OUTSIDE_TOP
        else each
        for each in row.containers
    ]
    return msgspec.structs.replace(
        row, containers=containers, top=_with_absent(combine(tops, names), containers)
    )


def _with_absent(top: Top, containers: Iterable[Container]) -> Top:
    """Return the pod's number with the containers named that it leaves out."""
    absent = [each.name for each in containers if each.top is not None and each.top.detail == NOT_YET]
    if not absent:
        return top
    left_out = f"without container {', '.join(absent)}, which the metrics API does not list yet"
    return msgspec.structs.replace(top, detail=f"{top.detail}; {left_out}" if top.detail else left_out)


def _container_top(
    usage: Usage, pod: PodUsage, container: Container | None, view: NodeView, started_at: float | None
) -> Top:
    top = Top(
        source=SOURCE,
        timestamp=pod.timestamp,
        memory_bytes=usage.memory_bytes,
        cpu_nanocores=usage.cpu_nanocores,
    )
    if usage.memory_bytes is None:
        return msgspec.structs.replace(
            top, status="no-metrics", detail="the metrics API gave no memory number"
        )
    cgroup = container.cgroup if container is not None else None
    now = _now(cgroup, view.slack_bytes)
    if now is None:
        return reconcile(top, None, window_of(pod.timestamp, len(pod.containers), pod.timestamp), None)
    if len(pod.containers) == 1 and started_at is not None and pod.timestamp + 1 <= started_at:
        detail = "the sample is of the container before its restart; take the snapshot again in a minute"
        return msgspec.structs.replace(top, status="unaligned", detail=detail)
    series = view.history.get(cgroup.inode) if cgroup is not None and cgroup.inode is not None else None
    window = window_of(pod.timestamp, len(pod.containers), now.at)
    return reconcile(top, series.extended(now.at, now.working_set_bytes) if series else None, window, now)


def _now(cgroup: wire.Cgroup | None, slack: int) -> Now | None:
    if cgroup is None or cgroup.current_bytes is None or cgroup.stat is None:
        return None
    inactive = cgroup.stat.get("inactive_file")
    at = cgroup.current_read_at or cgroup.read_at
    if inactive is None or at is None:
        return None
    return Now(
        at=at,
        working_set_bytes=max(0, cgroup.current_bytes - inactive),
        slack_bytes=slack,
        current_bytes=cgroup.current_bytes,
    )


def _absent(container: Container) -> Top | None:
    """Return the reason why a container that runs has no number although its pod has one."""
    return _none(NOT_YET) if container.state == "running" else None


def _none(detail: str) -> Top:
    return Top(source=SOURCE, status="no-metrics", detail=detail)


def _why_none(row: Pod, pod: kube.Pod, view: NodeView, metrics: Metrics) -> str:
    gap = metrics.gap(row.namespace or "")
    if gap is not None:
        return gap.detail
    idle = [each.name for each in app_containers(row) if _reads_zero(each)]
    if idle:
        return f"container {idle[0]} reads zero memory; {DROPPED}"
    return _too_young(_starts(pod), view.at) or DROPPED


def _too_young(starts: Mapping[str, float], now: float | None) -> str | None:
    if not starts or now is None:
        return None
    name, started_at = max(starts.items(), key=lambda each: each[1])
    age = max(0.0, now - started_at)
    if age > YOUNG_SECONDS:
        return None
    return (
        f"too young: container {name} started {age:.0f} s ago, and metrics-server shows a pod once it has two"
        " samples of each container; take the snapshot again in a minute"
    )


def _starts(pod: kube.Pod) -> dict[str, float]:
    """Return when each running container was started."""
    running = [(each.spec.name, each.status.state.running) for each in described(pod) if each.status]
    starts = [(name, _seconds(state.started_at)) for name, state in running if state is not None]
    return {name: at for name, at in starts if at is not None}


def _seconds(text: str | None) -> float | None:
    """Return an RFC 3339 time in seconds since the epoch; None where it is something else."""
    try:
        parsed = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def _reads_zero(container: Container) -> bool:
    now = _now(container.cgroup, 0)
    return now is not None and now.working_set_bytes == 0
