from hypothesis import given
from hypothesis import strategies as st

from memcollect.doctor.checks.clock import Offset, agreeing, offsets
from memcollect.doctor.facts import ClusterFacts, Conversation, Question
from memcollect.sources.agents import Answer, Target
from memcollect_agent.wire import Node, NodeSample

short = st.floats(min_value=0.0, max_value=30.0)


def facts(ahead: float, there: float, work: float, back: float) -> ClusterFacts:
    """Return what a node gives whose clock is ahead by so much."""
    sent = 1_800_000_000.0
    sampled, finished = sent + there + ahead, sent + there + work + ahead
    sample = NodeSample(sampled_at=sampled, finished_at=finished, node=Node(name="n"))
    answer = Answer(target=Target(node="n", agent=None), sample=sample)
    conversation = Conversation(answer=answer, sent_at=sent, received_at=sent + there + work + back)
    return ClusterFacts(question=Question(), conversations=[conversation])


@given(ahead=st.floats(min_value=-1e4, max_value=1e4), there=short, work=short, back=short)
def test_the_interval_holds_the_true_difference_whatever_the_way_takes(
    ahead: float, there: float, work: float, back: float
) -> None:
    (offset,) = offsets(facts(ahead, there, work, back))
    assert offset.low - 1e-5 <= ahead <= offset.high + 1e-5
    assert abs(offset.uncertainty - (there + back) / 2) < 1e-5
    # What is called far is truly more than 2 s off.
    assert not offset.is_far or abs(ahead) > 2.0 - 1e-5


def test_ten_seconds_are_told_and_two_behind_a_slow_way_are_not() -> None:
    assert agreeing(facts(10.0, 0.1, 0.1, 0.1)).status == "warn"
    assert agreeing(facts(3.0, 2.0, 0.1, 2.0)).status == "ok"
    assert agreeing(facts(-10.0, 2.0, 0.1, 2.0)).status == "warn"


def test_a_difference_is_told_with_its_direction_and_what_is_left_open() -> None:
    assert str(Offset("n", 9.0, 11.0)) == "10 s ahead (give or take 1.0 s)"
    assert str(Offset("n", -10.01, -9.99)) == "10 s behind (give or take 10 ms)"


def test_without_times_nothing_is_claimed() -> None:
    assert agreeing(ClusterFacts(question=Question())).status == "skipped"
