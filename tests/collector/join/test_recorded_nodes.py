"""Recorded clusters, joined and reconciled with the `kubectl top` that was printed in the same seconds."""

import pytest

from memcollect.documents.snapshot import Container, Ladder, Pod
from memcollect.join.roles import app_containers
from worlds.recorded_nodes import CONDITIONS, RecordedNode

MIB = 1 << 20


@pytest.fixture(params=CONDITIONS)
def node(request: pytest.FixtureRequest) -> RecordedNode:
    return RecordedNode(request.param)


def rung(ladder: Ladder | None, name: str) -> int | None:
    assert ladder is not None
    return next(each.bytes for each in ladder.rungs if each.rung == name)


def rows(node: RecordedNode) -> list[tuple[Pod, Container]]:
    pods, _ = node.joined()
    return [(pod, each) for pod in pods for each in app_containers(pod) if each.cgroup is not None]


def pod_called(node: RecordedNode, name: str) -> Pod:
    return next(pod for pod in node.joined()[0] if pod.name == name)


def test_five_conditions_are_recorded() -> None:
    assert len(CONDITIONS) == 5


def test_every_pod_and_container_is_found_and_nothing_is_missing(node: RecordedNode) -> None:
    pods, missing = node.joined()
    assert missing == []
    assert all(pod.cgroup is not None for pod in pods)
    assert {each.role for pod in pods for each in pod.containers} <= {"container", "init", "pause"}
    assert all(sum(each.role == "pause" for each in pod.containers) == 1 for pod in pods)


def test_kubectl_top_is_the_recorded_one_for_every_container(node: RecordedNode) -> None:
    shown = {
        (pod.namespace, pod.name, each.name): f"{(rung(each.ladder, 'top') or 0) // MIB}Mi"
        for pod, each in rows(node)
    }
    assert shown == node.kubectl_top()


def test_a_pods_top_is_its_containers_summed_and_then_floored(node: RecordedNode) -> None:
    for pod in node.joined()[0]:
        raw = [each.top.memory_bytes for each in app_containers(pod) if each.top is not None]
        assert rung(pod.ladder, "top") == sum(each or 0 for each in raw) // MIB * MIB


def test_every_container_and_pod_is_reconciled_to_the_byte(node: RecordedNode) -> None:
    for pod, each in rows(node):
        assert each.top is not None
        assert (each.top.status, each.top.memory_bytes) == ("reconciled", rung(each.ladder, "working_set"))
        assert pod.top is not None
        assert pod.top.status == "reconciled"


def test_the_next_sample_is_reconciled_with_the_agents_number_of_its_time(node: RecordedNode) -> None:
    """The kubelet's newer sample lies between the one that metrics-server had and the agent's."""
    pods, _ = node.joined(node.next_metrics())
    tops = [each.top for pod in pods for each in pod.containers if each.top is not None]
    assert {top.status for top in tops} == {"reconciled"}
    aligned = [top for top in tops if top.working_set_at_sample_bytes is not None]
    assert all(top.memory_bytes == top.working_set_at_sample_bytes for top in aligned)


def test_an_aligned_sample_is_among_the_recorded_ones() -> None:
    aligned = {
        pod.name
        for condition in CONDITIONS
        for node in [RecordedNode(condition)]
        for pod in node.joined(node.next_metrics())[0]
        if pod.top is not None and pod.top.working_set_at_sample_bytes is not None
    }
    assert "sandbox-a" in aligned


def test_the_step_to_the_top_is_closed(node: RecordedNode) -> None:
    pods, _ = node.joined()
    for ladder in [pod.ladder for pod in pods] + [each.ladder for _, each in rows(node)]:
        assert ladder is not None
        (step,) = [each for each in ladder.steps if each.to_rung == "top"]
        assert step.closed
        assert [term.term for term in step.terms if term.estimate_bytes] in ([], ["rounding"])


def test_a_timestamp_is_the_earliest_containers_cut_to_a_second(node: RecordedNode) -> None:
    """Which is why a window is one second for one container, and reaches until now for several."""
    newer = node.kubelet_samples()
    for (namespace, name), usage in node.metrics().pods.items():
        times = [newer[namespace, name, each.name][0] for each in usage.containers]
        assert usage.timestamp is not None
        assert usage.timestamp == int(usage.timestamp)
        assert all(at >= usage.timestamp for at in times)
    seconds = {
        int(min(newer[(*pod, each.name)][0] for each in usage.containers)) - (usage.timestamp or 0)
        for pod, usage in node.metrics().pods.items()
    }
    assert 0 in seconds


def test_the_dead_init_containers_tmpfs_is_explained_where_kubectl_top_shows_nothing() -> None:
    pod = pod_called(RecordedNode("cgroupfs-init-tmpfs-kernel-7.2"), "sandbox-d")
    assert rung(pod.ladder, "top") == 0
    assert pod.top is not None
    assert pod.top.memory_bytes == 828 * 1024
    dead = next(each for each in pod.findings if each.cause == "dead_containers")
    assert dead.estimate_bytes == -67133440
    assert "64 MiB" in dead.sentence
    assert [(each.name, each.role, each.state) for each in pod.containers][:2] == [
        ("main", "container", "running"),
        ("fill", "init", "terminated"),
    ]


def test_what_the_oom_killer_took_is_told_of_the_pod_and_its_container() -> None:
    pod = pod_called(RecordedNode("systemd-oom-kernel-7.2"), "sandbox-oom")
    hog = next(each for each in pod.containers if each.name == "hog")
    assert hog.cgroup is None
    assert hog.last_termination is not None
    assert hog.last_termination.reason in {"OOMKilled", "Error"}
    assert pod.top is not None
    assert (pod.top.status, rung(pod.ladder, "top")) == ("reconciled", 52 * MIB)
    assert "OOM killer" in pod.verdict
