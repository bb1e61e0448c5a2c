"""Workers that stay: how many there are, and what each keeps."""

import queue
import threading

from memcollect.sources.agent_pods import AgentPod
from memcollect.sources.agents import Answer, Limits, Target
from memcollect.sources.deadline import Deadline
from memcollect.sources.direct import DirectTransport
from memcollect.sources.transport import Endpoint, SocketStream
from memcollect.watching.asking import Askers, Question
from memcollect_agent.wire import SampleRequest
from worlds.tcp_agents import answering, hanging, listening
from worlds.waiting import PATIENCE, wait_until


class Transport(DirectTransport):
    """A direct one that is counted."""

    made = 0
    closed = 0

    def __init__(self, ports: dict[str, int]) -> None:
        super().__init__(lambda endpoint: ("127.0.0.1", ports[endpoint.node]))
        type(self).made += 1

    def connect(self, endpoint: Endpoint, deadline: Deadline) -> SocketStream:
        return super().connect(endpoint, deadline)

    def close(self) -> None:
        type(self).closed += 1


def _question(node: str) -> Question:
    agent = AgentPod(node=node, name=f"agent-{node}", port=1)
    return Question(target=Target(node=node, agent=agent, pod_uids=["u"]), request=SampleRequest(sums=False))


def _askers(
    ports: dict[str, int], concurrency: int
) -> tuple[Askers, "queue.SimpleQueue[Answer]", type[Transport]]:
    class Counted(Transport):
        made = 0
        closed = 0

    come: queue.SimpleQueue[Answer] = queue.SimpleQueue()
    limits = Limits(concurrency=concurrency, timeout=PATIENCE)
    return Askers(lambda: Counted(ports), limits, come.put), come, Counted


def test_one_worker_suffices_for_questions_that_do_not_overlap() -> None:
    with listening(answering("a")) as port:
        askers, come, counted = _askers({"a": port}, 8)
        for _ in range(3):
            askers.ask(_question("a"))
            answer = come.get(timeout=PATIENCE)
            assert answer.sample is not None
        assert counted.made == 1
        askers.close()
        wait_until(lambda: counted.closed == 1)


def test_a_hanging_agent_holds_one_worker_and_another_is_made_for_the_next() -> None:
    with listening(hanging) as bad, listening(answering("good")) as good:
        askers, come, counted = _askers({"bad": bad, "good": good}, 2)
        askers.ask(_question("bad"))
        for _ in range(3):
            askers.ask(_question("good"))
            assert come.get(timeout=PATIENCE).target.node == "good"
        assert counted.made == 2
        askers.close()


def test_there_are_no_more_workers_than_may_be() -> None:
    with listening(answering("a")) as port:
        askers, come, counted = _askers({"a": port}, 2)
        for _ in range(10):
            askers.ask(_question("a"))
        for _ in range(10):
            come.get(timeout=PATIENCE)
        assert counted.made <= 2
        askers.close()


def test_a_node_without_an_agent_is_an_answer_too() -> None:
    askers, come, _ = _askers({}, 1)
    askers.ask(Question(target=Target(node="n", agent=None), request=SampleRequest()))
    failure = come.get(timeout=PATIENCE).failure
    assert failure is not None
    assert failure.reason == "no-agent"
    askers.close()


def test_workers_are_daemons_so_that_the_program_can_end() -> None:
    with listening(hanging) as port:
        askers, _, _ = _askers({"a": port}, 1)
        askers.ask(_question("a"))
        workers = [each for each in threading.enumerate() if each.name.startswith("memcollect agent asker")]
        assert workers
        assert all(worker.daemon for worker in workers)
        askers.close()
