"""`memcollect explain POD --files-pod`: a pod for one question, on the stand-in API server, gone after it."""

import copy
import shlex
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from memcollect.commands.run import run
from memcollect.documents.snapshot import Snapshot
from memcollect.taking import files_pod
from memcollect.testing import PODS, Fault, objects
from memcollect_agent.wire import DEFAULT_PORT
from worlds import children
from worlds.live_cluster import NODE_7, LiveCluster, agent_pod, command_of, environment
from worlds.tcp_agents import listening
from worlds.waiting import wait_until

Json = dict[str, Any]
OWNER = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "memcollect-agent", "uid": "uid-of-the-set"}


class Kubelet:
    """Runs each pod that is made beside the agents, as node-7's agent; `status` says otherwise."""

    def __init__(self, live: LiveCluster, port: int) -> None:
        self.live = live
        self.port = port
        self.made: list[Json] = []
        self.status: Json = {}
        self.also: Callable[[], None] = lambda: None
        live.state.on_pod_created = self._created

    def _created(self, pod: Json) -> None:
        self.made.append(copy.deepcopy(pod))
        name = pod["metadata"]["name"]
        pod["status"] = {**objects.pod("memcollect", name, containers=("agent",))["status"], **self.status}
        self.live.state.forward("memcollect", name, DEFAULT_PORT, ("127.0.0.1", self.port))
        self.also()

    def there(self) -> list[str]:
        """The pods beside the agents."""
        names = (
            each.fields["metadata.name"]
            for each in self.live.state.store.all(PODS)
            if each.namespace == "memcollect"
        )
        return sorted(name for name in names if not name.startswith("agent-"))


@pytest.fixture
def kubelet(live: LiveCluster, agents: dict[str, int]) -> Kubelet:
    agent = agent_pod(NODE_7)
    agent["metadata"]["ownerReferences"] = [{**OWNER, "controller": True, "blockOwnerDeletion": True}]
    live.state.put(PODS, agent)
    return Kubelet(live, agents[NODE_7])


def told(live: LiveCluster, capsys: pytest.CaptureFixture[str], *words: str, code: int) -> tuple[str, str]:
    assert run(["explain", "sandbox-a", *words, *live.options()], "memcollect") == code
    captured = capsys.readouterr()
    return captured.out, captured.err


def explained(out: str) -> Snapshot:
    return msgspec.json.decode(out, type=Snapshot)


def test_a_pod_is_made_on_the_node_asked_and_deleted(
    live: LiveCluster, kubelet: Kubelet, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = told(live, capsys, "--files-pod", "run", "--format", "json", code=3)
    (made,) = kubelet.made
    name = made["metadata"]["name"]
    assert (made["spec"]["nodeName"], made["metadata"]["namespace"]) == (NODE_7, "memcollect")
    assert made["spec"]["containers"][0]["image"] == "example/image"
    assert made["metadata"]["ownerReferences"] == [OWNER]
    assert f"memcollect: pod memcollect/{name} looks for the files on node {NODE_7}" in err
    assert kubelet.there() == []
    (pod,) = explained(out).pods
    # The recorded node's files are another machine's, which its agent says: but it was asked.
    assert pod.files is not None
    assert [each.detail for each in pod.files.gaps]
    assert explained(out).scope.files


def test_the_agent_tells_the_rest_with_its_history_and_is_asked_for_no_files(
    live: LiveCluster, kubelet: Kubelet, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, _ = told(live, capsys, "--format", "json", code=0)
    out, _ = told(live, capsys, "--files-pod", "run", "--format", "json", code=3)
    (before,), (after,) = explained(plain).pods, explained(out).pods
    assert (before.files, after.files is None) == (None, False)
    assert before.top is not None
    assert after.top is not None
    assert after.top.status == before.top.status
    forwarded = [path.split("/")[6] for path in live.state.requests.paths() if "/portforward" in path]
    assert set(forwarded) == {f"agent-{NODE_7}", kubelet.made[0]["metadata"]["name"]}


def test_rights_that_lack_are_said_all_at_once_and_nothing_is_made(
    live: LiveCluster, kubelet: Kubelet, capsys: pytest.CaptureFixture[str]
) -> None:
    live.state.access.deny("create", "pods", namespace="memcollect")
    live.state.access.deny("delete", "pods", namespace="memcollect")
    out, err = told(live, capsys, "--files-pod", "run", code=1)
    assert out == ""
    assert err.startswith("memcollect: A pod for the files needs rights that you do not have.")
    assert err.endswith("\n  create and delete pods in namespace memcollect\n")
    assert kubelet.made == []


def test_leftovers_that_have_ended_are_deleted_and_no_other_pod(
    live: LiveCluster, kubelet: Kubelet, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, phase, labels in (
        ("ended", "Failed", {"memcollect/files": "0000000001"}),
        ("at-work", "Running", {"memcollect/files": "0000000002"}),
        ("another", "Failed", {"app": "another"}),
    ):
        live.state.put(PODS, objects.pod("memcollect", name, labels=labels, phase=phase))
    told(live, capsys, "--files-pod", "run", code=3)
    assert kubelet.there() == ["another", "at-work"]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_while_it_is_waited_for_leaves_no_pod(
    live: LiveCluster, kubelet: Kubelet, number: signal.Signals, code: int
) -> None:
    kubelet.status = {"phase": "Pending", "conditions": []}
    words = ["explain", "sandbox-a", "--files-pod", "run", *live.options()]
    with children.Child(command_of(words), env=environment()) as process:
        wait_until(lambda: kubelet.there() != [])
        process.send_signal(number)
        assert process.wait() == code
    assert len(kubelet.made) == 1
    assert kubelet.there() == []


def test_a_pod_that_the_node_does_not_take_is_told_at_once_and_deleted(
    live: LiveCluster, kubelet: Kubelet, capsys: pytest.CaptureFixture[str]
) -> None:
    kubelet.status = {"phase": "Failed", "reason": "OutOfmemory", "message": "Node didn't have enough"}
    out, err = told(live, capsys, "--files-pod", "run", code=1)
    assert out == ""
    assert "did not run: it is Failed, OutOfmemory: Node didn't have enough." in err
    assert kubelet.there() == []


def test_a_pod_that_never_listens_is_given_up_and_deleted(
    live: LiveCluster,
    kubelet: Kubelet,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(files_pod, "LISTEN_SECONDS", 0.6)
    kubelet.also = lambda: live.state.forward_only([])
    out, err = told(live, capsys, "--files-pod", "run", code=1)
    assert out == ""
    assert "The pod for the files told nothing: Nothing listens on port 7070 of pod memcollect/" in err
    assert kubelet.there() == []


def test_a_connection_that_is_taken_and_ended_before_the_pod_listens_is_tried_again(
    live: LiveCluster, kubelet: Kubelet, capsys: pytest.CaptureFixture[str]
) -> None:
    ended: list[bytes] = []

    def end(_connection: socket.socket, body: bytes) -> None:
        ended.append(body)
        name = kubelet.made[0]["metadata"]["name"]
        live.state.forward("memcollect", name, DEFAULT_PORT, ("127.0.0.1", kubelet.port))

    with listening(end) as port:
        kubelet.also = lambda: live.state.forward(
            "memcollect", kubelet.made[0]["metadata"]["name"], DEFAULT_PORT, ("127.0.0.1", port)
        )
        out, _ = told(live, capsys, "--files-pod", "run", "--format", "json", code=3)
    assert len(ended) == 1
    assert explained(out).pods[0].files is not None
    assert kubelet.there() == []


def test_a_pod_whose_making_was_never_answered_is_deleted(
    live: LiveCluster, kubelet: Kubelet, capsys: pytest.CaptureFixture[str]
) -> None:
    pods = "/api/v1/namespaces/memcollect/pods"
    live.state.fault(Fault(path=pods, method="POST", times=None, truncate_after_bytes=10))
    told(live, capsys, "--files-pod", "run", code=1)
    assert len(kubelet.made) == 1
    assert kubelet.there() == []


def test_a_pod_that_could_not_be_deleted_is_named_with_what_deletes_it(
    live: LiveCluster, kubelet: Kubelet, capsys: pytest.CaptureFixture[str]
) -> None:
    kubelet.also = lambda: live.state.access.deny("delete", "pods", namespace="memcollect")
    out, err = told(live, capsys, "--files-pod", "run", "--format", "json", code=3)
    (name,) = kubelet.there()
    (told_of,) = [each for each in explained(out).missing if each.reason == "not-deleted"]
    assert told_of.name == f"memcollect/{name}"
    assert f"`kubectl delete pod -n memcollect {name}`" in told_of.detail
    assert "asked for and not measured" in err


def test_what_is_left_is_said_where_the_question_failed_too(
    live: LiveCluster, kubelet: Kubelet, capsys: pytest.CaptureFixture[str]
) -> None:
    kubelet.status = {"phase": "Failed"}
    kubelet.also = lambda: live.state.access.deny("delete", "pods", namespace="memcollect")
    _, err = told(live, capsys, "--files-pod", "run", code=1)
    (name,) = kubelet.there()
    assert f"`kubectl delete pod -n memcollect {name}`" in err


def test_a_pod_that_is_not_there_makes_none(
    live: LiveCluster, kubelet: Kubelet, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["explain", "sandbox-z", *live.options(), "--files-pod"]
    assert run([*words, "run"], "memcollect") == 3
    assert "sandbox-z" in capsys.readouterr().err
    assert run([*words, "print"], "memcollect") == 2
    assert "Not one pod that runs is called sandbox-z." in capsys.readouterr().err
    assert kubelet.made == []


def test_a_node_without_an_agent_has_no_image_for_it(
    live: LiveCluster, kubelet: Kubelet, capsys: pytest.CaptureFixture[str]
) -> None:
    live.state.remove(PODS, f"agent-{NODE_7}", "memcollect")
    for what in ("run", "print"):
        out, err = told(live, capsys, "--files-pod", what, code=1)
        assert out == ""
        assert f"Node {NODE_7} has no memcollect agent" in err
    assert kubelet.made == []


def test_an_agent_with_the_rights_needs_no_other_pod(
    live: LiveCluster, kubelet: Kubelet, capsys: pytest.CaptureFixture[str]
) -> None:
    agent = agent_pod(NODE_7)
    agent["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    live.state.put(PODS, agent)
    for what in ("run", "print"):
        _, err = told(live, capsys, "--files-pod", what, code=2)
        assert "may see all files itself. Use --files alone." in err
    assert kubelet.made == []


def test_what_is_printed_is_the_same_pod_and_its_comment_asks_it(
    live: LiveCluster, kubelet: Kubelet, capsys: pytest.CaptureFixture[str]
) -> None:
    printed, err = told(live, capsys, "--files-pod", "print", code=0)
    assert (kubelet.made, err) == ([], "")
    told(live, capsys, "--files-pod", "run", code=3)
    document = yaml.safe_load(printed)
    (made,) = kubelet.made
    assert _of_any(document) == _of_any(made)

    live.state.create(PODS, "memcollect", document)
    (ask,) = [line[1:].strip() for line in printed.splitlines() if line.startswith("#   memcollect ")]
    program, *words = shlex.split(ask)
    assert run([*words, *live.options(), "--format", "json"], program) == 3
    (pod,) = explained(capsys.readouterr().out).pods
    assert pod.files is not None
    forwarded = [path for path in live.state.requests.paths() if "/portforward" in path]
    assert document["metadata"]["name"] in forwarded[-1]
    assert f"#   kubectl delete pod -n memcollect {document['metadata']['name']}" in printed


def _of_any(pod: Json) -> Json:
    """Return a pod without what each has of its own, or of the API server."""
    metadata = {key: pod["metadata"][key] for key in ("ownerReferences",)}
    labels = sorted(pod["metadata"]["labels"])
    spec = {key: value for key, value in pod["spec"].items() if key != "activeDeadlineSeconds"}
    return {"metadata": metadata, "labels": labels, "spec": spec}


def test_it_has_no_effect_on_a_saved_snapshot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "saved.json"
    path.write_text("{}")
    assert run(["explain", str(path), "--files-pod", "run"], "memcollect") == 2
    assert "--files-pod has no effect on a saved snapshot" in capsys.readouterr().err
