"""One machine's own sample as a document, with the names that the machine itself knows. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from memcollect.documents.snapshot import Container, Pod, Snapshot, Tool, Top
from memcollect.join.astray import with_sandboxes
from memcollect.join.capture import Capture, missing_of_node
from memcollect.join.containers import outside_of
from memcollect.join.files import files_missing, with_neighbours
from memcollect.join.recognise import runtime_on_node
from memcollect.join.reconcile import combine
from memcollect.join.states import last_points_of
from memcollect_agent import wire


@dataclass(frozen=True)
class LocalNames:
    """What a node itself knows of names: pod UID -> (namespace, name), container id -> container name."""

    pods: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    containers: Mapping[str, str] = field(default_factory=dict)


def local_snapshot(
    sample: wire.NodeSample, names: LocalNames, capture: Capture, top: Mapping[str, Top] | None = None
) -> Snapshot:
    """Return the raw document of one machine's own sample; `top` is by container id, where there is any."""
    node = sample.node.name
    rows = [
        *(_local_pod(pod, node, names, top or {}, _strays(pod.uid, sample)) for pod in sample.pods),
        *_pods_of_strays(sample, node, names),
    ]
    rows = with_neighbours(rows)
    return Snapshot(
        tool=Tool(version=capture.version),
        sample=capture.label,
        captured_at=capture.captured_at,
        finished_at=capture.finished_at,
        mode="local",
        scope=capture.scope,
        nodes=[sample.node],
        pods=[_remembering(each, sample) for each in rows],
        missing=[
            *missing_of_node(sample.problems, rows, node),
            *(gap for row in rows for gap in files_missing(row)),
        ],
        notes=capture.notes,
    )


def _strays(uid: str, sample: wire.NodeSample) -> list[wire.Container]:
    return [each for each in sample.strays if each.pod_uid == uid]


def _pods_of_strays(sample: wire.NodeSample, node: str, names: LocalNames) -> list[Pod]:
    """Return a row for each pod that has no cgroup of its own, and containers that bear its UID elsewhere."""
    known = {pod.uid for pod in sample.pods}
    uids = dict.fromkeys(each.pod_uid for each in sample.strays if each.pod_uid and each.pod_uid not in known)
    rows = []
    for uid in uids:
        namespace, name = names.pods.get(uid, (None, uid))
        containers = [_stray(each, names, {}) for each in _strays(uid, sample)]
        rows.append(Pod(uid=uid, name=name, namespace=namespace, node=node, containers=containers))
    return rows


def _stray(container: wire.Container, names: LocalNames, tops: Mapping[str, Top]) -> Container:
    return msgspec.structs.replace(_local_container(container, names, tops), elsewhere=True)


def _remembering(row: Pod, sample: wire.NodeSample) -> Pod:
    return msgspec.structs.replace(row, last_points=last_points_of(sample.history, row.uid))


def _local_pod(
    pod: wire.Pod,
    node: str,
    names: LocalNames,
    tops: Mapping[str, Top],
    strays: Sequence[wire.Container] = (),
) -> Pod:
    named = names.containers.get(pod.uid) if pod.kind == "container" else None
    namespace, name = names.pods.get(pod.uid, (None, named or pod.name or pod.uid))
    pod, strays = with_sandboxes(pod, strays, names.containers)
    containers = [_local_container(each, names, tops) for each in pod.containers]
    containers += [_stray(each, names, tops) for each in strays]
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
        own_hints=pod.own_hints,
        outside=outside_of(pod),
        within=pod.within,
        twins=pod.twins,
        runtime=runtime_on_node(pod),
        containers=containers,
        files=pod.files,
        top=_pod_top(containers),
    )


def _local_container(container: wire.Container, names: LocalNames, tops: Mapping[str, Top]) -> Container:
    known = names.containers.get(container.id or "")
    nameless = container.role in {"pause", "sandbox"}
    leaf = container.cgroup.path.rsplit("/", 1)[-1]
    return Container(
        name=known or (container.role if nameless else container.id[:12] if container.id else leaf),
        id=container.id,
        role=container.role,
        cgroup=container.cgroup,
        sums=container.sums,
        processes=container.processes,
        hints=container.hints,
        top=tops.get(container.id or ""),
    )


def _pod_top(containers: list[Container]) -> Top | None:
    tops = [each.top for each in containers if each.role == "container"]
    known = [top for top in tops if top is not None and top.memory_bytes is not None]
    return combine(known) if known and len(known) == len(tops) else None
