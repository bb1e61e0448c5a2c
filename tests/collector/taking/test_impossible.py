"""Answers of the right shape that no node can give: they cost the pod or the node, never the snapshot."""

import contextlib
import copy
from collections.abc import Iterator
from typing import Any, cast

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memcollect.doctor.checks import CLUSTER
from memcollect.doctor.facts import ClusterFacts as DoctorFacts
from memcollect.doctor.facts import Conversation, MetricsSeen, PodsSeen, Question, Running
from memcollect.documents.snapshot import Pod
from memcollect.explain import explain_pod
from memcollect.join import ClusterFacts
from memcollect.live.nodes import NodeView, answered
from memcollect.reporters import json, table
from memcollect.sources.agents import Answer, Target
from memcollect.sources.api import Api
from memcollect.sources.pods import Selection
from memcollect.taking.cluster import Collection, Plan
from memcollect_agent.wire import Node, NodeSample, Pressure
from worlds.recorded_nodes import CONDITIONS, RecordedNode
from worlds.sample_snapshots import snapshot

RECORDED = RecordedNode(CONDITIONS[0])
EXTREME = st.sampled_from([0, 1, 7, (1 << 31) - 1, 1 << 53, (1 << 63) - 1, (1 << 64) - 1])


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every number in an answer."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        if isinstance(each, (int, float)) and not isinstance(each, bool):
            yield (*path, key)
        else:
            yield from leaves(each, (*path, key))


WHOLE = msgspec.to_builtins(RECORDED.sample())
PLACES = list(leaves(WHOLE))
FACTS = ClusterFacts(metrics=RECORDED.metrics())


def altered(*changes: tuple[tuple[Any, ...], Any]) -> bytes:
    answer = copy.deepcopy(WHOLE)
    for place, number in changes:
        inner = answer
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = number
    return msgspec.msgpack.encode(answer)


@pytest.mark.parametrize("number", [-1, float("nan"), float("inf"), -0.5])
@pytest.mark.parametrize("name", ["cpus", "page_size_bytes", "boot_time"])
def test_what_no_machine_has_is_refused_where_it_is_decoded(name: str, number: float) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(altered((("node", name), number)), type=NodeSample)


@pytest.mark.parametrize("total", [-1, float("nan")])
def test_a_counter_below_nought_and_no_number_at_all_are_refused(total: float) -> None:
    wrong = msgspec.msgpack.encode({"avg10": 0.0, "avg60": 0.0, "avg300": 0.0, "total": total})
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(wrong, type=Pressure)


def test_the_largest_counter_of_a_kernel_is_none_of_these() -> None:
    node = msgspec.msgpack.decode(
        msgspec.msgpack.encode({"name": "n", "vmstat": {"x": (1 << 64) - 1}}), type=Node
    )
    assert node.vmstat == {"x": (1 << 64) - 1}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(PLACES), EXTREME), min_size=1, max_size=6))
def test_whatever_numbers_an_agent_answers_every_pod_is_told_and_none_ends_the_snapshot(
    changes: list[tuple[tuple[Any, ...], int]],
) -> None:
    try:
        sample = msgspec.msgpack.decode(altered(*changes), type=NodeSample)
    except msgspec.ValidationError:
        return
    collection = Collection(cast("Api", None), Plan(selection=Selection()), lambda: cast("Any", None))
    joined = collection._node_joined(sample.node.name, RECORDED.pods(), sample, FACTS)
    explained = [collection._explained(pod, joined.node) for pod in joined.pods]
    assert {pod.uid for pod in explained} >= {pod.metadata.uid for pod in RECORDED.pods()}
    shown(explained)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(PLACES), EXTREME), min_size=1, max_size=6))
def test_whatever_numbers_an_agent_answers_top_and_doctor_tell_it(
    changes: list[tuple[tuple[Any, ...], int]],
) -> None:
    try:
        sample = msgspec.msgpack.decode(altered(*changes), type=NodeSample)
    except msgspec.ValidationError:
        return
    view = NodeView(name=sample.node.name, pods=RECORDED.pods())
    view = answered(view, sample, view.uids, 100.0, FACTS)
    assert {row.name for row in view.rows} == {pod.metadata.name for pod in RECORDED.pods()}
    judged_by_every_check(sample)


def judged_by_every_check(sample: NodeSample) -> None:
    """Judge it, as far as a check needs nothing else."""
    answer = Answer(target=Target(node="n", agent=None, pod_uids=[]), sample=sample)
    facts = DoctorFacts(
        question=Question(),
        conversations=[Conversation(answer=answer, sent_at=1e9, received_at=1e9 + 1)],
        pods=PodsSeen(
            count=1, running=1, more=False, by_node={"n": Running(name="a/b", uid=sample.pods[0].uid)}
        ),
        metrics=MetricsSeen(asked_at=1e9, timestamps={"n/p": 1e9}),
        agents={},
        nodes=[],
    )
    judged = 0
    for check in CLUSTER:
        with contextlib.suppress(LookupError):
            judged += check.judge(facts).sentence != ""
    assert judged >= 5


def shown(pods: list[Pod]) -> None:
    """Render them: what was contained must not come up in a report."""
    document = snapshot(*pods)
    assert table.render(document)
    assert json.render(document)


def test_a_pod_whose_arithmetic_fails_is_listed_and_the_others_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    collection = Collection(cast("Api", None), Plan(selection=Selection()), lambda: cast("Any", None))
    joined = collection._node_joined("n", RECORDED.pods(), RECORDED.sample(), FACTS)
    first, second = joined.pods[:2]

    def explain(pod: Pod, node: Node | None) -> Pod:
        if pod is first:
            raise ZeroDivisionError("x")
        return explain_pod(pod, node)

    monkeypatch.setattr("memcollect.taking.cluster.explain_pod", explain)
    one, other = collection._explained(first, joined.node), collection._explained(second, joined.node)
    assert (one.cgroup, one.composition) == (None, None)
    assert other.verdict
    assert [(each.name, each.reason) for each in collection.missing] == [
        (f"{first.namespace}/{first.name}", "broken-answer")
    ]
