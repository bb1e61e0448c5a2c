"""One UID for two pods, as after a restored backup of etcd: each is told, with its own node's numbers."""

from pathlib import Path

import pytest

from memcollect.commands.run import run
from memcollect.documents.files import read_snapshot
from memcollect.testing import NODES, PODS, objects
from worlds.live_cluster import LONG_AGO, NODE_6, NODE_7, LiveCluster, agent_pod, recorded_objects

TWIN = "node-8"


@pytest.fixture
def twins(live: LiveCluster, agents: dict[str, int]) -> LiveCluster:
    """Add a node whose pods bear the UIDs of node 7's, and whose agent measures other ones under them."""
    live.state.put(NODES, objects.node(TWIN))
    for pod in recorded_objects(NODE_7, "pods"):
        pod["metadata"]["namespace"] = "twin"
        pod["spec"]["nodeName"] = TWIN
        pod["status"]["startTime"] = LONG_AGO
        live.state.put(PODS, pod)
    live.state.put(PODS, agent_pod(TWIN))
    live.reach(TWIN, agents[NODE_7])
    return live


@pytest.mark.parametrize("where", [["-n", "deer-flow", "-n", "twin"], ["-A", "-l", "app=deer-flow-sandbox"]])
def test_pods_of_two_nodes_with_one_uid_are_both_told(
    where: list[str], twins: LiveCluster, tmp_path: Path
) -> None:
    saved = str(tmp_path / "s.json")
    assert run(["snapshot", *twins.options(), *where, "--format", "json", "-o", saved], "memcollect") == 0
    found = [(pod.node, pod.namespace, pod.name) for pod in read_snapshot(saved).pods if pod.cgroup]
    letters = "abc"
    expected = {(NODE_7, "deer-flow", f"sandbox-{each}") for each in letters}
    expected |= {(TWIN, "twin", f"sandbox-{each}") for each in letters}
    if "-A" in where:
        expected |= {(NODE_6, "team-b", f"sandbox-{each}") for each in letters}
    assert sorted(found) == sorted(expected)


def test_one_whose_agent_fails_is_missing_and_its_twin_is_kept(
    twins: LiveCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = str(tmp_path / "s.json")
    twins.state.remove(PODS, f"agent-{TWIN}", "memcollect")
    options = ["-n", "deer-flow", "-n", "twin", "--format", "json", "-o", saved]
    assert run(["snapshot", *twins.options(), *options], "memcollect") == 3
    snapshot = read_snapshot(saved)
    assert {each.name for each in snapshot.missing} == {f"twin/sandbox-{each}" for each in "abc"}
    assert {pod.namespace for pod in snapshot.pods if pod.cgroup} == {"deer-flow"}
    assert "Traceback" not in capsys.readouterr().err
