"""Pods and containers on one side, cgroups on the other, joined into one raw document. Pure.

The join key is the pod's UID and the container's id, never a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from memcollect.model import Container, Missing, Pod, Scope, Snapshot, Tool, Top
from memcollect_agent import wire

REMEDIES = {
    "denied": "run as root, or give the agent SYS_PTRACE",
    "budget": "raise --timeout",
    "not-found": "check that it runs on this node",
}


@dataclass(frozen=True)
class LocalNames:
    """What a node itself knows of names: pod UID -> (namespace, name), container id -> container name."""

    pods: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    containers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Capture:
    """When, by what and for whom a document was taken."""

    label: str
    captured_at: str
    finished_at: str
    version: str = ""
    scope: Scope = field(default_factory=Scope)
    notes: list[str] = field(default_factory=list)


def local_snapshot(
    sample: wire.NodeSample, names: LocalNames, capture: Capture, top: Mapping[str, Top] | None = None
) -> Snapshot:
    """Return the raw document of one machine's own sample; `top` is by container id, where there is any."""
    node = sample.node.name
    return Snapshot(
        tool=Tool(version=capture.version),
        sample=capture.label,
        captured_at=capture.captured_at,
        finished_at=capture.finished_at,
        mode="local",
        scope=capture.scope,
        nodes=[sample.node],
        pods=[_local_pod(pod, node, names, top or {}) for pod in sample.pods],
        missing=[missing_from_problem(problem, node) for problem in sample.problems],
        notes=capture.notes,
    )


def missing_from_problem(problem: wire.Problem, node: str) -> Missing:
    """Return a problem that an agent reported, as the document lists it, with the remedy in its sentence."""
    remedy = REMEDIES.get(problem.reason)
    detail = f"{problem.detail}; {remedy}" if remedy else problem.detail
    return Missing(kind=problem.kind, name=problem.name, node=node, reason=problem.reason, detail=detail)


def _local_pod(pod: wire.Pod, node: str, names: LocalNames, tops: Mapping[str, Top]) -> Pod:
    namespace, name = names.pods.get(pod.uid, (None, pod.name or pod.uid))
    containers = [_local_container(each, names, tops) for each in pod.containers]
    if not containers and pod.kind != "pod":
        containers = [Container(name=name, id=None, cgroup=pod.cgroup, sums=pod.own_sums)]
    return Pod(
        uid=pod.uid,
        name=name,
        kind=pod.kind,
        namespace=namespace,
        node=node,
        qos_class=pod.qos_class,
        driver=pod.driver,
        cgroup=pod.cgroup,
        own_sums=pod.own_sums,
        containers=containers,
        top=add_tops([each.top for each in containers if each.role == "container"]),
    )


def _local_container(container: wire.Container, names: LocalNames, tops: Mapping[str, Top]) -> Container:
    known = names.containers.get(container.id or "")
    leaf = container.cgroup.path.rsplit("/", 1)[-1]
    return Container(
        name=known or ("pause" if container.role == "pause" else (container.id or leaf)[:12]),
        id=container.id,
        role=container.role,
        cgroup=container.cgroup,
        sums=container.sums,
        processes=container.processes,
        top=tops.get(container.id or ""),
    )


def add_tops(tops: list[Top | None]) -> Top | None:
    """Return a pod's number as kubectl adds it up: None unless every app container has one.

    The timestamp is the earliest, as in metrics.k8s.io.
    """
    known = [top for top in tops if top is not None and top.memory_bytes is not None]
    if not known or len(known) != len(tops):
        return None
    aligned = [top.working_set_at_sample_bytes for top in known]
    tolerances = [top.tolerance_bytes for top in known]
    return Top(
        source=known[0].source,
        timestamp=min((top.timestamp for top in known if top.timestamp is not None), default=None),
        memory_bytes=sum(top.memory_bytes or 0 for top in known),
        provider=known[0].provider,
        working_set_at_sample_bytes=_sum_if_all(aligned),
        tolerance_bytes=_sum_if_all(tolerances),
    )


def _sum_if_all(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
