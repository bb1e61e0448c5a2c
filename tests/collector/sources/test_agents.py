import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest

from memcollect.sources import agents, kube_config
from memcollect.sources.agent_pods import AGENT_PORT, AgentPod
from memcollect.sources.agents import Answer, Limits, Target, fetch_sample, fetch_samples
from memcollect.sources.deadline import Deadline
from memcollect.sources.direct import DirectTransport
from memcollect.sources.portforward import port_forwarding
from memcollect.sources.transport import Endpoint, TransportFactory
from memcollect.testing import PODS, Cluster, objects
from memcollect_agent.measure.sample import Roots
from memcollect_agent.serve.addresses import Address
from memcollect_agent.serve.run import Options, started
from memcollect_agent.wire import SampleRequest
from worlds import children
from worlds.tcp_agents import (
    Behaviour,
    answering,
    busy,
    hanging,
    http_answer,
    listening,
    refusing_port,
    saying,
)
from worlds.waiting import PATIENCE, wait_until

NODE = Path(__file__).parents[2] / "fixtures" / "systemd-kernel-7.2"


class Nodes:
    """Agents by node, each on a port of its own."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.ports: dict[str, int] = {}

    def add(self, node: str, behaviour: Behaviour | None = None) -> Target:
        self.ports[node] = self._stack.enter_context(listening(behaviour or answering(node)))
        return target(node)

    def locate(self, endpoint: Endpoint) -> tuple[str, int]:
        return "127.0.0.1", self.ports[endpoint.node]

    @property
    def transports(self) -> TransportFactory:
        return lambda: DirectTransport(self.locate)


def target(node: str, *, problem: str = "", uids: list[str] | None = None) -> Target:
    return Target(node=node, agent=AgentPod(node=node, name=f"agent-{node}", problem=problem), pod_uids=uids)


def by_node(answers: Iterator[Answer]) -> dict[str, str]:
    return {
        answer.target.node: "sample" if answer.sample else answer.failure.reason if answer.failure else "?"
        for answer in answers
    }


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    with ExitStack() as stack:
        yield Nodes(stack)


def test_each_agent_is_asked_for_its_own_pods(nodes: Nodes) -> None:
    targets = [msgspec.structs.replace(nodes.add(f"n{i}"), pod_uids=[f"uid-{i}"]) for i in range(5)]
    answers = list(fetch_samples(targets, SampleRequest(), nodes.transports))
    assert {a.sample.node.name: a.sample.agent_version for a in answers if a.sample} == {
        f"n{i}": f"uid-{i}" for i in range(5)
    }


def test_once_stopped_no_further_agent_is_asked_however_quick_they_are(nodes: Nodes) -> None:
    asked: list[str] = []

    def counted(node: str) -> Behaviour:
        def answer(connection: socket.socket, body: bytes) -> None:
            asked.append(node)
            answering(node)(connection, body)

        return answer

    targets = [nodes.add(f"n{i}", counted(f"n{i}")) for i in range(60)]
    limits = Limits(concurrency=2)
    answers: list[Answer] = []
    found = fetch_samples(targets, SampleRequest(), nodes.transports, limits, stopped=lambda: bool(answers))
    for answer in found:
        answers.append(answer)  # noqa: PERF402 - it is looked at meanwhile
    assert 1 <= len(answers) < 60
    assert len(asked) < 60


def test_one_bad_agent_never_spoils_the_rest(nodes: Nodes) -> None:
    targets = [
        nodes.add("good-1"),
        nodes.add("hangs", hanging),
        nodes.add("dies", saying(b"")),
        nodes.add("garbage", saying(b"\xff\xff\r\n\r\n")),
        nodes.add("old", saying(http_answer(b"", schema="9"))),
        nodes.add("good-2"),
        target("refuses"),
        target("starting", problem="it waits: ContainerCreating"),
        Target(node="bare", agent=None),
    ]
    nodes.ports["refuses"] = refusing_port()
    answers = fetch_samples(targets, SampleRequest(), nodes.transports, Limits(timeout=0.5, concurrency=3))
    assert by_node(answers) == {
        "good-1": "sample",
        "good-2": "sample",
        "hangs": "timeout",
        "dies": "broken-answer",
        "garbage": "broken-answer",
        "old": "version",
        "refuses": "agent-refused",
        "starting": "agent-not-ready",
        "bare": "no-agent",
    }


def test_every_failure_says_what_to_do_or_where_to_look(nodes: Nodes) -> None:
    targets = [target("starting", problem="it waits: ImagePullBackOff"), Target(node="bare", agent=None)]
    details = {
        a.target.node: a.failure.detail
        for a in fetch_samples(targets, SampleRequest(), nodes.transports)
        if a.failure
    }
    assert "it waits: ImagePullBackOff" in details["starting"]
    assert "`kubectl describe pod -n memcollect agent-starting`" in details["starting"]
    assert "has no memcollect agent" in details["bare"]


def test_a_fault_of_ours_with_one_agent_is_reported_and_does_not_lose_the_others(nodes: Nodes) -> None:
    targets = [nodes.add("good"), target("unknown-to-the-transport")]
    assert by_node(fetch_samples(targets, SampleRequest(), nodes.transports)) == {
        "good": "sample",
        "unknown-to-the-transport": "agent-error",
    }


@pytest.mark.parametrize("begun", [0, 1, 2])
def test_as_many_are_asked_at_once_as_threads_can_be_begun(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch, begun: int
) -> None:
    real = threading.Thread.start
    names = [f"memcollect agent worker {number}" for number in range(begun, 4)]

    def start(thread: threading.Thread) -> None:
        if thread.name in names:
            raise RuntimeError("can't start new thread")
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    targets = [nodes.add(f"n{number}") for number in range(4)]
    answers = fetch_samples(targets, SampleRequest(), nodes.transports, Limits(concurrency=4))
    if begun:
        assert by_node(answers) == dict.fromkeys(["n0", "n1", "n2", "n3"], "sample")
    else:
        with pytest.raises(RuntimeError, match="can't start new thread"):
            next(answers)


def test_who_finds_no_thread_for_its_way_to_an_agent_leaves_that_to_who_has_one(nodes: Nodes) -> None:
    """A port-forward has threads of its own: with fewer at once all agents are reached."""
    refused: list[Endpoint] = []

    def full(endpoint: Endpoint) -> NoReturn:
        refused.append(endpoint)
        raise RuntimeError("can't start new thread")

    def last(endpoint: Endpoint) -> tuple[str, int]:
        wait_until(lambda: len(refused) == 3 and workers() == 1)
        return "127.0.0.1", nodes.ports[endpoint.node]

    ways = iter([last, full, full, full])
    targets = [nodes.add(f"n{number}") for number in range(4)]
    wait_until(lambda: workers() == 0)  # those of other tests
    answers = fetch_samples(
        targets, SampleRequest(), lambda: DirectTransport(next(ways)), Limits(concurrency=4)
    )
    assert by_node(answers) == dict.fromkeys(["n0", "n1", "n2", "n3"], "sample")


def workers() -> int:
    return sum(each.name.startswith("memcollect agent worker") for each in threading.enumerate())


def test_where_nobody_has_a_thread_for_it_every_agent_is_told(nodes: Nodes) -> None:
    def full(_: Endpoint) -> NoReturn:
        raise RuntimeError("can't start new thread")

    targets = [nodes.add(f"n{number}") for number in range(4)]
    answers = fetch_samples(targets, SampleRequest(), lambda: DirectTransport(full), Limits(concurrency=4))
    assert by_node(answers) == dict.fromkeys(["n0", "n1", "n2", "n3"], "agent-error")


def test_a_way_to_an_agent_that_no_thread_is_left_for_is_no_fault_of_ours(nodes: Nodes) -> None:
    def full(_: Endpoint) -> NoReturn:
        raise RuntimeError("can't start new thread")

    answer = fetch_sample(nodes.add("n"), SampleRequest(), DirectTransport(full), Limits())
    assert answer.failure is not None
    assert answer.failure.detail.startswith("No more threads can be begun here")


def test_no_targets_are_no_answers(nodes: Nodes) -> None:
    assert list(fetch_samples([], SampleRequest(), nodes.transports)) == []


def test_answers_come_as_they_come_and_progress_is_told(nodes: Nodes) -> None:
    release = threading.Event()

    def late(connection: object, body: bytes) -> None:
        release.wait(60)
        answering("late")(connection, body)  # type: ignore[arg-type]

    told: list[tuple[int, int]] = []
    targets = [nodes.add("late", late), nodes.add("early")]
    answers = fetch_samples(
        targets, SampleRequest(), nodes.transports, on_progress=lambda done, of: told.append((done, of))
    )
    assert next(answers).target.node == "early"
    release.set()
    assert next(answers).target.node == "late"
    assert told == [(1, 2), (2, 2)]


def test_no_more_agents_are_asked_at_once_than_allowed(nodes: Nodes) -> None:
    lock, running, most = threading.Lock(), 0, 0

    def counting(connection: object, body: bytes) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        answering("n")(connection, body)  # type: ignore[arg-type]

    targets = [nodes.add(f"n{i}", counting) for i in range(12)]
    answers = list(fetch_samples(targets, SampleRequest(), nodes.transports, Limits(concurrency=3)))
    assert all(answer.sample for answer in answers)
    assert most == 3


def test_an_agent_may_not_measure_for_longer_than_it_is_waited_for(nodes: Nodes) -> None:
    budgets: list[float] = []

    def note(connection: object, body: bytes) -> None:
        budgets.append(msgspec.msgpack.decode(body, type=SampleRequest).time_budget_seconds)
        answering("n")(connection, body)  # type: ignore[arg-type]

    limits = Limits(timeout=5)
    list(
        fetch_samples([nodes.add("n", note)], SampleRequest(time_budget_seconds=60), nodes.transports, limits)
    )
    list(
        fetch_samples([nodes.add("n", note)], SampleRequest(time_budget_seconds=1), nodes.transports, limits)
    )
    assert budgets == [4.0, 1.0]


def test_a_busy_agent_is_asked_again_when_it_says(nodes: Nodes) -> None:
    begin = time.monotonic()
    targets = [nodes.add("busy", busy(answering("busy"), times=2, retry_after="1")), nodes.add("free")]
    assert by_node(fetch_samples(targets, SampleRequest(), nodes.transports)) == {
        "busy": "sample",
        "free": "sample",
    }
    assert time.monotonic() - begin >= 2


def test_a_busy_agent_is_told_at_once_where_its_time_would_be_over_then(nodes: Nodes) -> None:
    begin = time.monotonic()
    targets = [nodes.add("busy", busy(answering("busy"), times=1, retry_after="25"))]
    (answer,) = fetch_samples(targets, SampleRequest(), nodes.transports, Limits(timeout=20.0))
    assert answer.failure
    assert answer.failure.reason == "agent-error"
    assert "The agent is busy." in answer.failure.detail
    assert time.monotonic() - begin < 15


@pytest.mark.parametrize("retry_after", [None, "-1", "soon", "1e3", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_who_does_not_say_when_to_ask_again_is_asked_once(nodes: Nodes, retry_after: str | None) -> None:
    targets = [nodes.add("busy", busy(answering("busy"), times=1, retry_after=retry_after))]
    assert by_node(fetch_samples(targets, SampleRequest(), nodes.transports)) == {"busy": "agent-error"}


def test_an_agent_that_is_busy_for_ever_is_told_within_its_time(nodes: Nodes) -> None:
    targets = [nodes.add("busy", busy(answering("busy"), times=99, retry_after="3")), nodes.add("free")]
    answers = fetch_samples(targets, SampleRequest(), nodes.transports, Limits(timeout=6.0))
    assert by_node(answers) == {"busy": "agent-error", "free": "sample"}


def test_an_agent_that_is_asked_again_may_measure_for_what_is_left_of_its_time(nodes: Nodes) -> None:
    budgets: list[float] = []

    def note(connection: socket.socket, body: bytes) -> None:
        budgets.append(msgspec.msgpack.decode(body, type=SampleRequest).time_budget_seconds)
        answering("n")(connection, body)

    first = nodes.add("n", busy(note, times=1, retry_after="2"))
    request = SampleRequest(time_budget_seconds=9.0)
    assert [a.failure for a in fetch_samples([first], request, nodes.transports, Limits(timeout=10.0))] == [
        None
    ]
    assert 0 < budgets[0] <= 8.0 * 0.8


@pytest.mark.parametrize(
    ("luck", "timeout", "waits"), [(0.0, 60.0, 5.0), (0.5, 60.0, 7.5), (1.0, 60.0, 10.0), (1.0, 10.0, 7.0)]
)
def test_who_was_refused_together_comes_back_apart_never_early_and_in_time(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch, luck: float, timeout: float, waits: float
) -> None:
    waited: list[float] = []

    def note(seconds: float, _stopped: object) -> bool:
        waited.append(seconds)
        return True

    monkeypatch.setattr(agents, "random", lambda: luck)
    monkeypatch.setattr(agents, "pause", note)
    targets = [nodes.add("busy", busy(answering("busy"), times=1, retry_after="5"))]
    answers = fetch_samples(targets, SampleRequest(), nodes.transports, Limits(timeout=timeout))
    assert by_node(answers) == {"busy": "sample"}
    assert waited == [pytest.approx(waits, abs=1.0)]
    assert waited[0] >= 5.0


def test_a_wait_for_a_busy_agent_that_took_all_the_time_is_told_as_that(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def long(_seconds: float, _stopped: object) -> bool:
        time.sleep(4)
        return True

    monkeypatch.setattr(agents, "pause", long)
    targets = [nodes.add("busy", busy(answering("busy"), times=1, retry_after="1"))]
    (answer,) = fetch_samples(targets, SampleRequest(), nodes.transports, Limits(timeout=3.0))
    assert answer.failure
    assert answer.failure.reason == "timeout"
    assert "report" not in answer.failure.detail


def test_a_busy_agent_is_not_asked_again_by_who_has_left(nodes: Nodes) -> None:
    refused, asked = threading.Event(), threading.Event()

    def behaviour(connection: socket.socket, body: bytes) -> None:
        if refused.is_set():
            asked.set()
        refused.set()
        busy(answering("busy"), times=1, retry_after="1")(connection, body)

    targets = [nodes.add("busy", behaviour)]
    before = workers()
    answers = fetch_samples(targets, SampleRequest(), nodes.transports, stopped=refused.is_set)
    assert list(answers) == []
    wait_until(lambda: workers() == before)
    assert not asked.is_set()


def test_leaving_early_keeps_what_came_and_asks_no_further_agent(nodes: Nodes) -> None:
    asked: list[str] = []

    def note(connection: object, body: bytes) -> None:
        asked.append("x")
        answering("n")(connection, body)  # type: ignore[arg-type]

    targets = [nodes.add(f"n{i}", note) for i in range(20)]
    answers = fetch_samples(targets, SampleRequest(), nodes.transports, Limits(concurrency=1))
    first = next(answers)
    answers.close()
    deadline = Deadline(60)
    while any(t.name.startswith("memcollect agent worker") for t in threading.enumerate()):
        assert not deadline.passed
        time.sleep(0.01)
    assert first.sample is not None
    assert len(asked) < len(targets)


def test_ctrl_c_ends_a_fetch_from_agents_that_hang_at_once() -> None:
    script = textwrap.dedent(
        """
        import sys
        from memcollect.sources.agent_pods import AgentPod
        from memcollect.sources.agents import Limits, Target, fetch_samples
        from memcollect.sources.direct import DirectTransport
        from memcollect_agent.wire import SampleRequest

        ports = [int(port) for port in sys.argv[1:]]
        targets = [Target(node=str(p), agent=AgentPod(node=str(p), name="a", port=p)) for p in ports]
        transports = lambda: DirectTransport(lambda endpoint: ("127.0.0.1", endpoint.port))
        collected = []
        try:
            for answer in fetch_samples(targets, SampleRequest(), transports, Limits(timeout=120)):
                collected.append(answer)
                print("answer", flush=True)
        except KeyboardInterrupt:
            print("kept", len(collected), flush=True)
        """
    )
    with listening(answering("n")) as good, listening(hanging) as bad:
        command = [sys.executable, "-c", script, str(bad), str(good), str(bad)]
        with children.Child(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.line() == "answer"
            begun = time.monotonic()
            os.kill(process.pid, signal.SIGINT)
            out, err = process.communicate()
    assert (out, err) == ("kept 1\n", "")
    assert time.monotonic() - begun < PATIENCE


def test_a_real_agent_answers_over_a_port_forward(state: Cluster, cluster: kube_config.Cluster) -> None:
    roots = Roots(proc=f"{NODE}/proc", cgroup=f"{NODE}/sys/fs/cgroup", sys=f"{NODE}/sys")
    options = Options(listen=Address("127.0.0.1", 0), health_listen=None, roots=roots, node_name="n1")
    state.put(PODS, objects.pod("memcollect", "agent-n1", node="n1"))
    with started(options) as listener:
        serving = threading.Thread(target=listener.run)
        serving.start()
        state.forward("memcollect", "agent-n1", AGENT_PORT, to=("127.0.0.1", listener.port))
        uid = "b361119b-f663-4d3c-a6b4-4f72a32a506f"
        request = SampleRequest(history=True)
        answers = list(fetch_samples([target("n1", uids=[uid])], request, port_forwarding(cluster)))
        listener.stop()
        serving.join()
    (answer,) = answers
    assert answer.sample is not None, answer.failure
    assert [pod.uid for pod in answer.sample.pods] == [uid]
    assert answer.sample.node.name == "n1"
    assert answer.sample.history is not None


def test_many_agents_are_asked_over_port_forwards_at_once(
    state: Cluster, cluster: kube_config.Cluster
) -> None:
    with listening(answering("n")) as port:
        for number in range(60):
            state.put(PODS, objects.pod("memcollect", f"agent-n{number}", node=f"n{number}"))
            state.forward("memcollect", f"agent-n{number}", 7070, to=("127.0.0.1", port))
        targets = [target(f"n{number}") for number in range(60)]
        answers = list(
            fetch_samples(targets, SampleRequest(), port_forwarding(cluster), Limits(concurrency=16))
        )
    assert [a.failure for a in answers if a.failure] == []
    assert {a.target.node for a in answers} == {f"n{number}" for number in range(60)}


def counting(asked: list[str]) -> Behaviour:
    def note(connection: socket.socket, body: bytes) -> None:
        asked.append("x")
        answering("n")(connection, body)

    return note


def test_no_further_agent_is_asked_while_the_bytes_that_wait_are_too_many(nodes: Nodes) -> None:
    asked: list[str] = []
    targets = [nodes.add(f"n{number}", counting(asked)) for number in range(20)]
    limits = Limits(concurrency=2, most_waiting_bytes=1)
    answers = fetch_samples(targets, SampleRequest(), nodes.transports, limits)
    first = next(answers)
    time.sleep(0.3)
    assert len(asked) <= 1 + 2
    assert len(list(answers)) == 19
    assert first.sample


def test_agents_are_asked_ahead_of_whoever_takes_the_answers_while_there_is_room(nodes: Nodes) -> None:
    asked: list[str] = []
    targets = [nodes.add(f"n{number}", counting(asked)) for number in range(20)]
    answers = fetch_samples(targets, SampleRequest(), nodes.transports, Limits(concurrency=2))
    next(answers)
    give_up = time.monotonic() + PATIENCE
    while len(asked) < 20 and time.monotonic() < give_up:
        time.sleep(0.01)
    assert len(asked) == 20
    assert all(answer.sample for answer in answers)


def test_a_worker_of_ones_own_gets_the_same_answers_and_raises_nothing(nodes: Nodes) -> None:
    transport = nodes.transports()
    limits = Limits(timeout=5.0)
    good = fetch_sample(nodes.add("good"), SampleRequest(), transport, limits)
    assert good.sample is not None
    bad = fetch_sample(nodes.add("bad", saying(b"no HTTP\r\n")), SampleRequest(), transport, limits)
    none = fetch_sample(Target(node="none", agent=None), SampleRequest(), transport, limits)
    reasons = [answer.failure.reason for answer in (bad, none) if answer.failure is not None]
    assert reasons == ["broken-answer", "no-agent"]
