"""What metrics-server makes of the kubelet's numbers: the PodMetrics of metrics.k8s.io. Pure.

After its pkg/storage/pod.go: of each container the last two different points are kept; a pod is shown
only where every container has both, and no zero; its timestamp is the earliest container's last point, cut
to whole seconds; memory is that of the last points, CPU the rate between the two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from memcollect.lab.cadvisor import ROOT, Reading
from memcollect.lab.node_state import timestamp


@dataclass(frozen=True)
class ScrapedPod:
    """A pod's containers that run, each with its id by its name."""

    namespace: str
    name: str
    containers: Mapping[str, str]
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Points:
    last: Reading
    previous: Reading | None = None


class MetricsServer:
    """Remembers two points of each container; `scrape` as often as it visits the kubelet."""

    def __init__(self) -> None:
        self._points: dict[str, _Points] = {}

    def scrape(self, readings: Mapping[str, Reading]) -> None:
        """Take over the kubelet's latest reading of each container by its id; the others are forgotten."""
        points: dict[str, _Points] = {}
        for identity, reading in readings.items():
            known = self._points.get(identity)
            if known is None:
                points[identity] = _Points(reading)
            elif reading.at > known.last.at:
                points[identity] = _Points(reading, known.last)
            else:
                points[identity] = known
        self._points = points

    def pod_metrics(self, pods: Sequence[ScrapedPod]) -> list[dict[str, Any]]:
        """Return the PodMetrics of the pods that can be shown."""
        shown = (self._shown(pod) for pod in pods)
        return [each for each in shown if each is not None]

    def node_metrics(self, name: str, labels: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the NodeMetrics of the node, once it has been seen twice (pkg/storage/node.go)."""
        points = self._points.get(ROOT)
        if points is None or points.previous is None:
            return []
        previous, last = points.previous, points.last
        return [
            {
                "metadata": {
                    "name": name,
                    "creationTimestamp": timestamp(last.at),
                    "labels": dict(labels),
                },
                "timestamp": timestamp(last.at),
                "window": f"{last.at - previous.at:.3f}s",
                "usage": _usage(previous, last),
            }
        ]

    def _shown(self, pod: ScrapedPod) -> dict[str, Any] | None:
        pairs: dict[str, tuple[Reading, Reading]] = {}
        for name, identity in pod.containers.items():
            points = self._points.get(identity)
            if points is None or points.previous is None:
                return None
            if not points.last.working_set_bytes or not points.last.cpu_microseconds:
                return None
            pairs[name] = (points.previous, points.last)
        if not pairs:
            return None
        previous, last = min(pairs.values(), key=lambda pair: pair[1].at)
        return {
            "metadata": {
                "name": pod.name,
                "namespace": pod.namespace,
                "creationTimestamp": timestamp(last.at),
                "labels": dict(pod.labels),
            },
            "timestamp": timestamp(last.at),
            "window": f"{last.at - previous.at:.3f}s",
            "containers": [{"name": name, "usage": _usage(*pair)} for name, pair in sorted(pairs.items())],
        }


def _usage(previous: Reading, last: Reading) -> dict[str, str]:
    cores = (last.cpu_microseconds - previous.cpu_microseconds) * 1000 / (last.at - previous.at)
    return {"cpu": f"{round(cores)}n", "memory": f"{last.working_set_bytes // 1024}Ki"}
