"""Recorded nodes rebuilt: what the API server, metrics-server, the kubelet and the kernel said in the
same seconds, as the collector's sources would hand it over.

`api/` beside each tree holds the lists as they were answered (without managedFields, volumes and image
lists), the real `kubectl top pods -A --containers`, the kubelet's own samples with their times, and when
the cgroup files were read. A tree itself has no times: they are put back here.
"""

import re
from typing import TypeVar

import msgspec

from memcollect.documents.snapshot import Missing, Pod
from memcollect.explain import explain_pod
from memcollect.join import ClusterFacts, join_node
from memcollect.kubernetes import objects as kube
from memcollect.kubernetes.usage import Metrics, PodUsage, Usage
from memcollect.sources.metrics import sampled_at
from memcollect.sources.quantities import whole
from memcollect_agent import wire
from memcollect_agent.measure.sample import sample_node
from memcollect_agent.wire import (
    Cgroup,
    CgroupHistory,
    Container,
    History,
    NodeSample,
    SampleRequest,
)
from worlds.agent_trees import FIXTURES, recorded

CONDITIONS = sorted(path.parent.name for path in FIXTURES.glob("*/api"))
_RESOURCE = re.compile(
    r'container_memory_working_set_bytes\{container="(?P<container>[^"]*)",namespace="(?P<namespace>[^"]*)",'
    r'pod="(?P<pod>[^"]*)"\} (?P<bytes>\S+) (?P<milliseconds>\d+)'
)
T = TypeVar("T")
NODE = "uml-node-1"
Key = tuple[str, str, str]
"""Namespace, pod, container."""


class RecordedNode:
    """One recording."""

    def __init__(self, condition: str) -> None:
        self.condition = condition
        self.api = FIXTURES / condition / "api"

    def pods(self) -> list[kube.Pod]:
        return self._decoded("pods.json", kube.Page[kube.Pod]).items or []

    def metrics(self) -> Metrics:
        listed = self._decoded("podmetrics.json", kube.Page[kube.PodMetrics]).items or []
        return Metrics(pods={(m.metadata.namespace, m.metadata.name): _usage(m) for m in listed})

    def kubelet_samples(self) -> dict[Key, tuple[float, int]]:
        """Return (time, working set) of each container as the kubelet's /metrics/resource gave it."""
        found = _RESOURCE.finditer((self.api / "metrics-resource.txt").read_text())
        return {
            (m["namespace"], m["pod"], m["container"]): (
                int(m["milliseconds"]) / 1000,
                int(float(m["bytes"])),
            )
            for m in found
        }

    def kubectl_top(self) -> dict[Key, str]:
        """Return what `kubectl top` printed for each container, such as "81Mi"."""
        rows = [line.split() for line in (self.api / "top-pods.txt").read_text().splitlines()[1:]]
        return {(row[0], row[1], row[2]): row[4] for row in rows}

    def next_metrics(self) -> Metrics:
        """Return what metrics-server was about to publish: the kubelet's newer samples."""
        samples = self.kubelet_samples()
        pods: dict[tuple[str, str], PodUsage] = {}
        for key in self.metrics().pods:
            own = {name: sample for (*pod, name), sample in samples.items() if tuple(pod) == key}
            pods[key] = PodUsage(
                namespace=key[0],
                name=key[1],
                timestamp=float(int(min(at for at, _ in own.values()))),
                containers=[Usage(name=name, memory_bytes=size) for name, (_, size) in own.items()],
            )
        return Metrics(pods=pods)

    def sample(self) -> NodeSample:
        """Return what an agent would have answered.

        Its history is the sample of podmetrics.json, where the time is known of which container it is.
        """
        sample = self._timed(sample_node(SampleRequest(), recorded(self.condition), node_name=NODE))
        return msgspec.structs.replace(sample, history=self._history(sample))

    def joined(self, metrics: Metrics | None = None) -> tuple[list[Pod], list[Missing]]:
        """Return the rows, explained, and what is missing."""
        facts = ClusterFacts(metrics=metrics or self.metrics())
        joined = join_node(NODE, self.pods(), self.sample(), facts)
        return [explain_pod(pod, joined.node) for pod in joined.pods], joined.missing

    def _decoded(self, name: str, kind: type[T]) -> T:
        return msgspec.json.decode((self.api / name).read_bytes(), type=kind)

    def _timed(self, sample: NodeSample) -> NodeSample:
        times = self._decoded("read-times.json", dict[str, dict[str, float]])

        def timed(cgroup: Cgroup) -> Cgroup:
            at = times[cgroup.path]
            return msgspec.structs.replace(
                cgroup, read_at=at["stat"], current_read_at=at["current"], current_again_read_at=None
            )

        pods = [
            msgspec.structs.replace(
                pod,
                cgroup=timed(pod.cgroup),
                containers=[msgspec.structs.replace(c, cgroup=timed(c.cgroup)) for c in pod.containers],
            )
            for pod in sample.pods
        ]
        ended = max(at["current"] for at in times.values())
        return msgspec.structs.replace(sample, sampled_at=ended, finished_at=ended, pods=pods)

    def _history(self, sample: NodeSample) -> History:
        measured = {c.id: (pod, c) for pod in sample.pods for c in pod.containers}
        rings = []
        for pod in self.pods():
            usage = self.metrics().pods.get((pod.metadata.namespace, pod.metadata.name))
            running = [s.runtime_id for s in pod.status.container_statuses if s.runtime_id in measured]
            if usage is not None and usage.timestamp and len(usage.containers) == len(running) == 1:
                # Cut to a whole second: it was taken before the next one.
                at, size = usage.timestamp + 1, usage.containers[0].memory_bytes or 0
                rings.append(_ring(at, size, *measured[running[0]]))
        return History(interval_seconds=15.0, depth=2, cgroups=rings)


def _usage(found: kube.PodMetrics) -> PodUsage:
    containers = [
        Usage(name=each.name, memory_bytes=whole(each.usage.memory or "")) for each in found.containers or []
    ]
    return PodUsage(
        namespace=found.metadata.namespace,
        name=found.metadata.name,
        timestamp=sampled_at(found.timestamp),
        containers=containers,
    )


def _ring(at: float, working_set: int, pod: wire.Pod, container: Container) -> CgroupHistory:
    inactive = (container.cgroup.stat or {})["inactive_file"]
    return CgroupHistory(
        path=container.cgroup.path,
        inode=container.cgroup.inode or 0,
        pod_uid=pod.uid,
        container_id=container.id,
        times=[at],
        current_bytes=[working_set + inactive],
        inactive_file_bytes=[inactive],
    )
