import pytest

from memcollect.doctor.checks.history import kept, reach
from memcollect.doctor.facts import ClusterFacts, Conversation, Question
from memcollect.sources.agents import Answer, Target
from memcollect_agent.wire import History, Node, NodeSample

NOW = 1_800_000_000.0


def facts(*histories: History | None) -> ClusterFacts:
    conversations = []
    for number, history in enumerate(histories):
        node = f"n{number}"
        sample = NodeSample(sampled_at=NOW, finished_at=NOW, node=Node(name=node), history=history)
        conversations.append(Conversation(answer=Answer(target=Target(node=node, agent=None), sample=sample)))
    return ClusterFacts(question=Question(), conversations=conversations)


def history(
    *, interval: float = 2.0, depth: int = 61, age: float | None = 300.0, left_out: int = 0
) -> History:
    began_at = None if age is None else NOW - age
    return History(interval_seconds=interval, depth=depth, began_at=began_at, left_out=left_out)


@pytest.mark.parametrize(
    ("found", "status", "told"),
    [
        (history(), "ok", "at least 2 min"),
        (None, "warn", "History is off on 1 of 2 nodes (n0)"),
        (history(depth=30), "warn", "shorter than 60 s on 1 of 2 nodes (n0)"),
        (history(interval=10.0, depth=7), "ok", "at least 60 s"),
        (history(age=10.0), "warn", "record for less than 60 s"),
        (history(age=None), "warn", "record for less than 60 s"),
        (history(left_out=3), "warn", "Too many cgroups to follow all on 1 of 2 nodes (n0)"),
    ],
)
def test_what_cannot_be_aligned_is_a_warning_that_names_the_node(
    found: History | None, status: str, told: str
) -> None:
    finding = kept(facts(found, history()))
    assert finding.status == status
    assert told in finding.sentence
    assert [item.status for item in finding.items] == [status, "ok"]
    assert bool(finding.remedy) == (status == "warn")


def test_a_ring_of_one_point_reaches_nowhere() -> None:
    assert (reach(history(depth=1)), reach(history(depth=61))) == (0.0, 120.0)
