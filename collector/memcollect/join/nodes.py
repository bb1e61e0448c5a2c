"""One node's tree, the pods that the API server puts there, and kubectl top's number, as an account. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from memcollect.documents.snapshot import KnownPod, NodeAccount, Thresholds, Top
from memcollect.join.node_clock import NodeClock
from memcollect.join.reconcile import Now, reconcile, slack_bytes, window_of
from memcollect.join.series import Series
from memcollect.kubernetes.usage import NodeUsage
from memcollect_agent import pods, wire


@dataclass(frozen=True)
class NodeKnowledge:
    """What Kubernetes knows of one node; `pods` is None where they could not be listed, with the reason."""

    pods: Sequence[KnownPod] | None = None
    pods_unknown: str = ""
    asked_top: bool = True
    """Whether kubectl top's number was asked for at all."""
    usage: NodeUsage | None = None
    no_usage: str = ""
    """Why there is no number of kubectl top."""
    allocatable_bytes: int | None = None
    capacity_bytes: int | None = None
    memory_pressure: bool | None = None
    thresholds: Thresholds | None = None
    thresholds_unknown: str = ""
    """Why the kubelet's own were not read, "" where nobody tried."""
    orphan_pods: Sequence[wire.Pod] = field(default_factory=list)
    """What the agent measured of pods that the API server does not know."""


def account_of(name: str, sample: wire.NodeSample, known: NodeKnowledge) -> NodeAccount | None:
    """Return the raw account of one node; None where its agent told no tree."""
    if sample.tree is None:
        return None
    return NodeAccount(
        node=name,
        taken_at=sample.sampled_at,
        tree=sample.tree,
        known_pods=None if known.pods is None else list(known.pods),
        pods_unknown=known.pods_unknown,
        orphan_processes={pod.uid: _processes(pod) for pod in known.orphan_pods},
        allocatable_bytes=known.allocatable_bytes,
        capacity_bytes=known.capacity_bytes,
        memory_pressure=known.memory_pressure,
        thresholds=known.thresholds,
        thresholds_unknown=known.thresholds_unknown,
        top=top_of(sample, known) if known.asked_top else None,
    )


def _processes(pod: wire.Pod) -> list[wire.Process]:
    found = [process for container in pod.containers for process in container.processes]
    return sorted(found, key=lambda each: -(each.pss_bytes or each.rss_bytes or 0))


def unknown_uids(tree: wire.CgroupTree, known: Sequence[KnownPod]) -> list[str]:
    """Return the UIDs of pods that have a cgroup on the node and are not among `known`."""
    uids = {pod.uid.lower().replace("_", "-") for pod in known}
    found = [place.uid for use in tree.cgroups if (place := pods.pod_at(use.path)) is not None]
    return [uid for uid in found if uid.lower().replace("_", "-") not in uids]


def top_of(sample: wire.NodeSample, known: NodeKnowledge) -> Top:
    """Return kubectl top node's number held against the agent's own of the same moment."""
    usage = known.usage
    if usage is None or usage.memory_bytes is None:
        why = known.no_usage or "metrics-server does not show this node yet"
        return Top(source="metrics.k8s.io", status="no-metrics", detail=why)
    clock = NodeClock.of(sample)
    taken_at = clock.moment(usage.timestamp)
    top = Top(source="metrics.k8s.io", timestamp=taken_at, memory_bytes=usage.memory_bytes)
    now = _now(sample, clock)
    series = _series(sample, now, clock)
    return reconcile(top, series, window_of(taken_at, 1, sample.sampled_at), now)


def _now(sample: wire.NodeSample, clock: NodeClock) -> Now | None:
    tree = sample.tree
    if tree is None or tree.root is None or tree.root_read_at is None:
        return None
    needed = [tree.root.get(name) for name in ("anon", "file", "inactive_file")]
    if None in needed:
        return None
    anon, file, inactive = (value or 0 for value in needed)
    slack = slack_bytes(sample.node.cpus, sample.node.page_size_bytes)
    return Now(
        at=clock.moment(tree.root_read_at) or tree.root_read_at,
        working_set_bytes=max(0, anon + file - inactive),
        slack_bytes=slack,
        clock_was_set=bool(clock.jumps),
    )


def _series(sample: wire.NodeSample, now: Now | None, clock: NodeClock) -> Series | None:
    ring = sample.history.root if sample.history is not None else None
    if ring is None or not ring.times:
        return None
    series = Series.of(ring, clock)
    return series.extended(now.at, now.working_set_bytes) if now is not None else series
