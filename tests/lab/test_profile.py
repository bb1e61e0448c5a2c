"""`profile` and `compare` on a real kernel: the guide as it is shipped, three repeats, two backends.

What the boots leave are bundles; everything is judged from them offline, as for a pull request.
"""

from pathlib import Path

import pytest

from lab import guide
from lab.guide import CYCLES, REPEATS, SINGLE, STEPS
from lab.guide_pages import AT_ONCE, BACKENDS, PHASES, ROUNDS, between, compare, compared
from memcollect.compare.model import Cell, Comparison, Pair, PhaseKey
from memcollect.compare.values import TOTALS
from memcollect.documents.bundle import Bundle, read_bundle
from memcollect.lab import kernels, matrix
from memcollect.lab.errors import LabError
from memcollect.lab.sandboxes import WORKER_MIB, WORKERS

pytestmark = pytest.mark.lab

MIB = 1 << 20
(KERNEL,) = matrix.versions(matrix.Suite.GUIDE)
"""Processes start several times faster in it than in the installed one; the guide starts two thousand."""
ARTIFACT_MIB = 64
WITH_ARTIFACT = {PhaseKey(name="after-artifact"), *ROUNDS}


@pytest.fixture(scope="module")
def results(lab_directory: Path) -> Path:
    try:
        kernels.provide(KERNEL)
    except LabError as error:
        pytest.skip(f"NOT RUN, since the kernel could not be had: {error}")
    directory = lab_directory / "profile"
    directory.mkdir(exist_ok=True)
    if not (directory / "left").exists():
        guide.run_all(directory, KERNEL, evidence=False)
    return directory


@pytest.fixture(scope="module")
def comparison(results: Path) -> Comparison:
    return compared(results, *BACKENDS)


def bundle(results: Path, name: str) -> Bundle:
    return read_bundle(str(results / name))


def difference(pair: Pair, metric: str) -> int:
    (delta,) = [each for each in pair.deltas if each.metric == metric]
    assert delta.difference is not None, (metric, delta.reason)
    return delta.difference.estimate_bytes


def cell(comparison: Comparison, backend: str, phase: PhaseKey) -> Cell:
    (found,) = [each for each in comparison.cells if (each.backend, each.phase) == (backend, phase)]
    return found


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_sample_of_the_guide_is_done_settled_and_measured_in_each_repeat(
    results: Path, backend: str
) -> None:
    found = bundle(results, backend)
    assert found.problems == []
    runs = [(each.repeat, each.phase, each.cycle, each.step, each.status) for each in found.manifest.phases]
    assert runs == [
        (repeat, each.name, each.cycle, each.step, "ok")
        for repeat in range(1, REPEATS + 1)
        for each in PHASES
    ]
    assert all(len(each.snapshots) == 1 for each in found.manifest.phases)
    assert [each.missing for each in found.manifest.phases if each.missing] == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_of_a_deleted_pod_is_left_on_the_node_and_that_was_looked_for(
    results: Path, backend: str
) -> None:
    looks = [each for run in bundle(results, backend).manifest.phases for each in run.nodes]
    after = [each for each in looks if each.moment == "after"]
    assert len(after) == REPEATS * (1 + len(STEPS))
    for each in after:
        assert (each.leftover_cgroups, each.leftover_processes) == (0, [])
        assert each.dying_cgroups is not None
        assert each.pods_charge_bytes is not None
        assert each.absent == {}


def test_workers_are_told_as_private_memory_in_every_phase(comparison: Comparison) -> None:
    own = WORKERS * WORKER_MIB * MIB
    for phase in PHASES:
        grown = difference(between(comparison, phase), "anon")
        # Beside what they fill themselves, workers write to some pages of the interpreter they share.
        assert own <= grown < own + WORKERS * MIB, phase


def test_an_artifact_in_tmpfs_is_shared_memory_to_the_byte_and_from_then_on(comparison: Comparison) -> None:
    found = {phase: difference(between(comparison, phase), "shmem") for phase in PHASES}
    assert found == {phase: ARTIFACT_MIB * MIB if phase in WITH_ARTIFACT else 0 for phase in PHASES}


def test_an_artifact_on_a_disk_is_page_cache_and_no_shared_memory(results: Path) -> None:
    found = bundle(results, "disk")
    for run in (each for each in found.manifest.phases if each.phase == "after-artifact"):
        (pod,) = found.snapshots[run.snapshots[0]].pods
        assert pod.cgroup is not None
        assert pod.cgroup.stat is not None
        cache = pod.cgroup.stat["inactive_file"] + pod.cgroup.stat["active_file"]
        assert ARTIFACT_MIB * MIB <= cache < (ARTIFACT_MIB + 8) * MIB
        assert pod.cgroup.stat["shmem"] == 0


def test_what_is_charged_with_its_cache_shows_that_both_pay_for_the_artifact(comparison: Comparison) -> None:
    pair = between(comparison, PhaseKey(name="after-artifact"))
    assert difference(pair, "working_set") > ARTIFACT_MIB * MIB
    # As the workers' memory, with the slab that the disk's page cache needs.
    assert abs(difference(pair, "pod_charge")) < 10 * MIB


def test_the_terms_of_a_difference_add_up_to_it(comparison: Comparison) -> None:
    for phase in PHASES:
        pair = between(comparison, phase)
        terms = sum(difference(pair, each.metric) for each in pair.deltas if each.metric not in TOTALS)
        # Each number is a median of its own; with three repeats they may come from different ones.
        assert abs(terms - difference(pair, "working_set")) < MIB, phase


def test_all_that_the_same_work_on_the_same_kernel_lacks_for_a_claim_is_evidence(
    comparison: Comparison,
) -> None:
    # Here the guide measures memory alone; what the backends do besides is in test_profile_evidence.py.
    for phase in PHASES:
        pair = between(comparison, phase)
        assert [each.rule for each in pair.refusals] == ["evidence", "tried-image"], phase
        assert pair.claim == ""
    assert "Nothing may be claimed" in comparison.verdict
    assert "do = “evidence” does" in comparison.verdict


def test_a_released_sandbox_comes_back_as_the_same_pod_and_does_not_grow(comparison: Comparison) -> None:
    assert [(each.backend, each.phase, each.rounds) for each in comparison.reuses] == [
        (backend, "warm-reuse", CYCLES) for backend in BACKENDS
    ]
    for each in comparison.reuses:
        assert (each.same_pod, each.reuses) == (REPEATS * CYCLES, REPEATS * CYCLES)
        assert each.growth is not None
        assert max(abs(each.growth.low_bytes), abs(each.growth.high_bytes)) < MIB


def test_every_sandbox_of_each_step_became_ready_and_its_latency_is_told(comparison: Comparison) -> None:
    rows = {(row.backend, row.phase): row for row in comparison.startups}
    for backend in BACKENDS:
        for phase in AT_ONCE:
            row = rows[backend, phase]
            assert phase.step is not None
            assert (row.n, row.never_ready, row.pulled, row.pull_unknown) == (REPEATS * phase.step, 0, 0, 0)
            assert row.p50_seconds is not None
            assert row.p95_seconds is not None
            assert row.p99_seconds is not None
            assert 0 < row.p50_seconds <= row.p95_seconds <= row.p99_seconds
            assert [stage.n for stage in row.stages] == [row.n] * 3


def test_what_the_node_lost_stands_beside_the_pods_own_number(comparison: Comparison) -> None:
    for summary in comparison.node_summaries:
        if summary.phase in AT_ONCE:
            assert summary.charged_bytes is not None
            # Of a hundred pods, little of the node's loss is the neighbours'.
            assert abs(summary.lost.median_bytes - summary.charged_bytes) < 2 * MIB, summary


def test_the_page_says_what_may_be_claimed_and_is_the_same_each_time(results: Path) -> None:
    page = compare(results, *BACKENDS, "--issue", "#3213", "--format", "markdown")
    assert page == compare(results, *BACKENDS, "--issue", "#3213", "--format", "markdown")
    assert page.index("## What may be claimed") < page.index("## Working set per pod")
    assert "| after-artifact | 3/3 |" in page
    assert "## Release and reuse" in page


def test_a_process_that_a_phase_left_behind_is_named(results: Path) -> None:
    left = compared(results, "left").left_processes
    assert [(each.phase.name, each.name, each.repeats) for each in left] == [("after-bash", "sleep", 1)]


def test_one_byte_more_of_work_is_refused_with_the_reason(results: Path) -> None:
    # 3: the changed plan ends before release and reuse, and what is not measured on both sides is told.
    comparison = compared(results, "memory", "changed", "--by", "file", code=3)
    workload = {
        name: next(
            each for each in between(comparison, PhaseKey(name=name)).judgements if each.rule == "workload"
        )
        for name in SINGLE
    }
    assert [workload[name].holds for name in SINGLE] == [True, True, True, True, False]
    reason = workload["after-artifact"].reason
    assert reason == "different workload in after-artifact: it was not the same work on both sides"
    assert between(comparison, PhaseKey(name="after-artifact")).claim == ""
    assert "Nothing may be claimed" in comparison.verdict
