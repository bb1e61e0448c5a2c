"""Every line of docs/troubleshooting.md: the fault is made, and the sentence is what the page promises."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from memcollect.commands.run import run
from memcollect.documents.files import read_snapshot
from memcollect.testing import PODS, Fault, StreamFault
from memcollect_agent.wire import Node, NodeSample, Problem, ProcessSums, SkippedProcess
from worlds.join_builders import measured, measured_pod
from worlds.live_cluster import NODE_6, NODE_7, LiveCluster, agent_pod, recorded_objects
from worlds.tcp_agents import http_answer, listening, refusing_port
from worlds.troubleshooting_page import holds, promised

FORWARD = ".*/portforward"
METRICS = "/apis/metrics.k8s.io/"
KUBELET_DOWN = {
    "kind": "Status",
    "status": "Failure",
    "message": "error dialing backend: dial tcp 10.0.0.7:10250: connect: connection refused",
    "code": 500,
}
Make = Callable[[LiveCluster], None]
Then = Callable[[LiveCluster], NodeSample | None]
"""What happens once the agent was asked, and what it still answers."""


def scripted(fault: Fault) -> Make:
    return lambda live: live.state.fault(fault)


def ended(**status: Any) -> Then:
    """Return that the agent's pod has come to `status` when the agent breaks off."""

    def then(live: LiveCluster) -> None:
        pod = agent_pod(NODE_7)
        pod["status"] |= status
        live.state.put(PODS, pod)

    return then


def restarted(reason: str, code: int) -> Then:
    ending = {"terminated": {"reason": reason, "exitCode": code}}
    container = {"name": "agent", "restartCount": 1, "state": {"running": {}}, "lastState": ending}
    return ended(containerStatuses=[container])


def agent_deleted(live: LiveCluster) -> None:
    live.state.remove(PODS, f"agent-{NODE_7}", "memcollect")


def pod_deleted(live: LiveCluster) -> NodeSample:
    live.state.remove(PODS, "sandbox-a", "deer-flow")
    return NodeSample(sampled_at=1.0, finished_at=2.0, node=Node(name=NODE_7))


def refused(_live: LiveCluster) -> NodeSample:
    """Answer for the first pod as an agent does that may not look into its processes."""
    uid = recorded_objects(NODE_7, "pods")[0]["metadata"]["uid"]
    why = "the kernel refused smaps_rollup: give the agent the capability SYS_PTRACE"
    one = measured("a" * 64)
    skipped = [SkippedProcess(pid=7, reason="denied", detail=why)]
    one = msgspec.structs.replace(one, sums=ProcessSums(listed=1, skipped=skipped))
    problem = Problem(kind="process", name=one.cgroup.path, reason="denied", detail=why)
    return NodeSample(
        sampled_at=1.0,
        finished_at=2.0,
        node=Node(name=NODE_7),
        pods=[measured_pod(one, uid=uid)],
        problems=[problem],
    )


def not_made_yet(live: LiveCluster) -> None:
    pod = recorded_objects(NODE_7, "pods")[0]
    pod["spec"]["nodeName"] = NODE_7
    pod["metadata"] |= {"name": "young", "uid": "11111111-2222-3333-4444-555555555555"}
    pod["status"] = {"phase": "Pending"}
    live.state.put(PODS, pod)


def agent_evicted(live: LiveCluster) -> None:
    pod = agent_pod(NODE_7)
    condition = {"type": "DisruptionTarget", "status": "True", "lastTransitionTime": "2026-11-30T04:05:06Z"}
    message = "The node was low on resource: memory."
    pod["status"] |= {"phase": "Failed", "reason": "Evicted", "message": message, "conditions": [condition]}
    live.state.put(PODS, pod)


def without_metrics(live: LiveCluster) -> None:
    live.state.metrics = False


ONCE_ASKED: dict[str, Then] = {
    "the agent ran out of memory": restarted("OOMKilled", 137),
    "the agent crashed": restarted("Error", 1),
    "the agent was evicted": ended(
        phase="Failed", reason="Evicted", message="The node was low on resource: memory."
    ),
    "the agent's pod was replaced, as by a roll-out": agent_deleted,
    "the agent lacks a capability": refused,
    "a pod was deleted meanwhile": pod_deleted,
}
BEFORE: dict[str, Make] = {
    "a node's kubelet is down": scripted(
        Fault(FORWARD, times=None, status=500, body=msgspec.json.encode(KUBELET_DOWN))
    ),
    "the agent hangs": scripted(Fault(FORWARD, times=None, stream=StreamFault.HANG)),
    "another port than the agent's": lambda live: live.reach(NODE_7, refusing_port()),
    "a node has no agent": agent_deleted,
    "a node's agent was evicted before": agent_evicted,
    "metrics-server hangs or fails": scripted(Fault(METRICS, times=None, hang=True)),
    "there is no metrics-server": without_metrics,
    "a pod is not made yet": not_made_yet,
    "you may not reach the agents": scripted(Fault(FORWARD, times=None, status=403)),
}


def pod_evicted(live: LiveCluster) -> None:
    pod = recorded_objects(NODE_7, "pods")[0]
    pod["metadata"] |= {"name": "evicted", "uid": "11111111-2222-3333-4444-555555555555"}
    message = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 60Mi."
    pod["status"] = {"phase": "Failed", "reason": "Evicted", "message": message}
    live.state.put(PODS, pod)


ENDED: dict[str, Make] = {"a pod was evicted": pod_evicted}
"""What is said of a pod that asks for nothing more: nothing is missing then."""


def told(
    live: LiveCluster, path: Path, capsys: pytest.CaptureFixture[str], *, expected: int = 3
) -> list[str]:
    """Return the reasons that a snapshot of node 7's pods gives, and what is said of each pod."""
    arguments = ["-n", "deer-flow", "--request-timeout", "1", "--timeout", "3"]
    code = run(["snapshot", *live.options(), *arguments, "--format", "json", "-o", str(path)], "memcollect")
    assert code == expected, capsys.readouterr().err
    snapshot = read_snapshot(str(path))
    return [*(each.detail for each in snapshot.missing), *(pod.verdict for pod in snapshot.pods)]


def test_the_page_and_the_tests_have_the_same_lines() -> None:
    assert set(promised()) == set(ONCE_ASKED) | set(BEFORE) | set(ENDED)


@pytest.mark.parametrize("what", BEFORE)
def test_a_fault_is_told_as_the_page_says(
    what: str, live: LiveCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    BEFORE[what](live)
    said = told(live, tmp_path / "f.json", capsys)
    assert any(holds(promised()[what], each) for each in said), said
    assert not any("readyz" in each for each in said)


@pytest.mark.parametrize("what", ONCE_ASKED)
def test_what_happens_while_the_agent_answers_is_told_as_the_page_says(
    what: str, live: LiveCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def behaviour(connection: socket.socket, _body: bytes) -> None:
        answer = ONCE_ASKED[what](live)
        if answer is not None:
            connection.sendall(http_answer(msgspec.msgpack.encode(answer)))

    with listening(behaviour) as port:
        live.reach(NODE_7, port)
        said = told(live, tmp_path / "f.json", capsys)
    assert any(holds(promised()[what], each) for each in said), said


@pytest.mark.parametrize("what", ENDED)
def test_what_ended_is_told_as_the_page_says(
    what: str, live: LiveCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ENDED[what](live)
    said = told(live, tmp_path / "f.json", capsys, expected=0)
    assert any(holds(promised()[what], each) for each in said), said


def test_a_kubelet_that_is_down_is_said_of_its_node_alone(
    live: LiveCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = f".*/agent-{NODE_7}/portforward"
    live.state.fault(Fault(path, times=None, status=500, body=msgspec.json.encode(KUBELET_DOWN)))
    file = tmp_path / "f.json"
    arguments = ["-n", "deer-flow", "-n", "team-b", "--format", "json", "-o", str(file)]
    assert run(["snapshot", *live.options(), *arguments], "memcollect") == 3
    capsys.readouterr()
    snapshot = read_snapshot(str(file))
    assert {each.reason for each in snapshot.missing} == {"kubelet-down"}
    assert {each.node for each in snapshot.missing} == {NODE_7}
    assert {pod.node for pod in snapshot.pods if pod.cgroup is not None} == {NODE_6}
