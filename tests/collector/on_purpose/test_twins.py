"""One UID for two pods, as after a restored backup of etcd: each is told, with its own node's numbers."""

import shutil
from pathlib import Path

import pytest

from memcollect.commands.run import run
from memcollect.documents.files import read_snapshot
from memcollect.testing import NODES, PODS, objects
from worlds.live_cluster import LONG_AGO, NODE_6, NODE_7, LiveCluster, agent_pod, recorded_objects
from worlds.local_tree import POD_PATH, POD_UID, make_machine

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


def test_two_pods_of_one_node_with_one_uid_are_both_told_and_counted_once(
    live: LiveCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for pod in recorded_objects(NODE_7, "pods"):
        if pod["metadata"]["name"] == "sandbox-a":
            pod["metadata"]["name"] = "sandbox-a-again"
            pod["spec"]["nodeName"] = NODE_7
            pod["status"]["startTime"] = LONG_AGO
            live.state.put(PODS, pod)
    saved = str(tmp_path / "s.json")
    words = ["-n", "deer-flow", "--format", "json", "-o", saved]
    assert run(["snapshot", *live.options(), *words], "memcollect") == 3
    assert "Traceback" not in capsys.readouterr().err
    snapshot = read_snapshot(saved)
    (gap,) = snapshot.missing
    assert (gap.name, gap.reason) == ("deer-flow/sandbox-a-again", "same-uid")
    assert "deer-flow/sandbox-a on its node has the same UID" in gap.detail
    measured = [pod.composition.working_set_bytes for pod in snapshot.pods if pod.composition is not None]
    assert len(snapshot.pods) == 4
    assert (len(measured), snapshot.summary.working_set_bytes) == (3, sum(measured))


def test_two_cgroups_of_one_uid_on_one_node_are_named_and_one_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = make_machine(tmp_path / "machine")
    real = tmp_path / "machine/cgroup" / POD_PATH
    copy = f"/kubepods/burstable/pod{POD_UID}"
    shutil.copytree(real.parent, tmp_path / "machine/cgroup" / copy.lstrip("/"))
    saved = str(tmp_path / "s.json")
    assert run([*options, "--format", "json", "-o", saved], "memcollect") == 0
    (pod,) = read_snapshot(saved).pods
    assert pod.twins == [copy]
    assert pod.cgroup is not None
    assert pod.cgroup.path.endswith(Path(POD_PATH).parent.name)
    capsys.readouterr()
    run(["explain", saved], "memcollect")
    assert "A second cgroup bears this pod's UID" in capsys.readouterr().out
