"""Pods that a test makes grow, shrink and go, on trees that real agents measure, in a stand-in cluster."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from memcollect.testing import NODES, POD_METRICS, PODS, objects
from memcollect_agent.measure.sample import Roots
from worlds.live_cluster import (
    LABELS,
    LONG_AGO,
    LONG_HISTORY,
    LiveCluster,
    agent_pod,
    agent_serving,
    remembering,
    timestamp,
)
from worlds.pod_tree import PodTree, container_id, uid

MIB = 1 << 20
NAMESPACE = "deer-flow"


class Node:
    """One node: a tree of its own, and pods on it by number."""

    def __init__(self, live: LiveCluster, name: str, directory: Path) -> None:
        directory.mkdir()
        self.name = name
        self.port = 0
        """Of its agent."""
        self._live = live
        self._tree = PodTree(directory)
        live.state.put(NODES, objects.node(name))

    @property
    def roots(self) -> Roots:
        """What an agent of the node reads."""
        return Roots(proc=str(self._tree.proc), cgroup=str(self._tree.cgroup), sys=str(self._tree.sys))

    def add_pod(self, number: int, size: int, *, name: str = "", top: int | None = None) -> str:
        """Add a running pod of one container and, with `top`, what metrics-server says of it."""
        name = name or f"sandbox-{number}"
        self._tree.add_pod(number, number, 1000 + number, current=size, **_stat(size))
        pod_directory = self._tree.pod(number)
        (pod_directory / "memory.max").write_text(f"{1024 * MIB}\n")
        (pod_directory / "memory.events").write_text("low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n")
        pod = objects.pod(NAMESPACE, name, node=self.name, uid=uid(number), labels=LABELS)
        pod["status"]["startTime"] = LONG_AGO
        pod["status"]["containerStatuses"][0]["containerID"] = f"containerd://{container_id(number)}"
        self._live.state.put(PODS, pod)
        if top is not None:
            self.sampled(name, top)
        return name

    def sampled(self, name: str, size: int) -> None:
        """Let metrics-server have a sample of now."""
        metrics = objects.pod_metrics(NAMESPACE, name, timestamp(), {"main": size})
        metrics["metadata"]["labels"] = LABELS
        self._live.state.put(POD_METRICS, metrics)

    def charge(self, number: int, size: int) -> None:
        """Let a pod hold so many bytes, all of them anonymous."""
        self._tree.write(self._tree.pod(number) / container_id(number), size, **_stat(size))

    def remove(self, number: int, name: str) -> None:
        """Delete a pod: its cgroup and its object."""
        self._tree.remove(self._tree.pod(number))
        self._live.state.remove(PODS, name, NAMESPACE)


def _stat(size: int) -> dict[str, int]:
    return {"anon": size, "inactive_anon": size}


class TopStage:
    """A cluster; `node` adds a node, with an agent unless told."""

    def __init__(self, directory: Path, live: LiveCluster, stack: contextlib.ExitStack) -> None:
        self.live = live
        self._directory = directory
        self._stack = stack

    def node(self, name: str = "node-1", *, agent: bool = True) -> Node:
        """Add a node."""
        node = Node(self.live, name, self._directory / name)
        if agent:
            self.live.state.put(PODS, agent_pod(name))
            port = self._stack.enter_context(agent_serving(node.roots, *LONG_HISTORY))
            self.live.reach(name, port)
            node.port = port
        return node

    def remembered(self, node: Node) -> None:
        """Return when the node's agent has remembered its pods for a second."""
        remembering(node.port)

    def options(self, *more: str) -> list[str]:
        """Return a command line of `memcollect top` that looks here."""
        return ["top", *self.live.options(), *more]


@contextlib.contextmanager
def top_stage(directory: Path) -> Iterator[TopStage]:
    """Yield a cluster without nodes."""
    with contextlib.ExitStack() as stack:
        live = stack.enter_context(LiveCluster(directory))
        yield TopStage(directory, live, stack)
