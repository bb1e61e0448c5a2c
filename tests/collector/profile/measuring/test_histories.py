"""Asking agents for their histories again and again, through the stand-in's port-forward."""

import contextlib
import socket
from collections.abc import Iterator

import msgspec
import pytest

from memcollect.profile.measuring.settling import Followed, Histories
from memcollect.profile.tools import Tools
from memcollect.sources.agent_pods import Deployment
from memcollect.testing import PODS, Cluster, Fault, StreamFault
from memcollect_agent.wire import DEFAULT_PORT, CgroupHistory, History, HistoryRequest
from worlds.live_cluster import agent_pod
from worlds.tcp_agents import Behaviour, http_answer, listening

AGENTS = "/api/v1/namespaces/memcollect/pods"


def ring(uid: str, size: int, *, is_pod: bool = True) -> CgroupHistory:
    return CgroupHistory(
        path=f"/{uid}/{size}",
        inode=size,
        pod_uid=uid,
        is_pod=is_pod,
        times=[1.0],
        current_bytes=[size],
        inactive_file_bytes=[0],
    )


def remembering(asked: list[list[str] | None], interval: float) -> Behaviour:
    """Answer as an agent does that has a point of each pod it is asked for; note which those were."""

    def answer(connection: socket.socket, body: bytes) -> None:
        uids = msgspec.msgpack.decode(body, type=HistoryRequest).pod_uids
        asked.append(uids)
        rings = [ring(uid, size, is_pod=size == 7) for uid in uids or [] for size in (7, 9)]
        history = History(interval_seconds=interval, depth=1, cgroups=rings)
        connection.sendall(http_answer(msgspec.msgpack.encode(history)))

    return answer


class Agents:
    """The agents of two nodes; `asked` are the pods each was asked for."""

    def __init__(self, state: Cluster, ports: list[int], asked: list[list[list[str] | None]]) -> None:
        self.asked = asked
        for number, port in enumerate(ports, 1):
            state.put(PODS, agent_pod(f"node-{number}"))
            state.forward("memcollect", f"agent-node-{number}", DEFAULT_PORT, to=("127.0.0.1", port))


@pytest.fixture
def agents(state: Cluster) -> Iterator[Agents]:
    asked: list[list[list[str] | None]] = [[], []]
    with contextlib.ExitStack() as stack:
        ports = [
            stack.enter_context(listening(remembering(asked[n], interval)))
            for n, interval in enumerate((10.0, 5.0))
        ]
        yield Agents(state, ports, asked)


@pytest.fixture
def histories(tools: Tools) -> Histories:
    return Histories(tools, Deployment())


def looked_for(state: Cluster) -> int:
    return state.requests.paths().count(AGENTS)


def test_each_agent_is_asked_for_the_pods_of_its_node_alone(agents: Agents, histories: Histories) -> None:
    series, reason = histories.of(
        {"a": Followed("ns/a", "node-1"), "b": Followed("ns/b", "node-2"), "c": Followed("ns/c", "node-1")}
    )
    assert agents.asked == [[["a", "c"]], [["b"]]]
    assert {uid: list(each.working_set_bytes) for uid, each in series.items()} == {
        "a": [7],
        "b": [7],
        "c": [7],
    }
    assert (reason, histories.interval_seconds) == ("", 10.0)


@pytest.mark.usefixtures("agents")
def test_an_agent_is_looked_for_once(histories: Histories, state: Cluster) -> None:
    for _ in range(3):
        histories.of({"a": Followed("ns/a", "node-1")})
    assert looked_for(state) == 1


@pytest.mark.usefixtures("agents")
def test_an_agent_that_broke_off_is_looked_for_anew(histories: Histories, state: Cluster) -> None:
    histories.of({"a": Followed("ns/a", "node-1")})
    state.fault(Fault(f"{AGENTS}/agent-node-1/portforward", stream=StreamFault.CUT))
    series, reason = histories.of({"a": Followed("ns/a", "node-1")})
    assert (series, bool(reason)) == ({}, True)
    assert histories.of({"a": Followed("ns/a", "node-1")})[0].keys() == {"a"}
    assert looked_for(state) == 2


@pytest.mark.usefixtures("agents")
def test_a_node_without_an_agent_costs_its_own_pods_alone(histories: Histories) -> None:
    series, reason = histories.of({"a": Followed("ns/a", "node-1"), "b": Followed("ns/b", "node-3")})
    assert series.keys() == {"a"}
    assert reason == "The agent of node node-3 cannot be asked: there is none"


@pytest.mark.usefixtures("agents")
def test_an_agent_that_is_not_ready_is_not_asked(histories: Histories, state: Cluster) -> None:
    state.put(PODS, agent_pod("node-2", ready=False))
    _, reason = histories.of({"b": Followed("ns/b", "node-2")})
    assert reason == "The agent of node node-2 cannot be asked: it is not ready"


@pytest.mark.usefixtures("agents")
def test_a_list_of_agents_that_is_denied_is_the_reason(histories: Histories, state: Cluster) -> None:
    state.access.deny("list", "pods", namespace="memcollect")
    series, reason = histories.of({"a": Followed("ns/a", "node-1")})
    assert series == {}
    assert "kubectl auth can-i list pods -n memcollect" in reason


def test_for_no_pod_nobody_is_asked(histories: Histories, state: Cluster) -> None:
    assert histories.of({}) == ({}, "")
    assert state.requests.paths() == []
