"""One node's pods, its agent's answer and the metrics API's numbers, joined. Pure.

Node by node, so that a large cluster never stands in memory twice. Every pod that was asked for comes
out as a row; what has no number is an entry of `missing` too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import msgspec
from msgspec import Struct

from memcollect.documents.snapshot import Missing, Pod
from memcollect.join.astray import with_sandboxes
from memcollect.join.capture import missing_of_node
from memcollect.join.containers import NO_CGROUP, describe, described, join_containers, outside_of
from memcollect.join.contradicted import Alike, alike_in, with_equals
from memcollect.join.files import files_missing, with_neighbours
from memcollect.join.recognise import inside_of, runtime_of_pod
from memcollect.join.roles import app_containers
from memcollect.join.sandboxes import sandbox_rows
from memcollect.join.states import FINISHED, deletion_of, last_points_of, resize_of, short, was_refused
from memcollect.join.tops import NodeView, with_tops
from memcollect.kubernetes import objects as kube
from memcollect.kubernetes.usage import Metrics
from memcollect_agent import wire


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

    known_alike: Mapping[int, Alike] | None = None
    """Of a part of the metrics API's answer: what the whole says of its numbers."""

    @cached_property
    def alike(self) -> Mapping[int, Alike]:
        """Return which pods of the whole answer have the same number."""
        return alike_in(self.metrics) if self.known_alike is None else self.known_alike

    def narrowed(self, names: Iterable[tuple[str, str]]) -> ClusterFacts:
        """Return what concerns the pods of these namespaces and names: little, for another process."""
        known, alike = self.metrics.pods, self.alike
        usages = {name: known[name] for name in names if name in known}
        sizes = {each.memory_bytes for usage in usages.values() for each in usage.containers}
        return replace(
            self,
            metrics=msgspec.structs.replace(self.metrics, pods=usages),
            known_alike={size: alike[size] for size in sizes if size is not None and size in alike},
        )


@dataclass(frozen=True)
class NodeJoin:
    """One node's rows, what is missing of it, and the node itself where its agent answered."""

    pods: list[Pod]
    missing: list[Missing]
    node: wire.Node | None = None

    def told(self, gaps: Sequence[Missing]) -> Iterator[Pod]:
        """Yield the rows; of those that are among `gaps`, what is missing now, with the reason there."""
        why = {gap.name: gap.detail for gap in gaps if gap.kind == "pod"}
        for pod in self.pods:
            now = why.get(pod.full_name, pod.unmeasured) if why else pod.unmeasured
            yield pod if now == pod.unmeasured else msgspec.structs.replace(pod, unmeasured=now)


def join_node(
    name: str | None, pods: Sequence[kube.Pod], answer: wire.NodeSample | Failure, facts: ClusterFacts
) -> NodeJoin:
    """Return the rows of the pods of one node; `name` is None for the pods that are on no node yet."""
    measured = {pod.uid: pod for pod in answer.pods} if isinstance(answer, wire.NodeSample) else {}
    view = NodeView.of(answer) if isinstance(answer, wire.NodeSample) else NodeView()
    owners = _owners(pods, measured)
    rows: list[Pod] = []
    missing: list[Missing] = []
    for pod in pods:
        owner = owners.get(pod.cgroup_uid, pod)
        if owner is pod:
            found = Found.of(pod, measured.get(pod.cgroup_uid), strays_of(pod, answer))
            row, gaps = _join_pod(pod, found, answer, facts)
        else:
            row, gaps = _join_pod(pod, Found(None), _twin(owner), facts)
        rows.append(with_equals(with_tops(row, pod, view, facts.metrics), facts.metrics, facts.alike))
        missing += gaps
    if not isinstance(answer, wire.NodeSample):
        return NodeJoin(rows, missing)
    rows = with_neighbours([*rows, *sandbox_rows(answer, name)])
    missing += [gap for row in rows for gap in files_missing(row)]
    told = {pod.cgroup_uid for pod in pods} - set(measured)
    others = [problem for problem in answer.problems if problem.name not in told]
    missing += missing_of_node(others, rows, name or "")
    return NodeJoin(rows, missing, msgspec.structs.replace(answer.node, name=name or answer.node.name))


def _owners(pods: Sequence[kube.Pod], measured: Mapping[str, wire.Pod]) -> dict[str, kube.Pod]:
    """Return whose each cgroup is where it was found: of two pods with one UID its containers'."""
    owners: dict[str, kube.Pod] = {}
    for pod in pods:
        found = measured.get(pod.cgroup_uid)
        if found is None:
            continue
        ids = {each.id for each in found.containers}
        before = owners.get(pod.cgroup_uid)
        if before is None or (ids & set(running_ids(pod)) and not ids & set(running_ids(before))):
            owners[pod.cgroup_uid] = pod
    return owners


def _twin(owner: kube.Pod) -> Failure:
    return Failure(
        "same-uid",
        f"{owner.qualified_name} on its node has the same UID, and there is one cgroup of it, counted there",
    )


class Found(Struct, frozen=True, gc=False):
    """What a node measured of one pod."""

    pod: wire.Pod | None
    strays: Sequence[wire.Container] = ()
    """Its containers outside of its own cgroup."""

    @classmethod
    def of(cls, pod: kube.Pod, measured: wire.Pod | None, strays: Sequence[wire.Container]) -> Found:
        """Return what was measured, with what of it outside is the sandbox's and no container's."""
        if measured is None:
            return cls(measured, strays)
        return cls(*with_sandboxes(measured, strays, running_ids(pod)))

    @property
    def containers(self) -> list[wire.Container]:
        """All of them."""
        return [*(self.pod.containers if self.pod is not None else []), *self.strays]


def strays_of(pod: kube.Pod, answer: wire.NodeSample | Failure) -> list[wire.Container]:
    """Return the pod's containers that were found outside of its own cgroup, by id or by the pod's UID."""
    if isinstance(answer, Failure) or not answer.strays:
        return []
    ids = set(running_ids(pod))
    return [each for each in answer.strays if each.id in ids or each.pod_uid == pod.cgroup_uid]


def running_ids(pod: kube.Pod) -> list[str]:
    """Return the ids of the containers that the kubelet says run."""
    return [id_ for each in described(pod) if each.runs and each.status and (id_ := each.status.runtime_id)]


def _join_pod(
    pod: kube.Pod, everything: Found, answer: wire.NodeSample | Failure, facts: ClusterFacts
) -> tuple[Pod, list[Missing]]:
    found = everything.pod
    runtime = runtime_of_pod(pod, facts.handlers.get(pod.spec.runtime_class_name or ""), found)
    inside = inside_of(runtime, found)
    containers, missing = join_containers(pod, everything.containers, inside, everything.strays)
    history = answer.history if isinstance(answer, wire.NodeSample) else None
    row = Pod(
        uid=pod.metadata.uid,
        name=pod.metadata.name,
        namespace=pod.metadata.namespace,
        node=pod.spec.node_name,
        phase=pod.status.phase,
        reason=pod.status.reason,
        message=short(pod.status.message),
        resize=resize_of(pod),
        deletion=deletion_of(pod),
        limits=pod.spec.resources.limits if pod.spec.resources is not None else {},
        qos_class=pod.status.qos_class,
        driver=found.driver if found is not None else None,
        runtime=runtime,
        labels=pod.metadata.labels,
        start_time=pod.status.start_time,
        cgroup=found.cgroup if found is not None else None,
        own_sums=found.own_sums if found is not None else None,
        own_hints=found.own_hints if found is not None else [],
        outside=outside_of(found),
        within=found.within if found is not None else "",
        twins=found.twins if found is not None else [],
        owner=next((f"{o.kind}/{o.name}" for o in pod.metadata.owner_references if o.controller), None),
        containers=containers,
        last_points=last_points_of(history, pod.cgroup_uid),
        files=found.files if found is not None else None,
    )
    if found is not None or everything.strays:
        unmade = _unmade(pod, row) if not missing else []
        why = unmade[0].detail if unmade else _nothing_runs(row)
        return msgspec.structs.replace(row, unmeasured=why) if why else row, [*missing, *unmade]
    if pod.status.phase in FINISHED:
        return msgspec.structs.replace(row, unmeasured=_why_finished(row)), []
    gone = _missing(pod, answer)
    return msgspec.structs.replace(row, unmeasured=gone.detail), [gone]


def _why_finished(row: Pod) -> str:
    if was_refused(row):
        return "its node did not admit it, and none of its containers was started"
    return "it has finished and holds no memory"


def _nothing_runs(row: Pod) -> str:
    """Return that none of a measured pod's containers runs; "" where one does, or may."""
    apps = app_containers(row)
    nothing = apps and all(each.cgroup is None and each.state in ("waiting", "terminated") for each in apps)
    return "none of its containers runs" if nothing else ""


def _unmade(pod: kube.Pod, row: Pod) -> list[Missing]:
    """Return that a pod's containers were not made yet, whose cgroup its kubelet has made before them."""
    waits = pod.status.phase == "Pending" and pod.metadata.deletion_timestamp is None
    if not waits or not _nothing_runs(row):
        return []
    return [_gap_of(pod, "pending", _not_made(pod))]


def _not_made(pod: kube.Pod) -> str:
    return f"its containers were not made yet; see `{describe(pod)}`"


def _missing(pod: kube.Pod, answer: wire.NodeSample | Failure) -> Missing:
    """Return why a pod that holds memory, or will, has no numbers."""
    return _gap_of(pod, *_why(pod, answer))


def _gap_of(pod: kube.Pod, reason: str, detail: str) -> Missing:
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
        return "pending", _not_made(pod)
    return NO_CGROUP, "its node has no cgroup of its UID, nor of its containers' ids"


def _condition(pod: kube.Pod, kind: str) -> str:
    found = next((each for each in pod.status.conditions if each.type == kind), None)
    return (found.message or found.reason or kind) if found else "the scheduler has not said why"
