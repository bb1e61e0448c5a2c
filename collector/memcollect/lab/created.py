"""Pods that clients create through the API: laid out, started, told, and ended again.

A kubelet for whoever creates pods in the lab's cluster: cgroups with the limits of the manifest, a pause
container, the programs, and beside them all a shim with the sandbox's id on its command line, as containerd
has it. Of a manifest are honoured containers with their commands, requests and limits of memory, and volumes
below /mnt: in memory for an emptyDir of that medium, else on the disk. There is no kubelet that probes, so a
container with a readinessProbe is ready when its program prints the line "ready", and any other at once.
"""

import shutil
import subprocess
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from memcollect.lab.container import DEFAULT_COMMAND, Container, Volumes
from memcollect.lab.errors import LabError
from memcollect.lab.layout import ContainerSpec, Layout, PlacedPod, PodSpec, QosClass
from memcollect.lab.node_state import ContainerRun, PodRun, pod_status
from memcollect.lab.processes import start_waiting
from memcollect.lab.sandboxes import FAULTS, PORT
from memcollect.sources.quantities import QuantityError, whole
from memcollect.testing import EVENTS, PODS, Cluster, ExecRefusedError, objects

STARTED_AT_ONCE = 4
"""Pods that are being started at the same time; a kubelet's runtime is about as parallel on one CPU."""
NO_SUCH_PROGRAM = "executable file not found in $PATH: unknown"


class CreatedPods:
    """The pods that clients have created. `changed` is called with all that run, whenever they are others."""

    def __init__(
        self,
        cluster: Cluster,
        layout: Layout,
        node: str,
        volumes: Volumes,
        changed: Callable[[list[Any]], None],
    ) -> None:
        self._cluster = cluster
        self._layout = layout
        self._node = node
        self._volumes = volumes
        self._changed = changed
        self._pods: dict[str, _Pod] = {}
        self._lock = threading.Lock()
        self._starting = ThreadPoolExecutor(STARTED_AT_ONCE, "starting pods")
        cluster.on_pod_created = self._created
        cluster.on_pod_deleted = self._deleted
        cluster.on_exec = self._exec
        cluster.on_dial = self._dial

    def close(self) -> None:
        """End every pod."""
        self._starting.shutdown(wait=True, cancel_futures=True)
        for uid in list(self._pods):
            self._end(uid)

    def _created(self, document: dict[str, Any]) -> None:
        """Note a pod before it is stored; it is started afterwards."""
        spec = pod_spec(document)
        document["spec"]["nodeName"] = self._node
        document["status"] = {"phase": "Pending", "qosClass": spec.qos_class}
        with self._lock:
            self._pods[spec.uid] = _Pod(spec, document)
        self._starting.submit(self._start, spec.uid)

    def _start(self, uid: str) -> None:
        pod = self._pods.get(uid)
        if pod is None or not self._is_stored(pod):
            return
        try:
            pod.start(self._layout, self._volumes)
        except (LabError, OSError) as error:
            self._tell(pod, {"phase": "Failed", "qosClass": pod.spec.qos_class, "reason": str(error)[:200]})
            return
        runs = [ContainerRun(name=each.name, started_at=time.time()) for each in pod.spec.containers]
        status = pod_status(PodRun(
            spec=pod.spec, labels={}, created_at=pod.created_at, containers=runs, node=self._node,
            images={each["name"]: each.get("image", "") for each in pod.document["spec"]["containers"]},
        ))  # fmt: skip
        self._tell(pod, {**status, "podIP": _address(uid)})

    def _is_stored(self, pod: "_Pod") -> bool:
        """Wait until the API server has stored the pod; it tells of it just before."""
        until = time.monotonic() + 5.0
        while not self._cluster.store.has(PODS, pod.spec.namespace, pod.spec.name):
            if time.monotonic() > until:
                self._pods.pop(pod.spec.uid, None)
                return False
            time.sleep(0.01)
        return True

    def _tell(self, pod: "_Pod", status: Mapping[str, Any]) -> None:
        """Tell the API server, unless the pod was deleted meanwhile."""
        with self._lock:
            if pod.spec.uid not in self._pods:
                return
            pod.document = {**pod.document, "status": status}
            for each in pod.document["spec"]["containers"]:
                message = f'Container image "{each.get("image", "")}" already present on machine'
                self._cluster.put(
                    EVENTS, objects.event(pod.document, "Pulled", message, self._cluster.timestamp())
                )
            self._cluster.put(PODS, pod.document)
            self._report()

    def _deleted(self, document: dict[str, Any]) -> None:
        self._end(document["metadata"]["uid"])

    def _end(self, uid: str) -> None:
        with self._lock:
            pod = self._pods.pop(uid, None)
            self._report()
        if pod is not None:
            pod.end(self._layout, self._volumes)

    def _report(self) -> None:
        self._changed(
            [each.document for each in self._pods.values() if "containerStatuses" in each.document["status"]]
        )

    def _exec(self, document: dict[str, Any], container: str, command: list[str]) -> list[str]:
        pod = self._pods.get(document["metadata"]["uid"])
        if pod is None or container not in pod.containers:
            raise ExecRefusedError("container not found")
        if "/" not in command[0] and shutil.which(command[0]) is None:
            raise ExecRefusedError(NO_SUCH_PROGRAM)
        try:
            return pod.containers[container].entering(command)
        except LabError as error:
            raise ExecRefusedError(str(error)) from error

    def _dial(self, namespace: str, name: str, port: int) -> tuple[str, int] | None:
        """Lead to the interface of a sandbox."""
        pods = {(each.spec.namespace, each.spec.name): each for each in list(self._pods.values())}
        pod = pods.get((namespace, name))
        if pod is None or port != PORT or "sandbox" not in pod.containers:
            return None
        try:
            return "127.0.0.1", pod.containers["sandbox"].interface(pod.faults)
        except LabError:
            return None


class _Pod:
    """One pod and what runs for it."""

    def __init__(self, spec: PodSpec, document: dict[str, Any]) -> None:
        self.spec = spec
        self.document = document
        self.created_at = time.time()
        self.containers: dict[str, Container] = {}
        self._placed: PlacedPod | None = None
        self._beside: list[subprocess.Popen[bytes]] = []
        self._lock = threading.Lock()
        self._ended = False

    @property
    def faults(self) -> frozenset[str]:
        """What is wrong with its sandbox's interface."""
        variables = [v for each in self.document["spec"]["containers"] for v in each.get("env") or ()]
        return frozenset(f for v in variables if v["name"] == FAULTS for f in v.get("value", "").split(","))

    def start(self, layout: Layout, volumes: Volumes) -> None:
        """Start all of it and wait until it is ready. Raises LabError; what was started ends with `end`."""
        with self._lock:
            if self._ended:
                return
            self._placed = layout.place(self.spec)
            shim = ("-namespace", "k8s.io", "-id", self.spec.container_id("pause"))
            self._beside = [
                start_waiting("pause", volumes.programs, cgroup=self._placed.containers["pause"]),
                start_waiting("containerd-shim-runc-v2", volumes.programs, shim),
            ]
            for manifest in self.document["spec"]["containers"]:
                table = volumes.prepare(self.document, manifest)
                container = Container(self._placed.containers[manifest["name"]], table)
                self.containers[manifest["name"]] = container
                command = manifest.get("command") or DEFAULT_COMMAND
                container.start(command, until_ready="readinessProbe" in manifest)

    def end(self, layout: Layout, volumes: Volumes) -> None:
        """Kill it and remove its cgroups and volumes."""
        with self._lock:
            self._ended = True
            if self._placed is None:
                return
            layout.remove(self._placed)
            for process in self._beside:
                process.kill()
                process.communicate()
            for container in self.containers.values():
                container.reap()
            volumes.remove(self.document)


def pod_spec(document: Mapping[str, Any]) -> PodSpec:
    """Return how the pod of a manifest is laid out."""
    metadata, containers = document["metadata"], document["spec"]["containers"]
    return PodSpec(
        name=metadata["name"],
        namespace=metadata["namespace"],
        given_uid=metadata["uid"],
        qos_class=qos_class(containers),
        containers=[ContainerSpec(name=each["name"], limits=_limits(each)) for each in containers],
    )


def _address(uid: str) -> str:
    """Return an address that leads nowhere (TEST-NET-1): all containers have this machine's network."""
    return f"192.0.2.{zlib.crc32(uid.encode()) % 253 + 1}"


def qos_class(containers: list[dict[str, Any]]) -> QosClass:
    """Return the class by the rules of pkg/apis/core/v1/helper/qos, for CPU and memory."""
    amounts = [(each.get("resources") or {}) for each in containers]
    if not any(each.get("limits") or each.get("requests") for each in amounts):
        return "BestEffort"
    guaranteed = all(
        {"cpu", "memory"} <= (each.get("limits") or {}).keys()
        and (each.get("requests") or each["limits"]) == each["limits"]
        for each in amounts
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _limits(container: Mapping[str, Any]) -> dict[str, int | str]:
    limit = ((container.get("resources") or {}).get("limits") or {}).get("memory")
    with suppress(QuantityError):
        return {"memory.max": whole(str(limit))} if limit is not None else {}
    return {}
