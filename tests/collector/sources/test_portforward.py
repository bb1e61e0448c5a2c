import contextlib
import dataclasses
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import msgspec
import pytest
from websocket import ABNF, WebSocket

from memcollect.sources import kube_config
from memcollect.sources.agent_http import AgentConversation, AgentFailure
from memcollect.sources.deadline import Deadline
from memcollect.sources.handshake import Abandoned
from memcollect.sources.pod_sockets import ApiException
from memcollect.sources.portforward import PortForwardTransport, _read_last_words
from memcollect.sources.transport import Endpoint
from memcollect.testing import PODS, Cluster, Fault, StandInCluster, StreamFault, objects
from memcollect_agent.wire import NodeSample, SampleRequest
from worlds.lost_token import LOST, lose_token
from worlds.tcp_agents import (
    Behaviour,
    answering,
    hanging,
    http_answer,
    listening,
    sample,
    saying,
    trickling,
)
from worlds.waiting import PATIENCE

ENDPOINT = Endpoint(pod="agent-1", port=7070)
FORWARD = "/api/v1/namespaces/memcollect/pods/agent-1/portforward"
PROXY = "Kubernetes port forward proxy"

Agent = Callable[[Behaviour], None]


@pytest.fixture
def agent(state: Cluster) -> Iterator[Agent]:
    """Put a pod into the cluster whose port leads to the behaviour given."""
    state.put(PODS, objects.pod("memcollect", "agent-1", node="node-1"))
    with contextlib.ExitStack() as stack:

        def serve(behaviour: Behaviour) -> None:
            port = stack.enter_context(listening(behaviour))
            state.forward("memcollect", "agent-1", 7070, to=("127.0.0.1", port))

        yield serve


@pytest.fixture
def transport(cluster: kube_config.Cluster) -> Iterator[PortForwardTransport]:
    transport = PortForwardTransport(cluster)
    yield transport
    transport.close()


def ask(transport: PortForwardTransport, timeout: float = 5.0) -> NodeSample:
    with AgentConversation(transport, ENDPOINT, Deadline(timeout)) as agent:
        return agent.ask("POST", "/v1/sample", NodeSample, SampleRequest(pod_uids=["u"]))


def failure(transport: PortForwardTransport, timeout: float = 5.0) -> AgentFailure:
    with pytest.raises(AgentFailure) as raised:
        ask(transport, timeout)
    assert "\n" not in str(raised.value)
    return raised.value


def forwarding_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(PROXY)]


def test_an_agent_is_reached_on_its_pods_loopback(agent: Agent, transport: PortForwardTransport) -> None:
    agent(answering("node-1"))
    answer = ask(transport)
    assert (answer.node.name, answer.agent_version) == ("node-1", "u")


def test_an_answer_of_megabytes_comes_whole(agent: Agent, transport: PortForwardTransport) -> None:
    large = msgspec.structs.replace(sample("node-1"), agent_version="x" * 5_000_000)
    agent(saying(http_answer(msgspec.msgpack.encode(large))))
    assert ask(transport) == large


def test_one_transport_asks_many_times_and_leaves_nothing_open(
    agent: Agent, transport: PortForwardTransport
) -> None:
    agent(answering("node-1"))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        ask(transport)
    transport.close()
    for thread in forwarding_threads():
        thread.join(timeout=60)
    assert forwarding_threads() == []
    # The stand-in's own ends are in this process too and close a moment later.
    for _ in range(100):
        if len(list(Path("/proc/self/fd").iterdir())) <= before:
            break
        time.sleep(0.02)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_a_token_that_cannot_be_read_again_is_told(
    agent: Agent, cluster: kube_config.Cluster, transport: PortForwardTransport
) -> None:
    agent(answering("node-1"))
    lose_token(cluster)
    assert (failure(transport).reason, str(failure(transport))) == ("denied", f"{cluster.origin} {LOST}")


def test_it_works_over_https_with_the_clusters_own_authority(
    state: Cluster, tmp_path: Path, agent: Agent
) -> None:
    agent(answering("node-1"))
    state.access.tokens["a-token"] = "someone"
    with StandInCluster(state, https=True) as server:
        transport = PortForwardTransport(kube_config.connect(str(server.kubeconfig(tmp_path / "https"))))
        assert ask(transport).node.name == "node-1"
        transport.close()


def test_nothing_listens_on_the_agents_port(state: Cluster, transport: PortForwardTransport) -> None:
    state.put(PODS, objects.pod("memcollect", "agent-1", node="node-1"))
    refused = failure(transport)
    assert refused.reason == "agent-refused"
    assert "Nothing listens on port 7070 of pod memcollect/agent-1" in str(refused)


@pytest.mark.parametrize(
    "case",
    [
        (Fault(FORWARD, stream=StreamFault.REFUSE), "agent-refused"),
        (Fault(FORWARD, stream=StreamFault.HANG), "timeout"),
        (Fault(FORWARD, stream=StreamFault.CLOSE), "broken-answer"),
        (Fault(FORWARD, stream=StreamFault.CUT), "agent-unreachable"),
        (Fault(FORWARD, stream=StreamFault.CUT, stream_after_bytes=60), "agent-unreachable"),
        (Fault(FORWARD, stream=StreamFault.ERROR, stream_after_bytes=60), "agent-unreachable"),
        (Fault(FORWARD, status=401), "denied"),
        (Fault(FORWARD, status=403), "denied"),
        (Fault(FORWARD, status=404), "agent-unreachable"),
        (Fault(FORWARD, status=500), "agent-unreachable"),
        (Fault(FORWARD, drop=True), "agent-unreachable"),
        (Fault(FORWARD, hang=True), "timeout"),
    ],
    ids=lambda case: case[1],
)
def test_a_forward_that_fails_is_one_sentence_and_does_not_spoil_the_next(
    agent: Agent,
    state: Cluster,
    transport: PortForwardTransport,
    case: tuple[Fault, str],
    capfd: pytest.CaptureFixture[str],
) -> None:
    fault, reason = case
    agent(answering("node-1"))
    state.fault(dataclasses.replace(fault))
    assert failure(transport, 0.5).reason == reason
    assert ask(transport).node.name == "node-1"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("after", [0, 60])
def test_a_connection_that_is_lost_on_its_way_is_not_told_as_the_agents_end(
    agent: Agent, state: Cluster, transport: PortForwardTransport, after: int
) -> None:
    """As where the API server dies; where the agent does, its node closes the WebSocket as it should be."""
    agent(answering("node-1"))
    for stream in (StreamFault.CUT, StreamFault.CLOSE):
        state.fault(Fault(FORWARD, stream=stream, stream_after_bytes=after))
        lost = "was lost on its way" in str(failure(transport))
        assert lost is (stream is StreamFault.CUT)


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (hanging, "timeout"),
        (saying(b""), "broken-answer"),
        (saying(b"\x00garbage"), "broken-answer"),
        (saying(http_answer(msgspec.msgpack.encode(sample("n")))[:-3]), "broken-answer"),
        (trickling(http_answer(msgspec.msgpack.encode(sample("n"))), 0.05), "timeout"),
        (saying(http_answer(b"", schema="9")), "version"),
    ],
    ids=["hangs", "dies", "garbage", "half", "slow", "version"],
)
def test_an_agent_that_misbehaves_is_one_sentence(
    agent: Agent,
    transport: PortForwardTransport,
    behaviour: Behaviour,
    reason: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    agent(behaviour)
    assert failure(transport, 0.5).reason == reason
    transport.close()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("verb", ["get", "create"])
def test_a_missing_right_is_named(
    agent: Agent, state: Cluster, transport: PortForwardTransport, verb: str
) -> None:
    agent(answering("node-1"))
    state.access.deny(verb, "pods/portforward")
    denied = failure(transport)
    assert denied.reason == "denied"
    assert f"You may not {verb} pods/portforward" in str(denied)
    assert f"; check with `kubectl auth can-i {verb} pods/portforward -n memcollect`." in str(denied)
    assert ":;" not in str(denied)


def test_a_handshake_that_hangs_costs_no_more_than_its_deadline(
    agent: Agent, state: Cluster, transport: PortForwardTransport
) -> None:
    agent(answering("node-1"))
    state.fault(Fault(FORWARD, hang=True))
    begun = time.monotonic()
    assert failure(transport, 0.3).reason == "timeout"
    assert time.monotonic() - begun < PATIENCE


def test_when_too_many_handshakes_hang_no_more_are_begun(
    agent: Agent, state: Cluster, cluster: kube_config.Cluster
) -> None:
    agent(answering("node-1"))
    transport = PortForwardTransport(cluster, Abandoned(most=2))
    state.fault(Fault(FORWARD, hang=True, times=2))
    for _ in range(2):
        assert failure(transport, 0.2).reason == "timeout"
    refused = failure(transport)
    assert refused.reason == "agent-unreachable"
    assert "2 earlier ones still hang" in str(refused)
    transport.close()


def test_a_thread_that_the_client_cannot_begin_is_told_from_what_the_node_says(
    transport: PortForwardTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> NoReturn:
        raise ApiException(status=0, reason="can't start new thread")

    monkeypatch.setattr("memcollect.sources.portforward.port_forward", full)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        ask(transport)


def test_a_descriptor_that_select_cannot_wait_for_is_one_sentence(
    agent: Agent, transport: PortForwardTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent(answering("node-1"))
    monkeypatch.setattr("memcollect.sources.portforward.SELECT_LIMIT", 1)
    limited = failure(transport)
    assert limited.reason == "limit"
    assert "--concurrency" in str(limited)


def test_a_forwarding_thread_that_dies_ends_its_stream_at_once(
    agent: Agent, transport: PortForwardTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent(hanging)

    def fail(*_: object) -> None:
        raise RuntimeError("Unexpected channel number: 9")

    monkeypatch.setattr("websocket.WebSocket.recv_data_frame", fail)
    begun = time.monotonic()
    assert failure(transport, 2 * PATIENCE).reason == "broken-answer"
    assert time.monotonic() - begun < PATIENCE


def test_the_traceback_of_another_thread_is_still_printed(
    agent: Agent, transport: PortForwardTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    caught: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda arguments: caught.append(str(arguments.exc_value)))
    agent(answering("node-1"))
    ask(transport)

    def fail() -> None:
        raise ValueError("of ours")

    for name in ("other", f"{PROXY}: 1"):
        thread = threading.Thread(target=fail, name=name)
        thread.start()
        thread.join()
    assert caught == ["of ours"]


SAID = b"dial tcp4 127.0.0.1:7070: connect: connection refused"
BEGINS = (7070).to_bytes(2, "little")


@pytest.mark.parametrize(
    "frames", [[b"\x01" + SAID], [b"\x00" + BEGINS, b"\x01" + BEGINS, b"\x01" + SAID]], ids=["begun", "new"]
)
def test_what_a_node_said_before_it_hung_up_is_read_where_the_clients_thread_died_of_a_write(
    frames: list[bytes],
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for frame in frames:
            theirs.sendall(ABNF.create_frame(frame, ABNF.OPCODE_BINARY).format())
        theirs.close()
        websocket = WebSocket()
        websocket.sock, websocket.connected = ours, True
        port = SimpleNamespace(port_number=7070, error=None)
        _read_last_words(SimpleNamespace(websocket=websocket, local_ports={7070: port}))
    assert port.error == SAID.decode()
