"""The pods of one node: laid out as a kubelet does, and told to the API server as a kubelet tells them.

`folder` is the one that the stand-in API server follows; None where there is no API server.
"""

import time
from collections.abc import Collection, Mapping
from pathlib import Path

from memcollect.lab import cgroups
from memcollect.lab.layout import Layout, PlacedPod, PodSpec
from memcollect.lab.node_state import NODE_LIST, ContainerRun, PodRun, node_object, pod_object, write_list


class Kubelet:
    """Places pods and keeps their statuses; whoever starts and ends their programs tells it so."""

    def __init__(self, layout: Layout, node: str, folder: Path | None) -> None:
        self._layout = layout
        self._node = node
        self._folder = folder
        self._pods: dict[str, PodRun] = {}
        if folder is not None:
            write_list(folder / NODE_LIST, [node_object(node, time.time())])
            self._report()

    def place(self, spec: PodSpec, labels: Mapping[str, str], init: Collection[str] = ()) -> PlacedPod:
        """Make the pod's cgroups; `init` names its init containers. Nothing runs in it yet."""
        placed = self._layout.place(spec)
        runs = [ContainerRun(name=each.name, is_init=each.name in init) for each in spec.containers]
        self._pods[spec.uid] = PodRun(
            spec=spec, labels=dict(labels), created_at=time.time(), containers=runs, node=self._node
        )
        self._report()
        return placed

    def started(self, spec: PodSpec, container: str) -> None:
        """Note that a container runs from now on."""
        self._pods[spec.uid].container(container).started_at = time.time()
        self._report()

    def finished(self, pod: PlacedPod, container: str) -> None:
        """Note that a container, whose programs have ended, is over, and remove its cgroup."""
        cgroups.remove(pod.containers[container])
        self._pods[pod.spec.uid].container(container).finished_at = time.time()
        self._report()

    def restart(self, pod: PlacedPod, container: str) -> PlacedPod:
        """End a container and make the cgroup of its next run; nothing runs in it yet."""
        cgroups.remove(pod.containers[container])
        run = self._pods[pod.spec.uid].container(container)
        run.last_finished_at, run.last_id = (
            time.time(),
            f"containerd://{pod.spec.container_id(container)}",
        )
        run.started_at = None
        spec = pod.spec.restarted(container)
        self._pods[spec.uid].spec = spec
        self._report()
        return self._layout.place(spec)

    def remove(self, pod: PlacedPod) -> None:
        """End a pod."""
        self._layout.remove(pod)
        del self._pods[pod.spec.uid]
        self._report()

    def remove_all(self) -> None:
        """End every pod, and remove the cgroups above them."""
        self._layout.remove_all()
        self._pods.clear()
        self._report()

    def _report(self) -> None:
        if self._folder is not None:
            write_list(self._folder / "pods.json", [pod_object(each) for each in self._pods.values()])
