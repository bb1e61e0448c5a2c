"""Rounds over the stand-in API server, with real agents on trees that change between them."""

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from memcollect.errors import ClusterError
from memcollect.live.frame import frame_of
from memcollect.live.model import Frame, Shown, World
from memcollect.sources.agents import Limits
from memcollect.sources.api import Patience
from memcollect.sources.kube_config import connect
from memcollect.sources.pods import Selection
from memcollect.sources.portforward import port_forwarding
from memcollect.taking.cluster import Plan
from memcollect.testing import Fault
from memcollect.watching.cluster import ClusterWatch
from worlds.tcp_agents import hanging, listening, refusing_port
from worlds.top_stage import MIB, NAMESPACE, TopStage, top_stage
from worlds.waiting import PATIENCE


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[TopStage]:
    with top_stage(tmp_path) as made:
        yield made


@contextlib.contextmanager
def watching(
    stage: TopStage,
    timeout: float = PATIENCE,
    names: list[str] | None = None,
    *,
    selector: str | None = None,
    nodes: bool = False,
) -> Iterator[ClusterWatch]:
    cluster = connect(stage.live.kubeconfig)
    selection = Selection(namespaces=[NAMESPACE], names=names, selector=selector)
    plan = Plan(selection=selection, limits=Limits(timeout=timeout), nodes=nodes)
    patience = Patience(timeout=PATIENCE, total=PATIENCE, tries=1)
    watch = ClusterWatch(cluster, plan, patience, port_forwarding(cluster))
    try:
        yield watch
    finally:
        watch.close()


def a_round(watch: ClusterWatch, seconds: float = PATIENCE) -> Frame:
    return framed(watch.round(seconds, lambda _: None, lambda: False))


def framed(world: World, patience: float = 1e9) -> Frame:
    return frame_of(world, time.monotonic(), patience, "name")


def by_name(frame: Frame) -> dict[str, Shown]:
    return {shown.row.name: shown for shown in frame.rows}


def sizes(frame: Frame) -> dict[str, int | None]:
    return {
        name: each.row.parts.working_set_bytes if each.row.parts else None
        for name, each in by_name(frame).items()
    }


def test_a_round_has_every_pod_and_what_kubectl_top_says(stage: TopStage) -> None:
    one, two = stage.node("node-1"), stage.node("node-2")
    one.add_pod(1, 100 * MIB, top=90 * MIB)
    two.add_pod(2, 200 * MIB, top=200 * MIB)
    with watching(stage) as watch:
        frame = a_round(watch)
    assert sizes(frame) == {"sandbox-1": 100 * MIB, "sandbox-2": 200 * MIB}
    row = by_name(frame)["sandbox-1"].row
    assert (row.top_bytes, row.node) == (90 * MIB, "node-1")
    assert (row.use.current_bytes, row.use.limit) == (100 * MIB, 1024 * MIB)
    assert frame.is_complete


def test_growth_between_two_rounds_is_the_agents_history(stage: TopStage) -> None:
    node = stage.node()
    node.add_pod(1, 100 * MIB)
    stage.remembered(node)
    with watching(stage) as watch:
        first = by_name(a_round(watch))["sandbox-1"].row.growth
        node.charge(1, 130 * MIB)
        second = by_name(a_round(watch))["sandbox-1"].row
    assert first is not None
    assert first.change_bytes == 0
    assert second.growth is not None
    assert second.growth.change_bytes == 30 * MIB
    assert second.growth.over_seconds > first.over_seconds
    assert second.parts is not None
    assert second.parts.anon.bytes == 130 * MIB


def test_history_is_asked_for_since_the_last_answer_only(stage: TopStage) -> None:
    node = stage.node()
    node.add_pod(1, 100 * MIB)
    stage.remembered(node)
    with watching(stage) as watch:
        a_round(watch)
        held = [_points(watch.world)]
        a_round(watch)
        held.append(_points(watch.world))
    assert held[0] >= 3
    assert held[1] < held[0]


def _points(world: World) -> int:
    sample = world.nodes["node-1"].sample
    assert sample is not None
    assert sample.history is not None
    return max(len(ring.times) for ring in sample.history.cgroups)


def test_processes_are_not_read(stage: TopStage) -> None:
    stage.node().add_pod(1, 100 * MIB)
    with watching(stage) as watch:
        a_round(watch)
        sample = watch.world.nodes["node-1"].sample
    assert sample is not None
    assert all(container.sums.listed == 0 for pod in sample.pods for container in pod.containers)


def test_an_agent_that_hangs_delays_nobody_and_its_rows_stay_and_are_marked(stage: TopStage) -> None:
    good, bad = stage.node("node-1"), stage.node("node-2")
    good.add_pod(1, 100 * MIB)
    bad.add_pod(2, 200 * MIB)
    with watching(stage) as watch, listening(hanging) as port:
        a_round(watch)
        stage.live.reach("node-2", port)
        good.charge(1, 150 * MIB)
        began = time.monotonic()
        a_round(watch, seconds=1.0)
        took = time.monotonic() - began
        good.charge(1, 160 * MIB)
        a_round(watch, seconds=1.0)
        frame = framed(watch.world, patience=1.0)
    assert took < PATIENCE / 2
    assert sizes(frame) == {"sandbox-1": 160 * MIB, "sandbox-2": 200 * MIB}
    assert {name: shown.stale for name, shown in by_name(frame).items()} == {
        "sandbox-1": False,
        "sandbox-2": True,
    }
    assert (by_name(frame)["sandbox-2"].age_seconds or 0) > 1.0
    (missing,) = frame.missing
    assert (missing.name, missing.reason) == ("node-2", "no-answer")


def test_an_agent_that_hangs_is_not_asked_again_until_its_time_is_over(stage: TopStage) -> None:
    stage.node("node-1", agent=True).add_pod(1, 100 * MIB)
    asked: list[bytes] = []

    def noting(connection: socket.socket, body: bytes) -> None:
        asked.append(body)
        hanging(connection, body)

    with listening(noting) as port:
        stage.live.reach("node-1", port)
        with watching(stage, timeout=60.0) as watch:
            for _ in range(3):
                a_round(watch, seconds=0.3)
    assert len(asked) == 1


def test_an_agent_that_comes_back_is_no_longer_stale(stage: TopStage) -> None:
    node = stage.node()
    node.add_pod(1, 100 * MIB)
    with watching(stage) as watch:
        a_round(watch)
        stage.live.reach("node-1", refusing_port())
        failing = a_round(watch)
        stage.live.reach("node-1", node.port)
        node.charge(1, 120 * MIB)
        healed = a_round(watch)
    assert by_name(failing)["sandbox-1"].stale
    assert failing.missing[0].reason in {"agent-refused", "agent-unreachable"}
    assert sizes(failing) == {"sandbox-1": 100 * MIB}
    assert not by_name(healed)["sandbox-1"].stale
    assert sizes(healed) == {"sandbox-1": 120 * MIB}
    assert healed.is_complete


def test_a_pod_that_is_deleted_between_rounds_is_told_once_more_below(stage: TopStage) -> None:
    node = stage.node()
    node.add_pod(1, 100 * MIB)
    name = node.add_pod(2, 50 * MIB)
    with watching(stage) as watch:
        a_round(watch)
        node.remove(2, name)
        frame = a_round(watch)
    assert sizes(frame) == {"sandbox-1": 100 * MIB}
    assert [(gone.name, gone.working_set_bytes) for gone in frame.departed] == [
        ("deer-flow/sandbox-2", 50 * MIB)
    ]
    assert frame.is_complete


def test_a_pod_that_was_named_and_is_deleted_is_missing(stage: TopStage) -> None:
    node = stage.node()
    node.add_pod(1, 100 * MIB)
    name = node.add_pod(2, 50 * MIB)
    with watching(stage, names=["sandbox-1", name]) as watch:
        assert a_round(watch).is_complete
        node.remove(2, name)
        frame = a_round(watch)
    assert [(missing.name, missing.reason) for missing in frame.missing] == [("sandbox-2", "not-found")]


def test_a_pod_that_comes_between_rounds_is_measured_in_the_next(stage: TopStage) -> None:
    node = stage.node()
    node.add_pod(1, 100 * MIB)
    with watching(stage) as watch:
        a_round(watch)
        node.add_pod(2, 70 * MIB)
        assert sizes(a_round(watch)) == {"sandbox-1": 100 * MIB, "sandbox-2": 70 * MIB}


def test_a_pod_without_metrics_says_why(stage: TopStage) -> None:
    stage.node().add_pod(1, 100 * MIB)
    with watching(stage) as watch:
        row = by_name(a_round(watch))["sandbox-1"].row
    assert row.top_bytes is None
    assert "leaves out" in row.top_detail


def test_the_metrics_api_is_not_asked_again_within_its_time(stage: TopStage) -> None:
    node = stage.node()
    node.add_pod(1, 100 * MIB, top=90 * MIB)
    with watching(stage) as watch:
        a_round(watch)
        node.sampled("sandbox-1", 95 * MIB)
        assert by_name(a_round(watch))["sandbox-1"].row.top_bytes == 90 * MIB


def test_without_a_metrics_api_the_numbers_of_the_agents_are_there_and_the_gap_is_missing(
    stage: TopStage,
) -> None:
    stage.node().add_pod(1, 100 * MIB)
    stage.live.state.fault(Fault("/apis/metrics.k8s.io", status=503, times=None))
    with watching(stage) as watch:
        frame = a_round(watch)
    assert sizes(frame) == {"sandbox-1": 100 * MIB}
    assert [(missing.kind, missing.reason) for missing in frame.missing] == [
        ("metrics", "metrics-unavailable")
    ]


def test_a_node_without_an_agent_is_a_row_with_its_reason(stage: TopStage) -> None:
    stage.node("node-1").add_pod(1, 100 * MIB)
    stage.node("node-2", agent=False).add_pod(2, 100 * MIB)
    with watching(stage) as watch:
        frame = a_round(watch)
    assert sizes(frame) == {"sandbox-1": 100 * MIB, "sandbox-2": None}
    assert [(missing.name, missing.reason) for missing in frame.missing] == [
        ("deer-flow/sandbox-2", "no-agent")
    ]


def test_no_pod_at_all_is_missing(stage: TopStage) -> None:
    with watching(stage) as watch:
        frame = a_round(watch)
    assert [missing.reason for missing in frame.missing] == ["no-match"]


def test_who_is_there_instead_is_asked_once_until_a_pod_has_come_and_gone(stage: TopStage) -> None:
    node = stage.node()
    with watching(stage, selector="app=deer-flow-sandbox") as watch:
        assert [_lists_of_pods(stage, watch) for _ in range(3)] == [2, 1, 1]
        name = node.add_pod(1, 100 * MIB)
        assert _lists_of_pods(stage, watch) == 1
        node.remove(1, name)
        assert [_lists_of_pods(stage, watch) for _ in range(2)] == [2, 1]
        assert [each.reason for each in a_round(watch).missing] == ["no-match"]


def _lists_of_pods(stage: TopStage, watch: ClusterWatch) -> int:
    stage.live.state.requests.clear()
    a_round(watch)
    return stage.live.state.requests.paths().count(f"/api/v1/namespaces/{NAMESPACE}/pods")


def test_pods_that_cannot_be_listed_at_first_are_an_error_and_later_a_problem(stage: TopStage) -> None:
    stage.node().add_pod(1, 100 * MIB)
    listing = f"/api/v1/namespaces/{NAMESPACE}/pods"
    with watching(stage) as watch:
        stage.live.state.fault(Fault(listing, status=403))
        with pytest.raises(ClusterError):
            a_round(watch)
    with watching(stage) as watch:
        a_round(watch)
        stage.live.state.fault(Fault(listing, status=403))
        frame = a_round(watch)
    assert sizes(frame) == {"sandbox-1": 100 * MIB}
    assert [(missing.kind, missing.reason) for missing in frame.missing] == [("pods", "denied")]


def test_a_round_that_is_stopped_ends_at_once(stage: TopStage) -> None:
    stage.node("node-1").add_pod(1, 100 * MIB)
    with listening(hanging) as port, watching(stage) as watch:
        stage.live.reach("node-1", port)
        began = time.monotonic()
        watch.round(PATIENCE, lambda _: None, lambda: True)
        watch.wait(PATIENCE, lambda _: None, lambda: True)
    assert time.monotonic() - began < PATIENCE / 2


def test_whoever_watches_hears_of_each_answer(stage: TopStage) -> None:
    stage.node("node-1").add_pod(1, 100 * MIB)
    stage.node("node-2").add_pod(2, 100 * MIB)
    seen: list[int] = []
    with watching(stage) as watch:
        watch.round(PATIENCE, lambda world: seen.append(framed(world).total.measured), lambda: False)
    assert seen[0] == 0
    assert set(seen) == {0, 1, 2}


def test_with_nodes_those_without_a_pod_of_the_selection_are_asked_too(stage: TopStage) -> None:
    stage.node("node-1")
    with watching(stage, nodes=True) as watch:
        for _ in range(2):
            frame = a_round(watch)
            assert (frame.nodes, frame.is_complete) == (1, True)
        assert watch.world.nodes["node-1"].sample is not None
