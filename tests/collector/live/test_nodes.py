import msgspec

from memcollect.join import Failure
from memcollect.live.nodes import NOT_YET, NodeView, failed, listed, overdue
from memcollect_agent import wire
from worlds.join_builders import NODE, NOW
from worlds.live_builders import FACTS, MIB, answering, node_of, pod, sample

REFUSED = Failure("agent-refused", "Nothing listens there.")


def _sizes(view: NodeView) -> dict[str, int | None]:
    return {row.name: row.parts.working_set_bytes if row.parts else None for row in view.rows}


def test_pods_of_a_node_that_was_not_asked_yet_are_rows_that_say_so() -> None:
    view = node_of(pod(1))
    assert _sizes(view) == {"sandbox-1": None}
    assert view.rows[0].unmeasured == NOT_YET.detail
    assert [missing.reason for missing in view.missing] == ["no-answer-yet"]


def test_an_answer_gives_numbers() -> None:
    view = answering(node_of(pod(1)), sample({1: 5 * MIB}), now=42.0)
    assert _sizes(view) == {"sandbox-1": 5 * MIB}
    assert (view.missing, view.received, view.failure) == ((), 42.0, None)


def test_a_failure_keeps_the_numbers_and_says_why_there_are_no_later_ones() -> None:
    view = failed(answering(node_of(pod(1)), sample({1: 5 * MIB})), REFUSED, FACTS)
    assert _sizes(view) == {"sandbox-1": 5 * MIB}
    assert overdue(view, 101.0, 10.0) == REFUSED


def test_a_failure_of_a_node_that_never_answered_is_the_reason_of_its_pods() -> None:
    view = failed(node_of(pod(1)), REFUSED, FACTS)
    assert view.rows[0].unmeasured == REFUSED.detail


def test_a_later_answer_takes_the_failure_away() -> None:
    view = failed(answering(node_of(pod(1)), sample({1: 5 * MIB})), REFUSED, FACTS)
    view = answering(view, sample({1: 6 * MIB}, NOW + 5))
    assert overdue(view, 101.0, 10.0) is None
    assert _sizes(view) == {"sandbox-1": 6 * MIB}


def test_a_pod_that_came_after_the_last_answer_waits_for_the_next_one() -> None:
    view = listed(answering(node_of(pod(1)), sample({1: 5 * MIB})), [pod(1), pod(2)], FACTS)
    assert _sizes(view) == {"sandbox-1": 5 * MIB, "sandbox-2": None}
    assert view.rows[1].unmeasured == NOT_YET.detail


def test_a_pod_that_came_after_the_last_answer_of_a_broken_agent_has_the_failure_for_reason() -> None:
    view = failed(answering(node_of(pod(1)), sample({1: 5 * MIB})), REFUSED, FACTS)
    assert listed(view, [pod(1), pod(2)], FACTS).rows[1].unmeasured == REFUSED.detail


def test_a_pod_that_is_no_longer_listed_is_no_row() -> None:
    view = answering(node_of(pod(1), pod(2)), sample({1: MIB, 2: MIB}))
    assert _sizes(listed(view, [pod(2)], FACTS)) == {"sandbox-2": MIB}


def test_pods_that_have_not_changed_are_not_joined_again() -> None:
    view = answering(node_of(pod(1)), sample({1: MIB}))
    assert listed(view, [pod(1)], FACTS) is view
    assert listed(view, [pod(1, phase="Failed")], FACTS) is not view


def test_of_a_pod_that_is_not_in_the_answer_only_its_missing_cgroup_is_said() -> None:
    view = answering(node_of(pod(1)), sample({}))
    assert [missing.reason for missing in view.missing] == ["no-cgroup"]


def test_a_question_that_waits_for_too_long_makes_the_numbers_stale() -> None:
    view = NodeView(name=NODE, asked=100.0, received=95.0)
    assert overdue(view, 109.0, 10.0) is None
    assert overdue(view, 112.0, 10.0) == Failure("no-answer", "its agent has not answered for 12 s")


def test_what_an_agent_could_not_do_is_missing() -> None:
    problem = wire.Problem(kind="request", name="history", reason="unsupported", detail="it keeps none")
    answer = msgspec.structs.replace(sample({1: MIB}), problems=[problem])
    view = answering(node_of(pod(1)), answer)
    assert [(missing.kind, missing.name) for missing in view.missing] == [("request", "history")]


def test_only_nodes_with_pods_that_may_hold_memory_need_an_agent() -> None:
    assert node_of(pod(1)).needs_agent
    assert not node_of(pod(1, phase="Succeeded")).needs_agent
    assert not listed(NodeView(name=None), [pod(1, node=None, phase="Pending")], FACTS).needs_agent


def test_a_pod_on_no_node_says_why() -> None:
    view = listed(NodeView(name=None), [pod(1, node=None, phase="Pending")], FACTS)
    assert view.rows[0].unmeasured.startswith("it is on no node yet")
