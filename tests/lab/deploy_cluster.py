"""Runs in the guest: the suite of tests/cluster against a cluster of one node, played on a real kernel.

    python -m lab.deploy_cluster DAEMONSET PYTEST-ARGUMENT …

The API server is the stand-in. Its kubelet is played here: a pod that kubectl creates gets its cgroups and
its command runs in them; the agent runs in the cgroup of its own pod; the metrics API shows working sets.
Exit code: pytest's, or 70 where the suite left something behind.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.deploy_rights import only
from memcollect.lab.layout import ContainerSpec, Layout, PlacedPod, PodSpec
from memcollect.testing import Cluster, StandInCluster, objects
from memcollect.testing.resources import DAEMONSETS, NAMESPACES, NODES, POD_METRICS, PODS
from memcollect_agent.parse import flat_keyed
from memcollect_agent.wire import DEFAULT_PORT

NODE = "lab-node"
AGENT_NAMESPACE = "memcollect"
METRICS_SECONDS = 5.0
START_SECONDS = 30.0
FILES_PORT = DEFAULT_PORT + 100
"""Of the agent in a pod made for files: here all pods have one network."""
PAUSE = Path("/run/pause")
LEFT_BEHIND = 70
READY = Path("/dev/shm/ready")
_AS_NOBODY = "import os, signal; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
"""Before the pod's own program, and after all it imports: Python may lie where only root can read."""
Json = dict[str, Any]


class Node:
    """The one node: what a kubelet does for a pod, as far as its memory shows it."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._layout = Layout(Path("/sys/fs/cgroup"))
        self._placed: list[tuple[Json, PlacedPod]] = []
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()

    def admit(self, document: Json) -> None:
        """Start a pod that a client creates, and fill in what its kubelet would report."""
        metadata = document["metadata"]
        (container,) = document["spec"]["containers"]
        if "command" in container:
            *options, program = container["command"][1:]
            placed = self.start(document, [sys.executable, *options, _AS_NOBODY + program])
            _wait_ready()
        else:
            placed = self.start(document, _agent(container, FILES_PORT))
            backend = ("127.0.0.1", FILES_PORT)
            self._cluster.forward(metadata["namespace"], metadata["name"], DEFAULT_PORT, backend)
        document["spec"]["nodeName"] = NODE
        document["status"] = _status(document, placed)
        with self._lock:
            self._placed.append((metadata, placed))

    def start(self, document: Json, command: list[str]) -> PlacedPod:
        """Lay the pod out, run its pause container and its one command; its UID becomes the layout's."""
        metadata = document["metadata"]
        (container,) = document["spec"]["containers"]
        spec = PodSpec(
            name=metadata["name"],
            namespace=metadata["namespace"],
            containers=[ContainerSpec(name=container["name"])],
        )
        metadata["uid"] = spec.uid
        placed = self._layout.place(spec)
        _run_in(placed.containers["pause"], [str(PAUSE), "infinity"])
        self._running[metadata["name"]] = _run_in(placed.containers[container["name"]], command)
        return placed

    def forget(self, document: Json) -> None:
        """End a pod that was deleted, and report no more of it."""
        self._running.pop(document["metadata"]["name"]).kill()
        with self._lock:
            self._placed = [each for each in self._placed if each[0]["name"] != document["metadata"]["name"]]

    def report(self) -> None:
        """Let the metrics API show the working set of every pod, as of now."""
        # Held throughout: what is put there brings its namespace back.
        with self._lock:
            for metadata, pod in self._placed:
                sizes = {name: _working_set(path) for name, path in pod.containers.items() if name != "pause"}
                metrics = objects.pod_metrics(
                    metadata["namespace"], metadata["name"], self._cluster.timestamp(), sizes
                )
                self._cluster.put(POD_METRICS, metrics)


def _agent(container: Json, port: int) -> list[str]:
    """Return what runs the container of an agent's pod here, with its capabilities and no others."""
    places = {"--cgroup": "/sys/fs/cgroup", "--listen": f"127.0.0.1:{port}", "--health-listen": "off"}
    command, *options = container["args"]
    kept = [each for each in options if each.partition("=")[0] not in places]
    rights = only(",".join(container["securityContext"]["capabilities"]["add"]).lower())
    arguments = [command, *kept, *(f"{name}={value}" for name, value in places.items())]
    return ["setpriv", "--no-new-privs", rights, sys.executable, "-m", "memcollect_agent", *arguments]


def _run_in(cgroup: Path, command: list[str]) -> "subprocess.Popen[bytes]":
    """Start a command in a cgroup. By a shell: Python's own hook between fork and exec bears no threads."""
    entering = 'echo 0 > "$0/cgroup.procs" && exec "$@"'
    environment = {**os.environ, "MEMCOLLECT_NODE_NAME": NODE}
    words = ["sh", "-c", entering, str(cgroup), *command]
    return subprocess.Popen(words, stdin=subprocess.DEVNULL, env=environment)


def _wait_ready() -> None:
    deadline = time.monotonic() + START_SECONDS
    while not READY.exists():
        if time.monotonic() > deadline:
            raise TimeoutError("the pod's program did not become ready")
        time.sleep(0.05)


def _working_set(cgroup: Path) -> int:
    stat = flat_keyed.parse((cgroup / "memory.stat").read_bytes(), "memory.stat")
    return max(int((cgroup / "memory.current").read_text()) - stat["inactive_file"], 0)


def _status(document: Json, placed: PlacedPod) -> Json:
    (container,) = document["spec"]["containers"]
    made = objects.pod(
        document["metadata"]["namespace"],
        document["metadata"]["name"],
        uid=placed.spec.uid,
        containers=[container["name"]],
    )
    status: Json = made["status"] | {"qosClass": placed.spec.qos_class}
    identity = placed.spec.container_id(container["name"])
    status["containerStatuses"][0]["containerID"] = f"containerd://{identity}"
    return status


def main(daemon_set: Path, arguments: list[str]) -> int:
    """Play the cluster while the suite runs in it."""
    PAUSE.symlink_to("/bin/sleep")
    cluster = Cluster()
    node = Node(cluster)
    cluster.on_pod_created = node.admit
    cluster.on_pod_deleted = node.forget
    ready = objects.node(NODE)
    ready["status"]["nodeInfo"]["kernelVersion"] = os.uname().release
    cluster.put(NODES, ready)
    _deploy(cluster, node, json.loads(daemon_set.read_text()))
    with StandInCluster(cluster) as server, _reporting(node):
        config = server.kubeconfig(Path("/run/kubeconfig"))
        environment = {**os.environ, "KUBECONFIG": str(config), "HOME": "/run"}
        code = subprocess.run(
            [sys.executable, "-m", "pytest", *arguments], env=environment, check=False
        ).returncode
    left = [each.decoded()["metadata"]["name"] for each in cluster.store.all(NAMESPACES)]
    sys.stdout.write(f"namespaces afterwards: {sorted(left)}\n")
    return LEFT_BEHIND if any(name.startswith("memcollect-test-") for name in left) else code


def _deploy(cluster: Cluster, node: Node, daemon_set: Json) -> None:
    """Put the DaemonSet there, and its one pod, whose agent runs on this machine's own loopback."""
    cluster.put(DAEMONSETS, daemon_set)
    template = daemon_set["spec"]["template"]
    pod = {
        "metadata": {
            "name": "memcollect-agent-x",
            "namespace": AGENT_NAMESPACE,
            "labels": template["metadata"]["labels"],
        },
        "spec": {**template["spec"], "nodeName": NODE},
    }
    (container,) = template["spec"]["containers"]
    placed = node.start(pod, _agent(container, DEFAULT_PORT))
    cluster.put(PODS, {**pod, "status": _status(pod, placed)})
    cluster.forward(AGENT_NAMESPACE, "memcollect-agent-x", DEFAULT_PORT, ("127.0.0.1", DEFAULT_PORT))


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
