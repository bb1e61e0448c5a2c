"""A cluster of one node on this kernel: pods, agent, API server, metrics; each a process of its own.

The agent is the real one, in a pod of its own. The API server is the project's test double, in
memcollect.lab.control_plane, which also runs what clients create. What feeds its metrics API is `metrics`:
readings by cAdvisor's formula at cAdvisor's moments, taken over by metrics-server's rules.

    folder/pods.json, nodes.json, daemonsets.json    written here and by Kubelet
    folder/created-pods.json                          written by memcollect.lab.control_plane
    folder/podmetrics.json                            written by memcollect.lab.metrics
    folder/settings.json                              written here: rights, the metrics API, port-forwards
    folder/readings.jsonl                             every reading, for whoever wants the truth
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from memcollect.lab import processes
from memcollect.lab.errors import LabError
from memcollect.lab.kubelet import Kubelet
from memcollect.lab.layout import ContainerSpec, Layout, PlacedPod, PodSpec
from memcollect.lab.node_state import daemon_set_object, timestamp, write_list
from memcollect.lab.places import Places
from memcollect.lab.sandboxes import API_KEY
from memcollect_agent.wire import DEFAULT_PORT

LineSink = Callable[[str], None]
NODE = "lab-node"
AGENT_NAMESPACE = "memcollect"
AGENT_LABELS = {"app.kubernetes.io/name": "memcollect-agent"}
AGENT = PodSpec(
    name="memcollect-agent-lab", namespace=AGENT_NAMESPACE, containers=[ContainerSpec(name="agent")]
)
NEEDED = ("websockets", "trustme", "waitress")
"""Libraries of the extras `testing` and `agent`."""
HISTORY_BEGINS_SECONDS = 10.0
"""The agent's history looks for new pods at every fifth of its ticks, which are 2 s apart."""
_START_SECONDS = 30.0
_LOOK_SECONDS = 0.1
_SETTLE_SECONDS = 0.5
"""Longer than the stand-in's look at its folder takes to come round."""


def absent_libraries() -> list[str]:
    """Return the libraries that a cluster needs and this environment has not."""
    return [name for name in NEEDED if find_spec(name) is None]


class LabCluster:
    """A context manager; leaving it ends every process and removes every pod."""

    def __init__(self, places: Places, pace: str = "quick") -> None:
        self._places = places
        self._cgroups = Path(places.cgroups)
        self._pace = pace
        self._folder = Path(places.cluster)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._port = _free_port()
        self.kubelet = Kubelet(Layout(self._cgroups, Path(places.logs)), NODE, self._folder)
        self._stack = ExitStack()
        self._agent: tuple[PlacedPod, subprocess.Popen[str]] | None = None
        self._metrics: subprocess.Popen[str] | None = None

    @property
    def kubeconfig(self) -> Path:
        """How to reach it."""
        return self._folder / "kubeconfig"

    @property
    def readings(self) -> Path:
        """Every look at a container, one JSON object a line (cadvisor.Reading)."""
        return self._folder / "readings.jsonl"

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _start(self) -> None:
        self._stack.callback(self.kubelet.remove_all)
        self._stack.callback(self.end_agent)
        self.change()
        places = self._places
        server = self._service(
            "memcollect.lab.control_plane",
            *(str(self._folder), places.cgroups, places.logs, places.disk, places.shm),
        )
        self.start_agent()
        self._metrics = self._service(
            "memcollect.lab.metrics", str(self._folder), str(self._cgroups), self._pace, str(self.readings)
        )
        if server.stdout is None or not server.stdout.readline():
            raise LabError("the stand-in API server did not start")

    def _service(self, module: str, *arguments: str) -> "subprocess.Popen[str]":
        process = processes.start_service([sys.executable, "-m", module, *arguments])
        self._stack.callback(processes.end_service, process)
        return process

    def change(
        self, *, metrics: bool = True, denied: Sequence[dict[str, str]] = (), forwarded: bool = True
    ) -> None:
        """Change what is there: the metrics API, rights (as testing.following has them), the agent's port."""
        forward = f"{AGENT_NAMESPACE}/{AGENT.name}:{DEFAULT_PORT}=127.0.0.1:{self._port}"
        settings = {"metrics": metrics, "denied": denied, "forwards": [forward] if forwarded else []}
        part = self._folder / "settings.part"
        part.write_bytes(msgspec.json.encode(settings))
        part.replace(self._folder / "settings.json")
        self.settle()

    def settle(self) -> None:
        """Wait until the API server has seen what was just written."""
        time.sleep(_SETTLE_SECONDS)

    def start_agent(self, *, history: str = "on") -> None:
        """Start the agent in a pod of its own and wait until it answers. Raises LabError."""
        placed = self.kubelet.place(AGENT, AGENT_LABELS)
        command = [
            *(sys.executable, "-m", "memcollect_agent", "serve", "--cgroup", str(self._cgroups)),
            *("--listen", f"127.0.0.1:{self._port}", "--health-listen", "off", "--history", history),
        ]
        environment = {"MEMCOLLECT_NODE_NAME": NODE}
        process = processes.start_service(command, placed.containers["agent"], environment)
        self._agent = placed, process
        _wait_for_port(self._port, process)
        self.kubelet.started(AGENT, "agent")
        self._write_daemon_set(ready=1)

    def kill_agent(self) -> None:
        """End the agent's program, while its pod still looks ready, as in the seconds after a crash."""
        if self._agent is not None:
            self._agent[1].kill()
            self._agent[1].wait()

    def end_agent(self) -> None:
        """End the agent and its pod, as without a DaemonSet."""
        if self._agent is not None:
            placed, process = self._agent
            self._agent = None
            processes.end_service(process)
            self.kubelet.remove(placed)
            self._write_daemon_set(ready=0)

    def _write_daemon_set(self, ready: int) -> None:
        document = daemon_set_object(AGENT_NAMESPACE, "memcollect-agent", AGENT_LABELS, ready)
        write_list(self._folder / "daemonsets.json", [document])

    def hold_metrics(self) -> None:
        """Let no further number reach the metrics API, as between two visits of metrics-server."""
        assert self._metrics is not None  # noqa: S101 -- it was started with the cluster
        self._metrics.send_signal(signal.SIGSTOP)

    def release_metrics(self) -> None:
        """Let numbers come again."""
        assert self._metrics is not None  # noqa: S101 -- as above
        self._metrics.send_signal(signal.SIGCONT)

    def metrics(self) -> dict[str, dict[str, Any]]:
        """Return the PodMetrics that are served now, by NAMESPACE/NAME."""
        try:
            items = msgspec.json.decode((self._folder / "podmetrics.json").read_bytes())["items"]
        except FileNotFoundError:
            return {}
        return {f"{each['metadata']['namespace']}/{each['metadata']['name']}": each for each in items}

    def wait_for_metrics(self, names: Sequence[str], seconds: float = 90.0) -> None:
        """Wait until the metrics API shows these pods (NAMESPACE/NAME), each as the agent remembers it.

        A number from before the agent found the pod could be held against nothing. Raises LabError.
        """
        deadline = time.monotonic() + seconds
        since = timestamp(time.time() + HISTORY_BEGINS_SECONDS)
        while absent := set(names) - self._shown(since):
            if time.monotonic() > deadline:
                raise LabError(f"the metrics API did not show {', '.join(sorted(absent))} in {seconds:.0f} s")
            time.sleep(_LOOK_SECONDS)
        self.settle()

    def _shown(self, since: str) -> set[str]:
        return {name for name, each in self.metrics().items() if each["timestamp"] > since}

    def run(
        self,
        command: Sequence[str],
        cwd: str | None = None,
        environment: dict[str, str] | None = None,
        on_error_line: LineSink | None = None,
    ) -> "subprocess.CompletedProcess[str]":
        """Run a program that finds this cluster by its kubeconfig; `memcollect` is this one.

        `on_error_line` gets what it writes to stderr as it comes; that is then not in the result.
        """
        words = [sys.executable, "-m", "memcollect", *command[1:]] if command[0] == "memcollect" else command
        own = {"KUBECONFIG": str(self.kubeconfig), "PROVISIONER_API_KEY": API_KEY, **(environment or {})}
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.Popen(  # noqa: S603 -- what the user asked for
                words, stdout=output, stderr=subprocess.PIPE, text=True, cwd=cwd, env={**os.environ, **own}
            )
            with process:
                assert process.stderr is not None  # noqa: S101 -- it was asked for
                errors = [] if on_error_line else [process.stderr.read()]
                for line in process.stderr:
                    if on_error_line:
                        on_error_line(line.rstrip("\n"))
            output.seek(0)
            return subprocess.CompletedProcess(words, process.returncode, output.read(), "".join(errors))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _wait_for_port(port: int, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise LabError(f"the agent did not start (exit code {process.poll()})") from None
            time.sleep(_LOOK_SECONDS)
        else:
            return
