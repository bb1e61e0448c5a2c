"""A sandbox that grows between kubectl top's sample and the snapshot: what the agent's history is for."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from memcollect.commands.run import run
from memcollect.documents.files import read_snapshot
from memcollect.documents.snapshot import Pod, Snapshot
from memcollect.testing import POD_METRICS, PODS, objects
from memcollect_agent.measure.sample import Roots
from worlds.live_cluster import (
    LONG_AGO,
    LONG_HISTORY,
    LiveCluster,
    agent_pod,
    agent_serving,
    remembered_past,
    remembering,
    timestamp,
)
from worlds.pod_tree import PodTree, container_id, uid

MIB = 1 << 20
BEFORE, AFTER = 100 * MIB, 300 * MIB
NODE = "node-1"


class Growing:
    """One pod of one container on a tree that is written to, and its agent."""

    def __init__(self, live: LiveCluster, tree: PodTree, path: Path) -> None:
        self.live = live
        self._tree = tree
        self._path = path
        self.port: int | None = None
        """Of an agent that remembers."""
        tree.add_pod(1, 1, 2, current=BEFORE, anon=BEFORE)
        pod = objects.pod("deer-flow", "grows", node=NODE, uid=uid(1))
        pod["status"]["startTime"] = LONG_AGO
        pod["status"]["containerStatuses"][0]["containerID"] = f"containerd://{container_id(1)}"
        live.state.put(PODS, pod)
        live.state.put(PODS, agent_pod(NODE))

    def sampled(self, size: int) -> None:
        """Let metrics-server have a sample of now, and its second pass for the agent that remembers, too."""
        now = time.time()
        metrics = objects.pod_metrics("deer-flow", "grows", timestamp(), {"main": size})
        self.live.state.put(POD_METRICS, metrics)
        # The sample's time is cut to whole seconds, so it is of any moment of this one.
        time.sleep(1.2)
        if self.port is not None:
            remembered_past(self.port, now + 1.0)

    def grow(self) -> None:
        container = self._tree.pod(1) / container_id(1)
        self._tree.write(container, AFTER, anon=AFTER)

    def snapshot(self, code: int = 0) -> Snapshot:
        options = ["snapshot", "grows", *self.live.options(), "--format", "json", "-o", str(self._path)]
        assert run(options, "memcollect") == code
        return read_snapshot(str(self._path))


@contextlib.contextmanager
def growing(directory: Path, *options: str) -> Iterator[Growing]:
    tree = PodTree(directory)
    roots = Roots(proc=str(tree.proc), cgroup=str(tree.cgroup), sys=str(tree.sys))
    with LiveCluster(directory) as live:
        made = Growing(live, tree, directory / "f.json")
        with agent_serving(roots, *options) as port:
            live.reach(NODE, port)
            if "off" not in options:
                remembering(port)
                made.port = port
            yield made


def steps_of(pod: Pod) -> dict[str, int]:
    assert pod.ladder is not None
    assert all(step.closed for step in pod.ladder.steps if step.to_rung in {"working_set_at_sample", "top"})
    return {step.to_rung: step.gap_bytes for step in pod.ladder.steps}


def test_with_history_the_sample_agrees_with_its_own_moment_and_the_growth_is_drift(tmp_path: Path) -> None:
    with growing(tmp_path, *LONG_HISTORY) as made:
        made.sampled(BEFORE)
        made.grow()
        (pod,) = made.snapshot().pods
    assert pod.top is not None
    assert (pod.top.status, pod.top.memory_bytes) == ("drifted", BEFORE)
    assert pod.top.working_set_at_sample_bytes == BEFORE
    assert pod.top.detail.startswith("it has grown by 200 MiB since")
    assert pod.composition is not None
    assert pod.composition.working_set_bytes == AFTER
    assert steps_of(pod)["working_set_at_sample"] == BEFORE - AFTER


def test_a_number_that_was_never_so_is_not_explained_by_growth(tmp_path: Path) -> None:
    with growing(tmp_path, *LONG_HISTORY) as made:
        made.sampled(200 * MIB)
        made.grow()
        (pod,) = made.snapshot().pods
    assert pod.top is not None
    assert pod.top.status == "unexplained"
    assert "100 MiB more" in pod.top.detail


@pytest.mark.parametrize("grown", [True, False])
def test_without_history_only_what_has_not_changed_reconciles(tmp_path: Path, *, grown: bool) -> None:
    with growing(tmp_path, "--history", "off") as made:
        made.sampled(BEFORE)
        if grown:
            made.grow()
        snapshot = made.snapshot(code=3)
    (pod,) = snapshot.pods
    assert pod.top is not None
    assert pod.top.status == ("unaligned" if grown else "reconciled")
    assert pod.top.working_set_at_sample_bytes is None
    assert [(each.kind, each.name, each.node) for each in snapshot.missing] == [("request", "history", NODE)]
