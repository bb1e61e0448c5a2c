"""A cluster that answers: the stand-in API server, recorded nodes, and the real agent on each of them.

The pods are the recorded ones, each node's in a namespace of its own; their metrics are the recorded
numbers with the time at which the agents have just begun to remember.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import msgspec

from memcollect.testing import NODES, POD_METRICS, PODS, Cluster, StandInCluster, objects
from memcollect_agent.measure.sample import Roots
from memcollect_agent.wire import DEFAULT_PORT, History
from worlds import children
from worlds.agent_trees import FIXTURES, recorded
from worlds.served_agents import ask
from worlds.tcp_agents import refusing_port
from worlds.waiting import wait_until

LABELS = {"app": "deer-flow-sandbox"}
AGENT_LABELS = {"app.kubernetes.io/name": "memcollect-agent"}
LONG_AGO = "2020-01-01T00:00:00Z"
NODE_7 = "node-7"
NODE_6 = "node-6"
RECORDED = {NODE_7: ("systemd-kernel-7.2", "deer-flow"), NODE_6: ("systemd-kernel-6.12", "team-b")}
"""By node: which recording it is, and the namespace of its sandboxes."""


def recorded_objects(node: str, kind: str) -> list[dict[str, Any]]:
    """Return the recorded objects of a node, in its namespace and with its name."""
    condition, namespace = RECORDED[node]
    listed = msgspec.json.decode((FIXTURES / condition / "api" / f"{kind}.json").read_bytes())["items"]
    found: list[dict[str, Any]] = [o for o in listed if o["metadata"]["namespace"] == "deer-flow"]
    for each in found:
        each["metadata"]["namespace"] = namespace
        each["metadata"]["labels"] = dict(LABELS)
    return found


def agent_pod(node: str, *, ready: bool = True) -> dict[str, Any]:
    """Return the pod of a node's agent."""
    pod = objects.pod("memcollect", f"agent-{node}", node=node, labels=AGENT_LABELS)
    pod["status"]["conditions"] = [{"type": "Ready", "status": str(ready)}]
    return pod


def timestamp(ago_seconds: float = 0) -> str:
    """Return the present, or a time so long before it, as the metrics API writes it."""
    return (datetime.now(UTC) - timedelta(seconds=ago_seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


LONG_HISTORY = ("--history-interval", "0.5", "--history-depth", "600")
"""Five minutes in many points: a command on a busy machine takes longer than the usual half minute."""


class LiveCluster:
    """`state` may be changed while it is served."""

    def __init__(self, directory: Path) -> None:
        self.state = Cluster()
        self._directory = directory
        self._server = StandInCluster(self.state)
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self._server)
        self.kubeconfig = str(self._server.kubeconfig(self._directory / "kubeconfig"))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add_node(self, node: str, port: int | None) -> None:
        """Add a recorded node with its pods, and an agent that is reached at `port`; None: no agent."""
        self.state.put(NODES, objects.node(node))
        for pod in recorded_objects(node, "pods"):
            pod["spec"]["nodeName"] = node
            pod["status"]["startTime"] = LONG_AGO
            for status in pod["status"]["containerStatuses"]:
                status["state"]["running"] = {"startedAt": LONG_AGO}
            self.state.put(PODS, pod)
        for usage in recorded_objects(node, "podmetrics"):
            usage["timestamp"] = timestamp()
            self.state.put(POD_METRICS, usage)
        if port is not None:
            self.state.put(PODS, agent_pod(node))
            self.reach(node, port)

    def reach(self, node: str, port: int) -> None:
        """Let the agent of a node be reached at `port` from now on."""
        self.state.forward("memcollect", f"agent-{node}", DEFAULT_PORT, to=("127.0.0.1", port))

    def options(self) -> list[str]:
        """Return the options that point a command here."""
        return ["--kubeconfig", self.kubeconfig]


@contextlib.contextmanager
def agent_serving(roots: Roots, *options: str) -> Iterator[int]:
    """Run `memcollect-agent serve` on a tree; yield its port."""
    with agent_child(roots, *options) as (process, port):
        yield port
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0


@contextlib.contextmanager
def agent_child(
    roots: Roots, *options: str, program: Sequence[str] = (sys.executable, "-m", "memcollect_agent")
) -> Iterator[tuple[children.Child, int]]:
    """Run it and leave its end to the test, or kill it; yield the process and its port once it listens."""
    port = refusing_port()
    trees = ["--proc", roots.proc, "--cgroup", roots.cgroup, "--sys", roots.sys]
    listen = ["--listen", f"127.0.0.1:{port}", "--health-listen", "off"]
    with children.Child([*program, "serve", *trees, *listen, *options]) as process:
        wait_until(lambda: _listens(port))
        yield process, port


def remembering(port: int) -> None:
    """Return when the agent has a point that is older than a second: a sample of now lies after it."""
    wait_until(lambda: _first_point(port) < time.time() - 1)


def remembered_past(port: int, moment: float) -> None:
    """Return when every cgroup that the agent follows has a point that is younger than `moment`."""
    wait_until(lambda: min((times[-1] for times in _points(port)), default=0.0) > moment)


def _first_point(port: int) -> float:
    return max((times[0] for times in _points(port)), default=time.time())


def _points(port: int) -> list[list[float]]:
    answer = ask(port, "/v1/history", Accept="application/json")
    return [ring.times for ring in msgspec.json.decode(answer.body, type=History).cgroups if ring.times]


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _agent_of(node: str) -> contextlib.AbstractContextManager[int]:
    return agent_serving(recorded(RECORDED[node][0]), *LONG_HISTORY)


@contextlib.contextmanager
def real_agents() -> Iterator[dict[str, int]]:
    """Run the agents of the recorded nodes; yield their ports once they remember some points."""
    with contextlib.ExitStack() as stack:
        ports = {node: stack.enter_context(_agent_of(node)) for node in RECORDED}
        for port in ports.values():
            remembering(port)
        yield ports


def environment(**more: str) -> dict[str, str]:
    """Return an environment without any cluster of the machine the test runs on."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("KUBE", "MEMCOLLECT_"))}
    return {**kept, "HOME": "/nonexistent", "COLUMNS": "120", **more}


def memcollect(
    *arguments: str, env: Mapping[str, str] | None = None, **more: Any
) -> "subprocess.CompletedProcess[str]":
    """Run the program as a user does, to its end."""
    return children.run(command_of(arguments), env=dict(env or environment()), **more)


def command_of(arguments: Sequence[str]) -> list[str]:
    """Return the program and its arguments."""
    return [sys.executable, "-m", "memcollect", *arguments]
