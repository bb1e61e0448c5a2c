"""kubectl top's numbers on one pod's row, held against the agent's; or why there are none. Pure.

All times are the node's own: the kubelet's samples, the agent's points and the starts of containers
are stamped by one clock, so the clock of whoever runs memcollect does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from memcollect.documents.snapshot import Container, Pod, Top
from memcollect.documents.times import seconds_of
from memcollect.join.containers import described
from memcollect.join.contradicted import Surroundings, with_contradictions
from memcollect.join.node_clock import AHEAD_SECONDS, NEVER_SET, NodeClock
from memcollect.join.recognise import SANDBOXED
from memcollect.join.reconcile import Now, combine, in_words, reconcile, slack_bytes, window_of
from memcollect.join.roles import OUTSIDE_TOP, app_containers
from memcollect.join.runtimes import attribute_provider
from memcollect.join.series import Series
from memcollect.join.toplist import Shape, shape_of
from memcollect.kubernetes import objects as kube
from memcollect.kubernetes.usage import Metrics, PodUsage, Usage
from memcollect_agent import wire

SOURCE = "metrics.k8s.io"
YOUNG_SECONDS = 120.0
"""By then metrics-server has two samples of a container, even with its own default of one a minute."""
DROPPED = (
    "metrics-server leaves out a whole pod when one of its containers reads zero CPU or memory, or has no"
    " two samples yet, and every pod of a node whose kubelet did not answer it in time"
)
ANOTHER = "the metrics API still shows an earlier pod of this name; take the snapshot again in a minute"
NOT_YET = "the metrics API does not list this container yet; take the snapshot again in a minute"
NEVER = "it "
ONLY_RUNNING = "metrics-server lists running pods only"
BEFORE_RESTART = (
    "the sample is of the container before its restart {:.0f} s later; take the snapshot again in a minute"
)
FAR_ABOVE = 1.1
"""Times what a run ever held: a number beyond that is of another run."""


@dataclass(frozen=True)
class NodeView:
    """What one node's answer holds beside the pods: its cgroups' histories, its counters' lag, its time."""

    history: Mapping[int, wire.CgroupHistory] = field(default_factory=dict)
    """By inode, which is what identifies a cgroup."""
    slack_bytes: int = 0
    at: float | None = None
    """When the agent measured; None where it did not."""
    memory_bytes: int | None = None
    """What the node has."""
    clock: NodeClock = NEVER_SET

    @classmethod
    def of(cls, sample: wire.NodeSample) -> NodeView:
        """Return the view of an answer."""
        rings = sample.history.cgroups if sample.history is not None else []
        clock = NodeClock.of(sample)
        return cls(
            history={ring.inode: ring for ring in rings},
            slack_bytes=slack_bytes(sample.node.cpus, sample.node.page_size_bytes),
            at=clock.moment(sample.sampled_at),
            memory_bytes=(sample.node.meminfo or {}).get("MemTotal"),
            clock=clock,
        )

    def series_of(self, cgroup: wire.Cgroup | None) -> Series | None:
        """Return a cgroup's past; None where the agent remembers none.

        Made when it is asked for: most of a node's cgroups are nobody that `kubectl top` has a number of.
        """
        ring = self.history.get(cgroup.inode) if cgroup is not None and cgroup.inode is not None else None
        return None if ring is None else Series.of(ring, self.clock)


def with_tops(row: Pod, pod: kube.Pod, view: NodeView, metrics: Metrics) -> Pod:
    """Return the row with kubectl top's numbers reconciled, or with the reason why it has none."""
    if row.phase != "Running":
        return _not_running(row)
    usage = metrics.pods.get((row.namespace or "", row.name))
    started_at = seconds_of(row.start_time)
    if usage is not None and _is_before(usage, started_at, view):
        return msgspec.structs.replace(row, top=_none(ANOTHER))
    if usage is None or not usage.containers:
        return msgspec.structs.replace(row, top=_none(_why_none(row, pod, view, metrics)))
    sizes = {each.name: _working_set(each) for each in app_containers(row)}
    shape = shape_of(usage.containers, sizes, (each.name for each in row.containers))
    usage = msgspec.structs.replace(usage, containers=shape.usages)
    if shape.total_bytes is not None:
        return msgspec.structs.replace(row, top=_total(shape, usage, view.clock))
    named = _named(row, pod, usage, view)
    others = [each for each in row.containers if each.role not in OUTSIDE_TOP and each.name not in named]
    absent = {each.name: why for each in others if (why := _absent(each, view))}
    tops = {**named, **absent}
    containers = [
        msgspec.structs.replace(each, top=tops.get(each.name)) if each.role not in OUTSIDE_TOP else each
        for each in row.containers
    ]
    top = _as_shown(combine(list(named.values()), list(named)), shape)
    return msgspec.structs.replace(row, containers=containers, top=_with_absent(top, absent))


def _not_running(row: Pod) -> Pod:
    if row.phase != "Pending" or row.cgroup is None:
        return row
    busy = [each.name for each in row.containers if each.role == "init" and each.state == "running"]
    why = f" (init container {busy[0]} is running)" if busy else ""
    return msgspec.structs.replace(row, top=_none(f"{ONLY_RUNNING}; this one is still Pending{why}"))


def _total(shape: Shape, usage: PodUsage, clock: NodeClock) -> Top:
    """Return the pod's number where the list gives that for each container: equal to what the agent read."""
    return Top(
        source=SOURCE,
        timestamp=clock.moment(usage.timestamp),
        memory_bytes=shape.total_bytes,
        status="reconciled",
        remark=shape.remark,
    )


def _as_shown(top: Top, shape: Shape) -> Top:
    """Return a pod's number as kubectl top adds it up, with what is wrong with its list."""
    top = msgspec.structs.replace(top, remark=shape.remark)
    if shape.shown_bytes is None:
        return top
    return msgspec.structs.replace(top, memory_bytes=shape.shown_bytes, status="unexplained")


def _named(row: Pod, pod: kube.Pod, usage: PodUsage, view: NodeView) -> dict[str, Top]:
    """Return the top of each entry by its name."""
    by_name = {each.name: each for each in app_containers(row)}
    starts, started_at = _starts(pod), seconds_of(row.start_time)
    around = Surroundings(
        node_memory_bytes=view.memory_bytes,
        pod_age_seconds=None
        if started_at is None or usage.timestamp is None
        else usage.timestamp - started_at,
        slack_bytes=view.slack_bytes,
        sandboxed=row.runtime.family in SANDBOXED and not row.runtime.disagreement,
    )
    containers = [by_name.get(each.name) for each in usage.containers]
    tops = [
        with_contradictions(
            _container_top(each, usage, container, view, starts.get(each.name)), container, around
        )
        for each, container in zip(usage.containers, containers, strict=True)
    ]
    names = [each.name for each in usage.containers]
    return dict(zip(names, attribute_provider(tops, containers, row.runtime), strict=True))


def _with_absent(top: Top, absent: Mapping[str, Top]) -> Top:
    """Return the pod's number with the containers named that it leaves out, `absent` by name."""
    if not absent:
        return top
    late = [name for name, why in absent.items() if why.detail == NOT_YET]
    left_out = [f"container {', '.join(late)}, which the metrics API does not list yet"] if late else []
    left_out += [
        f"container {name}, which {why.detail.removeprefix(NEVER)}"
        for name, why in absent.items()
        if name not in late
    ]
    remark = f"without {' and '.join(left_out)}"
    return msgspec.structs.replace(top, remark=f"{top.remark}; {remark}" if top.remark else remark)


def _container_top(
    usage: Usage, pod: PodUsage, container: Container | None, view: NodeView, started_at: float | None
) -> Top:
    taken_at = view.clock.moment(pod.timestamp)
    top = Top(
        source=SOURCE,
        timestamp=taken_at,
        memory_bytes=usage.memory_bytes,
        cpu_nanocores=usage.cpu_nanocores,
    )
    if usage.memory_bytes is None:
        return msgspec.structs.replace(
            top, status="no-metrics", detail="the metrics API gave no memory number"
        )
    cgroup = container.cgroup if container is not None else None
    now = _now(cgroup, view.slack_bytes, view.clock)
    if now is None:
        return reconcile(top, None, window_of(taken_at, len(pod.containers), taken_at or 0), None)
    if _is_before(pod, started_at, view) and _is_of_run_before(usage, pod, cgroup):
        detail = BEFORE_RESTART.format((started_at or 0) - (pod.timestamp or 0))
        return msgspec.structs.replace(top, status="unaligned", detail=detail)
    series = view.series_of(cgroup)
    window = window_of(taken_at, len(pod.containers), now.at)
    return reconcile(top, series.extended(now.at, now.working_set_bytes) if series else None, window, now)


def _is_before(usage: PodUsage, started_at: float | None, view: NodeView) -> bool:
    """Return whether its sample was surely taken before then: its time is cut to whole seconds.

    A start that is ahead of the node's clock was stamped before that was set back, and proves nothing.
    """
    if started_at is None or usage.timestamp is None:
        return False
    return usage.timestamp + 1 <= started_at and not _is_ahead(started_at, view.at)


def _is_ahead(moment: float, now: float | None) -> bool:
    return now is not None and moment > now + AHEAD_SECONDS


def _now(cgroup: wire.Cgroup | None, slack: int, clock: NodeClock = NEVER_SET) -> Now | None:
    if cgroup is None or cgroup.current_bytes is None or cgroup.stat is None:
        return None
    inactive = cgroup.stat.get("inactive_file")
    at = cgroup.current_read_at or cgroup.read_at
    if inactive is None or at is None:
        return None
    return Now(
        at=clock.moment(at) or at,
        working_set_bytes=max(0, cgroup.current_bytes - inactive),
        slack_bytes=slack,
        current_bytes=cgroup.current_bytes,
        clock_was_set=bool(clock.jumps),
    )


def _is_of_run_before(usage: Usage, pod: PodUsage, cgroup: wire.Cgroup | None) -> bool:
    """Return whether a number is of the run before the one that was started after the pod's timestamp.

    That is the earliest container's: of several, this one's may be later, unless it is more than the cgroup
    of the present run ever held.
    """
    if len(pod.containers) == 1:
        return True
    peak = cgroup.peak_bytes or cgroup.current_bytes if cgroup is not None else None
    return peak is not None and (usage.memory_bytes or 0) > FAR_ABOVE * peak


def _absent(container: Container, view: NodeView) -> Top | None:
    """Return the reason why a container that runs has no number although its pod has one."""
    if container.state != "running":
        return None
    started_at = seconds_of(container.started_at)
    age = view.at - started_at if view.at is not None and started_at is not None else None
    if age is None or age <= YOUNG_SECONDS:
        return _none(NOT_YET)
    return _none(
        f"{NEVER}has been running for {in_words(age)} and is not listed by the metrics API: whoever feeds it"
        " does not see this container"
    )


def _working_set(container: Container) -> int | None:
    now = _now(container.cgroup, 0)
    return now.working_set_bytes if now is not None else None


def _none(detail: str) -> Top:
    return Top(source=SOURCE, status="no-metrics", detail=detail)


def _why_none(row: Pod, pod: kube.Pod, view: NodeView, metrics: Metrics) -> str:
    gap = metrics.gap(row.namespace or "")
    if gap is not None:
        return gap.detail
    apps = app_containers(row)
    if apps and all(each.state in ("waiting", "terminated") for each in apps):
        return "none of its containers runs, and metrics-server lists only what runs"
    idle = [each.name for each in app_containers(row) if _reads_zero(each)]
    if idle:
        return f"container {idle[0]} reads zero memory, so metrics-server leaves out the pod"
    return _too_young(_starts(pod), view.at) or DROPPED


def _too_young(starts: Mapping[str, float], now: float | None) -> str | None:
    if not starts or now is None:
        return None
    name, started_at = max(starts.items(), key=lambda each: each[1])
    age = max(0.0, now - started_at)
    if age > YOUNG_SECONDS or _is_ahead(started_at, now):
        return None
    return (
        f"too young: container {name} started {age:.0f} s ago, and metrics-server shows a pod once it has two"
        " samples of each container; take the snapshot again in a minute"
    )


def _starts(pod: kube.Pod) -> dict[str, float]:
    """Return when each running container was started."""
    running = [(each.spec.name, each.status.state.running) for each in described(pod) if each.status]
    starts = [(name, seconds_of(state.started_at)) for name, state in running if state is not None]
    return {name: at for name, at in starts if at is not None}


def _reads_zero(container: Container) -> bool:
    now = _now(container.cgroup, 0)
    return now is not None and now.working_set_bytes == 0
