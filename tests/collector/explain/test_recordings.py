"""What is known to have happened on recorded nodes, and that the explanation says just that."""

from functools import cache
from pathlib import Path

import pytest

from memcollect.documents.snapshot import Container, Finding, Pod, Snapshot
from memcollect.explain import explain
from memcollect.join.capture import Capture
from memcollect.join.local import LocalNames, local_snapshot
from memcollect_agent.measure.sample import Roots, sample_node
from memcollect_agent.wire import SampleRequest

KIB, MIB = 1 << 10, 1 << 20
FIXTURES = Path(__file__).parents[2] / "fixtures"
CLUSTER_NODES = (
    "systemd-kernel-7.2",
    "systemd-kernel-6.12",
    "systemd-oom-kernel-7.2",
    "cgroupfs-init-tmpfs-kernel-7.2",
)
LAB_NODES = ("lab-kernel-5.10", "lab-kernel-6.1", "lab-kernel-7.2")
SANDBOX_A = "b361119b-f663-4d3c-a6b4-4f72a32a506f"
SANDBOX_B = "476ef1fb-90cb-446a-989f-e9a1ed217abf"
SANDBOX_C = "3c171264-4698-4eab-a6f1-fc3d6d60d66e"
SANDBOX_D = "e6f4f99e-1fb0-4c02-8c51-7974e1302462"
SANDBOX_OOM = "3608534d-84fe-477d-968a-5f01040c72c5"


@cache
def node(name: str) -> Snapshot:
    tree = FIXTURES / name
    roots = Roots(proc=f"{tree}/proc", cgroup=f"{tree}/sys/fs/cgroup", sys=f"{tree}/sys")
    capture = Capture(label=name, captured_at="2026-01-01T00:00:00Z", finished_at="2026-01-01T00:00:01Z")
    return explain(local_snapshot(sample_node(SampleRequest(), roots), LocalNames(), capture))


def pod(name: str, uid: str) -> Pod:
    return next(each for each in node(name).pods if each.uid == uid)


def largest(row: Pod) -> Container:
    return max(
        (each for each in row.containers if each.composition is not None and each.role == "container"),
        key=lambda each: (each.cgroup and each.cgroup.current_bytes) or 0,
    )


def finding(row: Pod, cause: str) -> Finding:
    return next(each for each in row.findings if each.cause == cause)


def term(row: Pod, name: str) -> int:
    assert row.composition is not None
    return sum(each.estimate_bytes for each in row.composition.terms if each.term == name)


@pytest.mark.parametrize("name", CLUSTER_NODES)
def test_every_step_of_a_recorded_cluster_node_closes_within_204_kib(name: str) -> None:
    steps = [step for row in node(name).pods if row.ladder for step in row.ladder.steps]

    assert len(steps) == 4 * len(node(name).pods)
    assert all(step.closed for step in steps)
    assert max(abs(step.residual.estimate_bytes) for step in steps) <= 256 * KIB
    residuals = [
        abs(container.composition.residual.estimate_bytes)
        for row in node(name).pods
        for container in row.containers
        if container.composition is not None
    ]
    assert max(residuals) <= 204 * KIB


@pytest.mark.parametrize("name", LAB_NODES)
def test_every_step_of_a_recorded_lab_kernel_closes(name: str) -> None:
    steps = [step for row in node(name).pods if row.ladder for step in row.ladder.steps]

    assert len(steps) == 4 * len(node(name).pods)
    assert [step for step in steps if not step.closed] == []


def test_a_tmpfs_emptydir_is_64_mib_that_no_process_maps() -> None:
    row = pod("systemd-kernel-7.2", SANDBOX_B)
    found = finding(row, "pinned_shmem")

    assert found.estimate_bytes == term(row, "pinned_shmem") == 64 * MIB
    assert "mapped by no process" in found.sentence
    assert row.ladder is not None
    charging = next(step for step in row.ladder.steps if step.to_rung == "pod_current")
    assert next(each for each in charging.terms if each.term == "unmapped_shmem").estimate_bytes == 64 * MIB
    assert "64 MiB is tmpfs or shared memory, which stays" in row.verdict


def test_a_file_read_once_is_cold_cache_that_the_working_set_leaves_out() -> None:
    row = pod("systemd-kernel-7.2", SANDBOX_C)

    assert finding(row, "cold_cache").estimate_bytes == 245_698_560  # 234.3 MiB
    assert row.composition is not None
    assert row.composition.working_set_bytes < 50 * MIB


def test_two_small_servers_keep_5_7_mib_of_hot_cache() -> None:
    row = pod("systemd-kernel-7.2", SANDBOX_A)

    assert finding(row, "hot_cache").estimate_bytes == term(row, "hot_cache") == 5_955_584
    assert term(row, "anon") == pytest.approx(80.6 * MIB, rel=0.01)


@pytest.mark.parametrize("name", CLUSTER_NODES)
def test_on_a_recorded_node_private_memory_is_neither_lent_nor_borrowed(name: str) -> None:
    causes = {each.cause for row in node(name).pods for each in row.findings}

    assert causes.isdisjoint({"lent_anon", "borrowed_anon", "detached_anon", "lazyfree"})


def test_an_init_containers_tmpfs_is_charged_to_the_pod_and_kubectl_top_shows_none_of_it() -> None:
    row = pod("cgroupfs-init-tmpfs-kernel-7.2", SANDBOX_D)

    assert row.cgroup is not None
    assert row.cgroup.current_bytes == pytest.approx(65 * MIB, rel=0.02)
    assert row.composition is not None
    assert row.composition.working_set_bytes == pytest.approx(0.81 * MIB, rel=0.02)
    found = finding(row, "dead_containers")
    assert found.scope == "pod"
    assert -(found.estimate_bytes or 0) == pytest.approx(64 * MIB, rel=0.001)
    assert "64 MiB tmpfs" in found.sentence
    assert "64 MiB more is charged to the pod by containers that are gone." in row.verdict


def test_an_oom_kill_is_told_by_the_pod_although_the_containers_cgroup_is_gone() -> None:
    row = pod("systemd-oom-kernel-7.2", SANDBOX_OOM)
    found = finding(row, "oom_kill")

    assert found.scope == "pod"
    assert found.severity == "critical"
    assert "OOM killer" in row.verdict


def test_the_older_kernel_tells_the_same_story_of_the_same_pods() -> None:
    tmpfs = pod("systemd-kernel-6.12", "b531fa0c-394e-4aff-80ad-a28d914c0501")
    reader = pod("systemd-kernel-6.12", "61839b05-762c-4b05-a711-d176f126a07e")

    assert finding(tmpfs, "pinned_shmem").estimate_bytes == 64 * MIB
    assert finding(reader, "cold_cache").estimate_bytes == pytest.approx(235 * MIB, rel=0.01)


@pytest.mark.parametrize("name", LAB_NODES)
def test_memory_given_back_with_madv_free_is_28_mib_on_every_kernel(name: str) -> None:
    found = [each for row in node(name).pods for each in row.findings if each.cause == "lazyfree"]

    assert sorted(round((each.estimate_bytes or 0) / MIB) for each in found) == [12, 28]
