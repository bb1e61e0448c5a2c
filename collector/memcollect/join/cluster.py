"""One node's pods, its agent's answer and the metrics API's numbers, joined. Pure.

Node by node, so that a large cluster never stands in memory twice. Every pod that was asked for comes
out as a row; what has no number is an entry of `missing` too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from memcollect import kube
from memcollect.join.capture import missing_from_problem
from memcollect.join.containers import join_containers
from memcollect.join.reconcile import Now, combine, reconcile, slack_bytes, window_of
from memcollect.join.runtimes import attribute_provider, runtime_of
from memcollect.join.series import Series
from memcollect.model import Container, Missing, Pod, Top
from memcollect.roles import app_containers
from memcollect.usage import Metrics, PodUsage, Usage
from memcollect_agent import wire

FINISHED = frozenset({"Succeeded", "Failed"})
DROPPED = (
    "metrics-server leaves a pod out whole when one of its containers reads zero CPU or memory, or has no"
    " two samples yet"
)


@dataclass(frozen=True)
class Failure:
    """Why a node has no sample: a word, and a sentence with the remedy."""

    reason: str
    detail: str


@dataclass(frozen=True)
class ClusterFacts:
    """What every node's join needs: the metrics API's answer, and handlers by RuntimeClass."""

    metrics: Metrics
    handlers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NodeJoin:
    """One node's rows, what is missing of it, and the node itself where its agent answered."""

    pods: list[Pod]
    missing: list[Missing]
    node: wire.Node | None = None


def join_node(
    name: str | None, pods: Sequence[kube.Pod], answer: wire.NodeSample | Failure, facts: ClusterFacts
) -> NodeJoin:
    """Return the rows of the pods of one node; `name` is None for the pods that are on no node yet."""
    measured = {pod.uid: pod for pod in answer.pods} if isinstance(answer, wire.NodeSample) else {}
    history = _history(answer)
    rows: list[Pod] = []
    missing: list[Missing] = []
    for pod in pods:
        found = measured.get(pod.cgroup_uid)
        row, gaps = _join_pod(pod, found, answer, facts)
        rows.append(_with_tops(row, history, answer, facts))
        missing += gaps
    if not isinstance(answer, wire.NodeSample):
        return NodeJoin(rows, missing)
    asked = {pod.cgroup_uid for pod in pods}
    missing += [missing_from_problem(p, name or "") for p in answer.problems if p.name not in asked]
    return NodeJoin(rows, missing, msgspec.structs.replace(answer.node, name=name or answer.node.name))


def _join_pod(
    pod: kube.Pod, found: wire.Pod | None, answer: wire.NodeSample | Failure, facts: ClusterFacts
) -> tuple[Pod, list[Missing]]:
    containers, missing = join_containers(pod, found.containers if found is not None else [])
    runtime_class = pod.spec.runtime_class_name
    row = Pod(
        uid=pod.metadata.uid,
        name=pod.metadata.name,
        namespace=pod.metadata.namespace,
        node=pod.spec.node_name,
        phase=pod.status.phase,
        qos_class=pod.status.qos_class,
        driver=found.driver if found is not None else None,
        runtime=runtime_of(runtime_class, facts.handlers.get(runtime_class or "")),
        labels=pod.metadata.labels,
        start_time=pod.status.start_time,
        cgroup=found.cgroup if found is not None else None,
        own_sums=found.own_sums if found is not None else None,
        containers=containers,
    )
    if found is not None:
        return row, missing
    if pod.status.phase in FINISHED:
        return msgspec.structs.replace(row, unmeasured="it has finished and holds no memory"), []
    gone = _missing(pod, answer)
    return msgspec.structs.replace(row, unmeasured=gone.detail), [gone]


def _missing(pod: kube.Pod, answer: wire.NodeSample | Failure) -> Missing:
    """Return why a pod that holds memory, or will, has no numbers."""
    reason, detail = _why(pod, answer)
    return Missing(kind="pod", name=pod.qualified_name, node=pod.spec.node_name, reason=reason, detail=detail)


def _why(pod: kube.Pod, answer: wire.NodeSample | Failure) -> tuple[str, str]:
    if pod.spec.node_name is None:
        return "pending", f"it is on no node yet: {_condition(pod, 'PodScheduled')}"
    if isinstance(answer, Failure):
        return answer.reason, answer.detail
    for problem in answer.problems:
        if problem.name == pod.cgroup_uid and problem.reason != "not-found":
            return problem.reason, problem.detail
    if pod.metadata.deletion_timestamp is not None:
        return "gone", "it was being deleted, and its cgroup is gone"
    if pod.status.phase == "Pending":
        return "pending", "its containers were not made yet; see `kubectl describe pod`"
    return (
        "gone",
        "its node has no cgroup for it: it ended after the pods were listed; take the snapshot again",
    )


def _condition(pod: kube.Pod, kind: str) -> str:
    found = next((each for each in pod.status.conditions if each.type == kind), None)
    return (found.message or found.reason or kind) if found else "the scheduler has not said why"


def _history(answer: wire.NodeSample | Failure) -> dict[int, Series]:
    """Return each cgroup's working set over time by its inode, which is what identifies a cgroup."""
    if isinstance(answer, Failure) or answer.history is None:
        return {}
    return {ring.inode: _series(ring) for ring in answer.history.cgroups}


def _series(ring: wire.CgroupHistory) -> Series:
    points = [
        (at, max(0, current - inactive))
        for at, current, inactive in zip(
            ring.times, ring.current_bytes, ring.inactive_file_bytes, strict=True
        )
        if current is not None and inactive is not None
    ]
    return Series([at for at, _ in points], [size for _, size in points])


def _with_tops(
    row: Pod, history: Mapping[int, Series], answer: wire.NodeSample | Failure, facts: ClusterFacts
) -> Pod:
    """Return the row with kubectl top's numbers reconciled, or with the reason why it has none."""
    if row.phase != "Running":
        return row
    usage = facts.metrics.pods.get((row.namespace or "", row.name))
    if usage is None or not usage.containers:
        return msgspec.structs.replace(row, top=_no_metrics(row, facts))
    by_name = {each.name: each for each in row.containers}
    slack = _slack(answer)
    tops = [_container_top(each, usage, by_name.get(each.name), history, slack) for each in usage.containers]
    tops = attribute_provider(
        tops, [by_name[u.name] for u in usage.containers if u.name in by_name], row.runtime
    )
    named = dict(zip((each.name for each in usage.containers), tops, strict=True))
    containers = [msgspec.structs.replace(each, top=named.get(each.name)) for each in row.containers]
    return msgspec.structs.replace(row, containers=containers, top=combine(tops))


def _slack(answer: wire.NodeSample | Failure) -> int:
    if isinstance(answer, Failure):
        return 0
    return slack_bytes(answer.node.cpus, answer.node.page_size_bytes)


def _container_top(
    usage: Usage, pod: PodUsage, container: Container | None, history: Mapping[int, Series], slack: int
) -> Top:
    top = Top(
        source="metrics.k8s.io",
        timestamp=pod.timestamp,
        memory_bytes=usage.memory_bytes,
        cpu_nanocores=usage.cpu_nanocores,
    )
    if usage.memory_bytes is None:
        return msgspec.structs.replace(
            top, status="no-metrics", detail="the metrics API gave no memory number"
        )
    cgroup = container.cgroup if container is not None else None
    now = _now(cgroup, slack)
    series = history.get(cgroup.inode) if cgroup is not None and cgroup.inode is not None else None
    if now is None:
        return reconcile(top, series, window_of(pod.timestamp, len(pod.containers), pod.timestamp), None)
    window = window_of(pod.timestamp, len(pod.containers), now.at)
    return reconcile(top, series.extended(now.at, now.working_set_bytes) if series else None, window, now)


def _now(cgroup: wire.Cgroup | None, slack: int) -> Now | None:
    if cgroup is None or cgroup.current_bytes is None or cgroup.stat is None:
        return None
    inactive = cgroup.stat.get("inactive_file")
    at = cgroup.current_read_at or cgroup.read_at
    if inactive is None or at is None:
        return None
    return Now(at, max(0, cgroup.current_bytes - inactive), slack)


def _no_metrics(row: Pod, facts: ClusterFacts) -> Top:
    gap = facts.metrics.gap(row.namespace or "")
    if gap is not None:
        return Top(source="metrics.k8s.io", status="no-metrics", detail=gap.detail)
    idle = [each.name for each in app_containers(row) if _reads_zero(each)]
    detail = f"container {idle[0]} reads zero memory; {DROPPED}" if idle else DROPPED
    return Top(source="metrics.k8s.io", status="no-metrics", detail=detail)


def _reads_zero(container: Container) -> bool:
    now = _now(container.cgroup, 0)
    return now is not None and now.working_set_bytes == 0
