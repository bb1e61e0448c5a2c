"""Pods laid out on a node as a kubelet lays them out: cgroups, limits, names of log files.

Shapes follow the kubelet's pkg/kubelet/cm: systemd slices or plain directories; Guaranteed pods directly
below kubepods, the others below their quality-of-service class; each container a leaf named by its id.
"""

import hashlib
import uuid
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from memcollect.lab import cgroups

Driver = Literal["systemd", "cgroupfs"]
QosClass = Literal["Guaranteed", "Burstable", "BestEffort"]


class ContainerSpec(Struct, frozen=True, kw_only=True):
    """One container: its name and the memory files a runtime would write."""

    name: str
    limits: dict[str, int | str] = {}
    """e.g. {"memory.max": 1 << 30}."""
    restarts: int = 0
    """Each restart is a container of its own, with an id and a cgroup of its own."""


class PodSpec(Struct, frozen=True, kw_only=True):
    """One pod to lay out. The pause container comes by itself."""

    name: str
    namespace: str = "deer-flow"
    qos_class: QosClass = "Burstable"
    driver: Driver = "systemd"
    containers: list[ContainerSpec]
    limits: dict[str, int | str] = {}
    given_uid: str = ""
    """Of a pod that the API server has given one."""

    @property
    def uid(self) -> str:
        """The one given, else the same for the same name, so that two runs can be compared."""
        return self.given_uid or str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{self.namespace}.{self.name}"))

    def container_id(self, container: str) -> str:
        """Return 64 hexadecimal digits, as containerd gives."""
        restarts = next((each.restarts for each in self.containers if each.name == container), 0)
        run = f"/{restarts}" if restarts else ""
        return hashlib.sha256(f"{self.uid}/{container}{run}".encode()).hexdigest()

    def restarted(self, container: str) -> "PodSpec":
        """Return the pod with the next run of one container."""
        containers = [
            msgspec.structs.replace(each, restarts=each.restarts + 1) if each.name == container else each
            for each in self.containers
        ]
        return msgspec.structs.replace(self, containers=containers)


class PlacedPod(Struct, frozen=True, kw_only=True):
    """A pod that is laid out: where its cgroups are."""

    spec: PodSpec
    cgroup: Path
    containers: dict[str, Path]
    """By container name, "pause" included."""


class Layout:
    """The pods of one node below `root`: the cgroup mount itself, or a scratch cgroup of a real host.

    `logs` is the root of /var/log/pods and /var/log/containers (None: no log files), from which
    the names of pods can be read on a node.
    """

    def __init__(self, root: Path, logs: Path | None = None) -> None:
        self._root = root
        self._logs = logs

    def place(self, spec: PodSpec) -> PlacedPod:
        """Make the pod's cgroups and log files; nothing runs in it yet."""
        pod = self._root / pod_path(spec)
        names = ["pause", *(container.name for container in spec.containers)]
        leaves = {name: pod / leaf_name(spec, name) for name in names}
        for leaf in leaves.values():
            cgroups.make(leaf, self._root)
        cgroups.limit(pod, spec.limits)
        for container in spec.containers:
            # The kubelet asks for it since 1.28: the OOM killer ends the container as a whole.
            cgroups.limit(leaves[container.name], {"memory.oom.group": 1, **container.limits})
        if self._logs is not None:
            _write_logs(self._logs, spec)
        return PlacedPod(spec=spec, cgroup=pod, containers=leaves)

    def remove(self, pod: PlacedPod) -> None:
        """End its processes and remove its cgroups."""
        cgroups.remove(pod.cgroup)

    def remove_all(self) -> None:
        """Remove every pod and the levels above them."""
        for top in ("kubepods.slice", "kubepods"):
            cgroups.remove(self._root / top)


def pod_path(spec: PodSpec) -> Path:
    """Return the pod's cgroup below the root."""
    qos = "" if spec.qos_class == "Guaranteed" else spec.qos_class.lower()
    if spec.driver == "cgroupfs":
        return Path("kubepods", qos, f"pod{spec.uid}")
    parent = f"kubepods-{qos}" if qos else "kubepods"
    slices = ["kubepods.slice", f"{parent}.slice"] if qos else ["kubepods.slice"]
    # systemd reads dashes as levels of slices, so the uid's are written as underscores.
    return Path(*slices, f"{parent}-pod{spec.uid.replace('-', '_')}.slice")


def leaf_name(spec: PodSpec, container: str) -> str:
    """Return the name of a container's own cgroup."""
    identity = spec.container_id(container)
    return identity if spec.driver == "cgroupfs" else f"cri-containerd-{identity}.scope"


def _write_logs(root: Path, spec: PodSpec) -> None:
    """Make the files of pkg/kubelet/kuberuntime/legacy.go and the pod log directories."""
    links = root / "containers"
    links.mkdir(parents=True, exist_ok=True)
    for container in spec.containers:
        directory = root / "pods" / f"{spec.namespace}_{spec.name}_{spec.uid}" / container.name
        directory.mkdir(parents=True, exist_ok=True)
        log = directory / "0.log"
        log.touch()
        name = f"{spec.name}_{spec.namespace}_{container.name}-{spec.container_id(container.name)}.log"
        link = links / name
        link.unlink(missing_ok=True)
        link.symlink_to(log)
