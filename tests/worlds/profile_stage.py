"""A cluster that makes pods: each gets a cgroup in a tree that a real agent measures, and runs commands.

A pod's cgroup is a directory of files as the kernel writes them; a command that is run "in" the pod is a
real process of this machine that finds it by $CGROUP, and may make it grow.
"""

import contextlib
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from memcollect.testing import NAMESPACES, NODES, PODS, Cluster, ExecRefusedError, StandInCluster, objects
from memcollect_agent.wire import DEFAULT_PORT
from worlds import children
from worlds.agent_trees import MIB, Machine
from worlds.live_cluster import agent_pod
from worlds.tcp_agents import refusing_port
from worlds.waiting import wait_until

NODE = "node-1"
NAMESPACE = "deer-flow"
MEMINFO = "MemTotal:       16000000 kB\nMemFree:         8000000 kB\nMemAvailable:   12000000 kB\n"
GROW = (
    "import os, sys; place = os.environ['CGROUP'] + '/memory.current'; "
    "open(place + '.new', 'w').write(sys.argv[1] + chr(10)); os.replace(place + '.new', place)"
)
"""Python for a command: set what the pod is charged, whole or not at all."""
POD = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: sandbox\n    image: example/aio\n"
"""A manifest, as a template source reads it from pod.yaml."""
TEMPLATE = """[source]
kind = "template"
file = "pod.yaml"
ready_within = "60s"
"""
"""A plan's or evidence's source: pods as POD, which lies beside it as pod.yaml."""
SMALL_PLAN = f"""
name = "small"
repeats = 1
poll = "50ms"
[settle]
over = "600ms"
at_most = "60s"
{TEMPLATE}[[phases]]
name = "empty"
do = "nothing"
"""
"""A plan of one phase in pods of that manifest."""
SLOW = '[[phases]]\nname = "slow"\ndo = "exec"\ncommand = ["sleep", "60"]\n'


class Stage:
    """`ready_after` seconds a new pod is ready; None: never. `programs` are those its image has."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "machine").mkdir()
        self.machine = Machine(directory / "machine")
        self.state = Cluster()
        self.ready_after: float | None = 0.0
        self.programs = {"sh": "sh", "python3": sys.executable, "sleep": "sleep", "true": "true"}
        self.keep_cgroups = False
        self.made: list[str] = []
        self.agent: children.Child
        self._pid = 100
        self._timers: list[threading.Timer] = []
        self._closed = False
        self.state.on_pod_created = self._created
        self.state.on_pod_deleted = self._deleted
        self.state.on_exec = self._exec

    def cgroup(self, uid: str) -> Path:
        """Return the directory of a pod's cgroup."""
        return self.machine.top / "kubepods" / "besteffort" / f"pod{uid}"

    def add_pod(self, name: str, labels: dict[str, str] | None = None) -> str:
        """Add a pod that somebody else has made; return its UID."""
        pod = objects.pod(
            NAMESPACE, name, node=NODE, labels=labels, containers=("sandbox",), uid=f"uid-{name}"
        )
        self._cgroups(f"uid-{name}")
        self.state.put(PODS, pod)
        return f"uid-{name}"

    def pods(self) -> list[str]:
        """Return the names of the sandboxes that are there."""
        there = (
            pod.fields["metadata.name"] for pod in self.state.store.all(PODS) if pod.namespace == NAMESPACE
        )
        return sorted(there)

    def close(self) -> None:
        self._closed = True
        for timer in self._timers:
            timer.cancel()
            timer.join()

    def _created(self, pod: dict[str, Any]) -> None:
        uid, name = pod["metadata"]["uid"], pod["metadata"]["name"]
        self.made.append(name)
        pod["spec"]["nodeName"] = NODE
        if self.ready_after == 0:
            self._run(pod)
        elif self.ready_after is not None:
            timer = threading.Timer(self.ready_after, self._later, (pod,))
            self._timers.append(timer)
            timer.start()
        self._cgroups(uid)

    def _later(self, pod: dict[str, Any]) -> None:
        # On a busy machine it is stored after the time in which it is to be ready.
        wait_until(lambda: self._stored(pod) or self._closed)
        if not self._closed:
            self._run(pod)
            self.state.put(PODS, pod)

    def _stored(self, pod: dict[str, Any]) -> bool:
        return self.state.store.has(PODS, pod["metadata"]["namespace"], pod["metadata"]["name"])

    def _run(self, pod: dict[str, Any]) -> None:
        now = self.state.timestamp()
        kinds = ("PodScheduled", "Ready")
        pod["status"] = {
            "phase": "Running",
            "qosClass": "BestEffort",
            "startTime": now,
            "conditions": [{"type": k, "status": "True", "lastTransitionTime": now} for k in kinds],
            "containerStatuses": [
                {
                    "name": each["name"],
                    "image": each.get("image", ""),
                    "imageID": "sha256:abc",
                    "containerID": f"containerd://{_container_id(pod['metadata']['uid'])}",
                    "ready": True,
                    "restartCount": 0,
                    "state": {"running": {"startedAt": now}},
                }
                for each in pod["spec"]["containers"]
            ],
        }

    def _cgroups(self, uid: str) -> None:
        self._pid += 1
        self.machine.process(self._pid)
        top = f"/kubepods/besteffort/pod{uid}"
        self.machine.cgroup(top, current=50 * MIB, anon=50 * MIB)
        self.machine.cgroup(f"{top}/{_container_id(uid)}", (self._pid,), current=50 * MIB, anon=50 * MIB)

    def _deleted(self, pod: dict[str, Any]) -> None:
        if not self.keep_cgroups:
            shutil.rmtree(self.cgroup(pod["metadata"]["uid"]), ignore_errors=True)

    def _exec(self, pod: dict[str, Any], _container: str, command: list[str]) -> list[str]:
        program = self.programs.get(command[0])
        if program is None:
            raise ExecRefusedError("executable file not found in $PATH")
        return ["env", f"CGROUP={self.cgroup(pod['metadata']['uid'])}", program, *command[1:]]


def _container_id(uid: str) -> str:
    return uid.encode().hex().ljust(64, "0")[:64]


@contextlib.contextmanager
def staged(directory: Path) -> Iterator[tuple[Stage, list[str]]]:
    """Serve a stage with a real agent; yield it, and the options that lead a command to it."""
    stage = Stage(directory)
    stage.state.put(NODES, objects.node(NODE))
    stage.state.put(NAMESPACES, objects.namespace(NAMESPACE))
    stage.state.put(PODS, agent_pod(NODE))
    (stage.machine.base / "proc" / "meminfo").write_text(MEMINFO)
    stage.machine.cgroup("/kubepods/besteffort")
    with _agent(stage) as port, StandInCluster(stage.state) as server:
        stage.state.forward("memcollect", f"agent-{NODE}", DEFAULT_PORT, to=("127.0.0.1", port))
        try:
            yield stage, ["--kubeconfig", str(server.kubeconfig(directory / "kubeconfig"))]
        finally:
            stage.close()


@contextlib.contextmanager
def _agent(stage: Stage) -> Iterator[int]:
    port = refusing_port()
    roots = stage.machine.roots
    arguments = ["--listen", f"127.0.0.1:{port}", "--health-listen", "off", "--history-interval", "0.5"]
    arguments += ["--proc", roots.proc, "--cgroup", roots.cgroup, "--sys", roots.sys]
    with children.Child([sys.executable, "-m", "memcollect_agent", "serve", *arguments]) as process:
        stage.agent = process
        try:
            wait_until(lambda: _listens(port))
            yield port
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait() in {0, -signal.SIGKILL}


def _listens(port: int) -> bool:
    import socket  # noqa: PLC0415 # of this one function

    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        time.sleep(0.02)
        return False
    return True
