"""The same truths on trees recorded from three kernels, for machines that cannot boot one."""

from pathlib import Path

import msgspec
import pytest

from lab.contradictions import contradiction
from lab.explained import explained, outside_bounds, pod_of
from lab.truth import Measured, Recorded
from memcollect_agent.measure.sample import Roots, sample_node
from memcollect_agent.wire import SampleRequest

TREES = sorted((Path(__file__).parents[1] / "fixtures").glob("lab-kernel-*"))
LACKING = {"5.10": {"kernel", "pagetables", "vmalloc", "zswap"}, "6.1": set(), "7.2": set()}
"""Fields of memory.stat that a kernel is known not to have, of those that the composition uses."""


@pytest.fixture(params=TREES, ids=[tree.name for tree in TREES])
def tree(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture
def measured(tree: Path) -> Measured:
    recorded = msgspec.json.decode((tree / "truth.json").read_bytes(), type=Recorded)
    roots = Roots(proc=str(tree / "proc"), cgroup=str(tree / "sys/fs/cgroup"), sys=str(tree / "sys"))
    return Measured(
        workload=tree.name,
        kernel=recorded.kernel,
        truths=recorded.truths,
        pods=recorded.pods,
        containers=recorded.containers,
        sample=sample_node(SampleRequest(process_limit=5), roots),
    )


def test_three_kernels_are_recorded() -> None:
    assert [tree.name for tree in TREES] == ["lab-kernel-5.10", "lab-kernel-6.1", "lab-kernel-7.2"]


def test_every_cause_is_named_with_its_amount(measured: Measured) -> None:
    snapshot = explained(measured)
    wrong = [problem for truth in measured.truths if (problem := contradiction(snapshot, truth))]
    assert wrong == []


def test_every_residual_is_within_its_printed_bound(measured: Measured) -> None:
    assert outside_bounds(explained(measured)) == {}


def test_a_field_that_the_kernel_lacks_is_absent_and_not_zero(tree: Path, measured: Measured) -> None:
    lacking = LACKING[tree.name.removeprefix("lab-kernel-")]
    for pod in measured.sample.pods:
        assert pod.cgroup.stat is not None
        assert lacking.isdisjoint(pod.cgroup.stat)
        assert ("kernel" in pod.cgroup.stat) == ("kernel" not in lacking)


def test_memory_of_a_container_that_is_gone_is_the_pods(measured: Measured) -> None:
    pod = pod_of(explained(measured), "init-tmpfs")
    assert "dead_containers" in [finding.cause for finding in pod.findings]
    assert sorted(each.name for each in pod.containers) == ["app", "pause"]
