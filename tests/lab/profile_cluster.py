"""A node whose pods come from the API server: a created pod gets cgroups, a volume and its program.

Of a manifest are honoured the command of its one container and one emptyDir, seen at /mnt/user-data: on the
disk, or in memory where its medium says so. A command that is run in a container enters its cgroup and
sees its volume, both before it starts.
"""

import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgspec

from memcollect.lab import processes
from memcollect.lab.cadvisor import Pace
from memcollect.lab.cluster import AGENT, AGENT_LABELS, AGENT_NAMESPACE
from memcollect.lab.layout import ContainerSpec, Layout, PlacedPod, PodSpec
from memcollect.lab.metrics import Node
from memcollect.lab.node_state import ContainerRun, PodRun, node_object, pod_object, timestamp, write_list
from memcollect.testing import NAMESPACES, NODES, POD_METRICS, PODS, Cluster, objects
from memcollect_agent.wire import DEFAULT_PORT
from tcp_agents import refusing_port
from waiting import wait_until

NAMESPACE, NODE = "deer-flow", "lab-node"
DISK, MEMORY = Path("/mnt/disk"), Path("/mnt/memory")
TARGET = "/mnt/user-data"
PACE = Pace(least=0.5, most=1.0, scrape=1.0)
"""Of kubectl top: its numbers are there a few seconds after a pod is, since no test waits for a minute."""
_ENTER = 'echo $$ > "$0/cgroup.procs" && mount --bind "$1" "$2" && shift 2 && exec "$@"'


class ProfiledNode:
    """`cluster` is whom it works for; `folder` is its own."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._cluster = cluster
        self._folder = folder
        self._layout = Layout(Path("/sys/fs/cgroup"), Path("/var/log"))
        self._placed: dict[str, PlacedPod] = {}
        self._programs: dict[str, subprocess.Popen[bytes]] = {}
        for each in (folder, DISK, MEMORY, Path(TARGET)):
            each.mkdir(parents=True, exist_ok=True)
        cluster.put(NAMESPACES, objects.namespace(NAMESPACE))
        cluster.put(NODES, node_object(NODE, time.time()))
        cluster.on_pod_created = self._created
        cluster.on_pod_deleted = self._deleted
        cluster.on_exec = self._exec

    def start_agent(self) -> "subprocess.Popen[str]":
        """Start the real agent in a pod of its own, and lead port-forwards to it."""
        port = refusing_port()
        placed = self._layout.place(AGENT)
        arguments = ["--listen", f"127.0.0.1:{port}", "--health-listen", "off", "--history-interval", "0.5"]
        command = [sys.executable, "-m", "memcollect_agent", "serve", *arguments]
        process = processes.start_service(command, placed.containers["agent"], {"MEMCOLLECT_NODE_NAME": NODE})
        wait_until(lambda: _listens(port))
        self._cluster.put(PODS, pod_object(_run_of(AGENT, AGENT_LABELS)))
        self._cluster.forward(AGENT_NAMESPACE, AGENT.name, DEFAULT_PORT, to=("127.0.0.1", port))
        return process

    def feed_metrics(self, stop: threading.Event) -> None:
        """Serve kubectl top's numbers, by cAdvisor's formula and metrics-server's rules, until `stop`."""
        write_list(self._folder / "pods.json", [])
        node = Node(self._folder, Path("/sys/fs/cgroup"), PACE)
        while not stop.wait(0.25):
            pods = [each.decoded() for each in self._cluster.store.all(PODS) if each.namespace == NAMESPACE]
            running = [each for each in pods if each["status"].get("containerStatuses")]
            write_list(self._folder / "pods.json", running)
            node.turn()
            self._serve_metrics()

    def _serve_metrics(self) -> None:
        path = self._folder / "podmetrics.json"
        shown = msgspec.json.decode(path.read_bytes())["items"] if path.exists() else []
        for each in shown:
            self._cluster.put(POD_METRICS, each)

    def _created(self, pod: dict[str, Any]) -> None:
        name = pod["metadata"]["name"]
        containers = [ContainerSpec(name=each["name"]) for each in pod["spec"]["containers"]]
        spec = PodSpec(name=name, namespace=NAMESPACE, qos_class="BestEffort", containers=containers)
        pod["metadata"]["uid"] = spec.uid
        pod["spec"]["nodeName"] = NODE
        threading.Thread(target=self._start, args=(pod, spec), daemon=True).start()

    def _start(self, pod: dict[str, Any], spec: PodSpec) -> None:
        self._placed[spec.name] = self._layout.place(spec)
        _volume(pod).mkdir()
        for each in pod["spec"]["containers"]:
            program = subprocess.Popen(  # the manifest's own
                self._exec(pod, each["name"], each["command"]), stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            self._programs[spec.name] = program
            assert program.stdout is not None
            assert program.stdout.readline() == b"ready\n"
        status = pod_object(_run_of(spec, {}))["status"]
        now = timestamp(time.time())
        kinds = ("PodScheduled", "Ready")
        status["conditions"] = [{"type": k, "status": "True", "lastTransitionTime": now} for k in kinds]
        # The API server stores it only after it has told of it.
        wait_until(lambda: self._cluster.store.has(PODS, NAMESPACE, spec.name))
        self._cluster.put(PODS, {**pod, "status": status})

    def _deleted(self, pod: dict[str, Any]) -> None:
        name = pod["metadata"]["name"]
        self._layout.remove(self._placed.pop(name))
        program = self._programs.pop(name)
        program.communicate()
        shutil.rmtree(_volume(pod))
        if self._cluster.store.has(POD_METRICS, NAMESPACE, name):
            self._cluster.remove(POD_METRICS, name, NAMESPACE)

    def _exec(self, pod: dict[str, Any], container: str, command: list[str]) -> list[str]:
        cgroup = self._placed[pod["metadata"]["name"]].containers[container]
        entered = ["sh", "-c", _ENTER, str(cgroup), str(_volume(pod)), TARGET]
        return ["unshare", "--mount", *entered, *command]


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _volume(pod: dict[str, Any]) -> Path:
    (volume,) = pod["spec"]["volumes"]
    place = MEMORY if volume["emptyDir"].get("medium") == "Memory" else DISK
    name: str = pod["metadata"]["name"]
    return place / name


def _run_of(spec: PodSpec, labels: dict[str, str]) -> PodRun:
    now = time.time()
    runs = [ContainerRun(name=each.name, started_at=now) for each in spec.containers]
    return PodRun(spec=spec, labels=labels, created_at=now, containers=runs, node=NODE)
