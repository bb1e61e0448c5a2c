"""Runs in the guest: the suite of tests/cluster against a cluster of one node, played on a real kernel.

    python -m lab.deploy_cluster MANIFESTS PYTEST-ARGUMENT …

The API server is the stand-in, with accounts, roles and quotas (lab.deploy_accounts). Its scheduler and its
kubelet are played here (lab.deploy_pod); the agent runs in the cgroup of its own pod; the metrics API shows
working sets; one static pod runs, of which the API server has the mirror.
Exit code: pytest's, or 70 where the suite left something behind.
"""

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cluster.pods import HOLDING, LABEL
from lab.deploy_accounts import KINDS, GuardedCluster
from lab.deploy_pod import PAUSE, Json, Place, PlayedPod
from lab.deploy_rights import only
from memcollect.lab.layout import Layout
from memcollect.testing import objects
from memcollect.testing.failures import ApiError
from memcollect.testing.resources import DAEMONSETS, NODES, POD_METRICS, PODS
from memcollect.testing.server import StandInCluster
from memcollect_agent.wire import DEFAULT_PORT

NODE = "lab-node"
AGENT_NAMESPACE = "memcollect"
AGENT_POD = "memcollect-agent-x"
METRICS_SECONDS = 5.0
START_SECONDS = 30.0
FILES_PORT = DEFAULT_PORT + 100
"""Of the agent in a pod made for files: here all pods have one network."""
LEFT_BEHIND = 70
LABELS = {"kubernetes.io/os": "linux", "kubernetes.io/hostname": NODE}


class Node:
    """The one node: its pods, and what the API server hears of them."""

    def __init__(self, cluster: GuardedCluster, image: str) -> None:
        self._cluster = cluster
        self._place = Place(Layout(Path("/sys/fs/cgroup")), NODE, image, self._tell, self._agent_command)
        self._pods: dict[str, PlayedPod] = {}
        self._lock = threading.Lock()

    def admit(self, document: Json) -> None:
        """Schedule a pod that is being created, and begin to run it once it is stored."""
        wanted = document["spec"].get("nodeSelector") or {}
        if not wanted.items() <= LABELS.items():
            message = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
            condition = {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": message,
            }
            document["status"] = {"phase": "Pending", "conditions": [condition]}
            return
        document["spec"]["nodeName"] = NODE
        if "args" in document["spec"]["containers"][0]:
            names = (document["metadata"]["namespace"], document["metadata"]["name"])
            self._cluster.forward(*names, DEFAULT_PORT, ("127.0.0.1", FILES_PORT))
        self.run(document)

    def run(self, document: Json, cgroup_uid: str = "") -> PlayedPod:
        """Begin to run a pod; a static one's cgroup is named by another UID than its mirror's."""
        pod = PlayedPod(document, self._place, cgroup_uid)
        with self._lock:
            self._pods[pod.uid] = pod
        pod.start()
        return pod

    def forget(self, document: Json) -> None:
        """End a pod that was deleted."""
        with self._lock:
            pod = self._pods.pop(document["metadata"]["uid"], None)
        if pod is not None:
            pod.end()

    def end(self) -> None:
        """End all pods that are left."""
        for uid in list(self._pods):
            self.forget({"metadata": {"uid": uid}})

    def add_ephemeral(self, namespace: str, name: str, sent: Json) -> Json:
        """Take over the ephemeral containers that a pod is sent with."""
        pod = self._of(namespace, name)
        containers = sent["spec"].get("ephemeralContainers") or []

        def change(old: Json) -> Json:
            return {**old, "spec": {**old["spec"], "ephemeralContainers": containers}}

        for each in containers:
            pod.add(each)
        return self._cluster.store.change(PODS, namespace, name, change).decoded()

    def exec(self, document: Json, container: str, command: list[str]) -> list[str]:
        """Return what runs a command in a container of a pod."""
        return self._of(document["metadata"]["namespace"], document["metadata"]["name"]).entering(
            container, command
        )

    def _of(self, namespace: str, name: str) -> PlayedPod:
        uid = self._cluster.store.get(PODS, namespace, name).decoded()["metadata"]["uid"]
        with self._lock:
            return self._pods[uid]

    def _tell(self, uid: str, status: Json) -> None:
        """Tell the API server of a pod's status, once it has stored the pod and unless it was deleted."""
        pod = self._pods.get(uid)
        until = time.monotonic() + START_SECONDS
        while pod is not None and not self._store_status(pod, status) and time.monotonic() < until:
            pod = self._pods.get(uid)
            time.sleep(0.02)

    def _store_status(self, pod: PlayedPod, status: Json) -> bool:
        names = (pod.metadata["namespace"], pod.metadata["name"])
        with suppress(ApiError):
            self._cluster.store.change(PODS, *names, lambda old: {**old, "status": status})
            return True
        return False

    def report(self) -> None:
        """Let the metrics API show the working set of every container that runs, as of now."""
        with self._lock:
            pods = list(self._pods.values())
        for pod in pods:
            with suppress(FileNotFoundError):
                sizes = pod.working_sets()
                names = (pod.metadata["namespace"], pod.metadata["name"])
                # What is put there brings its namespace back.
                if sizes and self._cluster.store.has(PODS, *names):
                    metrics = objects.pod_metrics(*names, self._cluster.timestamp(), sizes)
                    self._cluster.put(POD_METRICS, metrics)

    @staticmethod
    def _agent_command(pod: str, container: Json) -> list[str]:
        return _agent(container, DEFAULT_PORT if pod == AGENT_POD else FILES_PORT)


def _agent(container: Json, port: int) -> list[str]:
    """Return what runs the container of an agent's pod here, with its capabilities and no others."""
    places = {"--cgroup": "/sys/fs/cgroup", "--listen": f"127.0.0.1:{port}", "--health-listen": "off"}
    command, *options = container["args"]
    kept = [each for each in options if each.partition("=")[0] not in places]
    rights = only(",".join(container["securityContext"]["capabilities"]["add"]).lower())
    arguments = [command, *kept, *(f"{name}={value}" for name, value in places.items())]
    return ["setpriv", "--no-new-privs", rights, sys.executable, "-m", "memcollect_agent", *arguments]


def main(manifests: Path, arguments: list[str]) -> int:
    """Play the cluster while the suite runs in it."""
    PAUSE.symlink_to("/bin/sleep")
    documents = json.loads(manifests.read_text())
    (deployed,) = [each for each in documents if each["kind"] == "DaemonSet"]
    (container,) = deployed["spec"]["template"]["spec"]["containers"]
    cluster = GuardedCluster()
    node = Node(cluster, container["image"])
    cluster.on_pod_created = node.admit
    cluster.on_pod_deleted = node.forget
    cluster.on_exec = node.exec
    cluster.subresources[PODS, "ephemeralcontainers"] = node.add_ephemeral
    ready = objects.node(NODE)
    ready["metadata"]["labels"] = LABELS
    ready["status"]["nodeInfo"]["kernelVersion"] = os.uname().release
    cluster.put(NODES, ready)
    for each in documents:
        if each["kind"] in KINDS:
            cluster.put(KINDS[each["kind"]], each)
    _deploy(cluster, node, deployed)
    _place_static(cluster, node, container["image"])
    with StandInCluster(cluster, https=True) as server, _reporting(node):
        config = server.kubeconfig(Path("/run/kubeconfig"))
        environment = {**os.environ, "KUBECONFIG": str(config), "HOME": "/run"}
        code = subprocess.run(
            [sys.executable, "-m", "pytest", *arguments], env=environment, check=False
        ).returncode
    left = cluster.left(LABEL)
    sys.stdout.write(f"left behind: {left}\n")
    node.end()
    return LEFT_BEHIND if left else code


def _deploy(cluster: GuardedCluster, node: Node, daemon_set: Json) -> None:
    """Put the DaemonSet there, and its one pod, whose agent runs on this machine's own loopback."""
    cluster.put(DAEMONSETS, daemon_set)
    template = daemon_set["spec"]["template"]
    metadata = {
        "name": AGENT_POD,
        "namespace": AGENT_NAMESPACE,
        "uid": str(uuid.uuid4()),
        "labels": template["metadata"]["labels"],
    }
    pod = {"metadata": metadata, "spec": {**template["spec"], "nodeName": NODE}}
    cluster.put(PODS, pod)
    node.run(pod)
    cluster.forward(AGENT_NAMESPACE, AGENT_POD, DEFAULT_PORT, ("127.0.0.1", DEFAULT_PORT))


def _place_static(cluster: GuardedCluster, node: Node, image: str) -> None:
    """Run a static pod, and put its mirror there, which has a UID of its own."""
    config_hash = uuid.uuid4().hex
    prefix = "kubernetes.io/config."
    annotations = {f"{prefix}hash": config_hash, f"{prefix}mirror": config_hash, f"{prefix}source": "file"}
    metadata = {
        "name": f"scheduler-{NODE}",
        "namespace": "kube-system",
        "uid": str(uuid.uuid4()),
        "annotations": annotations,
    }
    command = ["python", "-I", "-c", f"{HOLDING}held = hold(8)\nstay()", "scheduler"]
    container = {"name": "scheduler", "image": image, "command": command}
    pod = {"metadata": metadata, "spec": {"nodeName": NODE, "containers": [container]}}
    cluster.put(PODS, pod)
    node.run(pod, config_hash)


@contextmanager
def _reporting(node: Node) -> Iterator[None]:
    done = threading.Event()

    def report() -> None:
        while not done.wait(METRICS_SECONDS):
            node.report()

    thread = threading.Thread(target=report)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
