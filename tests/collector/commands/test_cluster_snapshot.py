"""`memcollect snapshot` of a cluster as a user runs it: real HTTP, real agents, recorded nodes."""

import subprocess
from pathlib import Path

import msgspec
import pytest

from memcollect.commands.run import run
from memcollect.documents.files import read_snapshot
from memcollect.documents.snapshot import Snapshot
from memcollect.reporters import json
from memcollect.testing import POD_METRICS, PODS, RUNTIME_CLASSES, objects
from worlds import children
from worlds.live_cluster import (
    LONG_AGO,
    NODE_6,
    NODE_7,
    LiveCluster,
    agent_pod,
    command_of,
    environment,
    memcollect,
    recorded_objects,
    timestamp,
)

BOTH = ["-n", "deer-flow", "-n", "team-b"]


def taken(live: LiveCluster, path: Path, *arguments: str, code: int = 0) -> Snapshot:
    """Return the snapshot that the command wrote, in this process."""
    options = ["snapshot", *live.options(), "--format", "json", "-o", str(path), *arguments]
    assert run(options, "memcollect") == code
    return read_snapshot(str(path))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "f.json"


def test_every_pod_with_kubectl_tops_number_the_aligned_working_set_the_ladder_and_a_verdict(
    live: LiveCluster,
) -> None:
    done = memcollect("snapshot", "--sample", "after-python", "--include-processes", *live.options())
    assert (done.returncode, done.stderr) == (0, "")
    text = done.stdout
    assert text.count("From the processes to kubectl top") == 3
    assert "87.4 MiB, sampled" in text
    assert " ".join(text.split()).count("matches our own reading") == 3
    assert "80.6 MiB of 87.4 MiB is private memory of" in text
    assert text.count("working set at sample") == 3
    assert "http.server --bind 127.0.0.1 8080" in text


def test_the_saved_snapshot_says_the_same_offline(live: LiveCluster, path: Path) -> None:
    assert memcollect("snapshot", *BOTH, *live.options(), "--format", "json", "-o", str(path)).returncode == 0
    explained = memcollect("explain", str(path), "--format", "json")
    assert (explained.returncode, explained.stderr) == (0, "")
    old, new = read_snapshot(str(path)), msgspec.json.decode(explained.stdout, type=Snapshot)
    assert [pod.verdict for pod in old.pods] == [pod.verdict for pod in new.pods]
    assert [pod.ladder for pod in old.pods] == [pod.ladder for pod in new.pods]
    assert old.pods == new.pods
    assert [pod.top.status for pod in new.pods if pod.top] == ["reconciled"] * 6


def test_the_streamed_document_is_the_one_that_is_written_whole(live: LiveCluster, path: Path) -> None:
    snapshot = taken(live, path, *BOTH)
    assert path.read_text() == json.render(snapshot)


def test_subtotals_equal_the_sums_of_the_rows(live: LiveCluster, path: Path) -> None:
    snapshot = taken(live, path, *BOTH)
    for subtotal, of in [(s, "namespace") for s in snapshot.summary.namespaces] + [
        (s, "node") for s in snapshot.summary.nodes
    ]:
        rows = [pod for pod in snapshot.pods if getattr(pod, of) == subtotal.name]
        assert subtotal.pods == subtotal.pods_measured == len(rows) == 3
        sets = [pod.composition.working_set_bytes for pod in rows if pod.composition]
        assert subtotal.working_set_bytes == sum(sets)
        assert subtotal.top_bytes == sum(pod.top.memory_bytes or 0 for pod in rows if pod.top)
    assert [each.name for each in snapshot.summary.nodes] == [NODE_6, NODE_7]
    assert all(each.memory_available_bytes for each in snapshot.summary.nodes)
    assert snapshot.summary.working_set_bytes == sum(s.working_set_bytes or 0 for s in snapshot.summary.nodes)
    assert [node.name for node in snapshot.nodes] == [NODE_6, NODE_7]


def test_a_node_without_an_agent_is_missing_and_the_others_are_measured(
    live: LiveCluster, path: Path
) -> None:
    live.state.remove(PODS, f"agent-{NODE_6}", "memcollect")
    snapshot = taken(live, path, *BOTH, code=3)
    assert {pod.node for pod in snapshot.pods if pod.cgroup} == {NODE_7}
    assert [(each.name, each.reason) for each in snapshot.missing] == [
        (f"team-b/sandbox-{letter}", "no-agent") for letter in "abc"
    ]
    shown = [pod.top for pod in snapshot.pods if pod.node == NODE_6]
    assert all(top is not None and top.status == "not-measured" and top.memory_bytes for top in shown)


def test_what_the_api_server_is_asked(live: LiveCluster, path: Path) -> None:
    """One list of pods, the metrics once, one agent's pod, one port-forward; nothing of the other node."""
    taken(live, path)
    asked = list(live.state.requests)
    # The metrics are asked while pods are listed: either may come first.
    asked[:2] = sorted(asked[:2], key=lambda entry: entry.path)
    assert [(entry.method, entry.path) for entry in asked] == [
        ("GET", "/api/v1/namespaces/deer-flow/pods"),
        ("GET", "/apis/metrics.k8s.io/v1beta1/namespaces/deer-flow/pods"),
        ("GET", "/api/v1/namespaces/memcollect/pods"),
        ("GET", f"/api/v1/namespaces/memcollect/pods/agent-{NODE_7}/portforward"),
    ]
    assert asked[0].query["labelSelector"] == ["app=deer-flow-sandbox"]
    assert asked[2].query["fieldSelector"] == [f"spec.nodeName={NODE_7}"]


def test_all_namespaces_are_one_list_and_never_a_nodes_proxy(live: LiveCluster, path: Path) -> None:
    live.state.put(RUNTIME_CLASSES, objects.runtime_class("gvisor", "runsc"))
    taken(live, path, "-A", "-l", "app=deer-flow-sandbox")
    paths = live.state.requests.paths()
    assert paths.count("/api/v1/pods") == 1
    assert paths.count("/apis/metrics.k8s.io/v1beta1/pods") == 1
    assert not [each for each in paths if "/nodes" in each or "/proxy" in each or "runtimeclasses" in each]


def test_runtime_classes_are_asked_for_only_where_a_pod_names_one(live: LiveCluster, path: Path) -> None:
    live.state.put(RUNTIME_CLASSES, objects.runtime_class("sandboxed", "runsc"))
    guest = objects.pod("deer-flow", "guest", node=NODE_7, uid="guest-uid", runtime_class="sandboxed")
    live.state.put(PODS, guest)
    snapshot = taken(live, path, "guest", code=3)
    assert snapshot.pods[0].runtime.family == "gvisor"
    assert "/apis/node.k8s.io/v1/runtimeclasses" in live.state.requests.paths()


def test_a_node_that_holds_only_finished_pods_is_not_asked(live: LiveCluster, path: Path) -> None:
    done = objects.pod("jobs", "done", node=NODE_6, uid="done-uid", phase="Succeeded")
    live.state.put(PODS, done)
    snapshot = taken(live, path, "jobs/done")
    assert [(pod.name, pod.node, bool(pod.unmeasured)) for pod in snapshot.pods] == [("done", NODE_6, True)]
    assert not [each for each in live.state.requests.paths() if "portforward" in each]


def test_pods_are_named_with_and_without_their_namespace(live: LiveCluster, path: Path) -> None:
    snapshot = taken(live, path, "sandbox-a", "team-b/sandbox-c")
    assert sorted((pod.namespace, pod.name) for pod in snapshot.pods) == [
        ("deer-flow", "sandbox-a"),
        ("team-b", "sandbox-c"),
    ]
    assert all(pod.top and pod.top.status == "reconciled" for pod in snapshot.pods)
    assert snapshot.scope.namespaces == ["deer-flow", "team-b"]
    assert snapshot.scope.names == ["sandbox-a", "team-b/sandbox-c"]
    assert "/api/v1/namespaces/team-b/pods/sandbox-a" not in live.state.requests.paths()


def test_a_name_that_no_pod_has_is_missing_beside_those_that_are_there(live: LiveCluster, path: Path) -> None:
    snapshot = taken(live, path, "sandbox-a", "team-b/nobody", code=3)
    assert [pod.name for pod in snapshot.pods] == ["sandbox-a"]
    assert [(each.name, each.reason) for each in snapshot.missing] == [("team-b/nobody", "not-found")]


def test_the_selector_is_not_the_scripts_where_pods_are_named_or_all_namespaces_asked(
    live: LiveCluster, path: Path
) -> None:
    assert taken(live, path, "sandbox-a").scope.selector is None
    assert taken(live, path, "--force", "-A", code=3).scope.selector is None
    assert taken(live, path, "--force").scope.selector == "app=deer-flow-sandbox"
    assert taken(live, path, "--force", "-l", "").scope.selector is None


def test_a_pod_of_the_same_name_that_came_after_the_sample_has_no_number_yet(
    live: LiveCluster, path: Path
) -> None:
    young = objects.pod("deer-flow", "reborn", node=NODE_7, uid="reborn-uid")
    young["status"]["startTime"] = timestamp(10)
    live.state.put(PODS, young)
    live.state.put(POD_METRICS, objects.pod_metrics("deer-flow", "reborn", timestamp(60), {"main": 1 << 30}))
    (pod,) = taken(live, path, "reborn", code=3).pods
    assert pod.top is not None
    assert (pod.top.status, pod.top.memory_bytes) == ("no-metrics", None)


def test_metrics_of_a_pod_that_is_gone_are_no_row(live: LiveCluster, path: Path) -> None:
    gone = objects.pod_metrics("deer-flow", "gone", timestamp(), {"main": 1 << 30})
    gone["metadata"]["labels"] = {"app": "deer-flow-sandbox"}
    live.state.put(POD_METRICS, gone)
    snapshot = taken(live, path)
    assert sorted(pod.name for pod in snapshot.pods) == ["sandbox-a", "sandbox-b", "sandbox-c"]
    assert snapshot.missing == []


def test_an_agent_that_is_not_ready_is_not_asked(live: LiveCluster, path: Path) -> None:
    live.state.put(PODS, agent_pod(NODE_7, ready=False))
    snapshot = taken(live, path, code=3)
    assert {each.reason for each in snapshot.missing} == {"agent-not-ready"}


def test_from_a_pipe_to_explain(live: LiveCluster) -> None:
    command = command_of(["snapshot", *live.options(), "--format", "json"])
    with children.Child(command, env=environment(), stdout=subprocess.PIPE) as snapshot:
        explained = memcollect("explain", "-", stdin=snapshot.stdout)
    assert (explained.returncode, explained.stderr) == (0, "")
    assert explained.stdout.count("kubectl top: ") >= 3


def test_a_class_that_the_node_contradicts_explains_no_number(live: LiveCluster, path: Path) -> None:
    live.state.put(RUNTIME_CLASSES, objects.runtime_class("sandboxed", "runsc"))
    (guest,) = (pod for pod in recorded_objects(NODE_7, "pods") if pod["metadata"]["name"] == "sandbox-c")
    guest["spec"] |= {"runtimeClassName": "sandboxed", "nodeName": NODE_7}
    guest["status"]["startTime"] = LONG_AGO
    live.state.put(PODS, guest)
    live.state.put(
        POD_METRICS, objects.pod_metrics("deer-flow", "sandbox-c", timestamp(), {"sandbox": 700 << 20})
    )
    (pod,) = taken(live, path, "sandbox-c").pods
    assert pod.top is not None
    assert (pod.top.status, pod.top.provider) == ("unexplained", "host-cgroup")
    assert "container" in pod.top.detail
    assert "700 MiB" in pod.verdict
