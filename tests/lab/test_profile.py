"""`profile` and `compare` on a real kernel, one boot: two backends, one plan, and one byte of it changed.

What the guest leaves are bundles; everything is judged from them offline, as for a pull request.
"""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from lab.cluster_runner import Ran
from lab.profile_runner import ARTIFACT_MIB, WORKERS_MIB
from memcollect.bundle import Bundle, read_bundle
from memcollect.compare.model import Comparison, Pair
from memcollect.lab import uml
from memcollect.lab.kernels import Kernel

pytestmark = pytest.mark.lab

MIB = 1 << 20
PHASES = ["empty", "after-bash", "after-artifact"]
ANON_IN_BOTH = MIB
"""The private memory that the program of `disk` holds, too."""


@pytest.fixture(scope="module")
def results(kernel: Kernel, lab_directory: Path) -> Path:
    directory = lab_directory / "profile"
    directory.mkdir(exist_ok=True)
    if not (directory / "steps.json").exists():
        machine = uml.Machine(
            kernel=kernel,
            command=[sys.executable, "-m", "lab.profile_runner", str(directory)],
            memory_bytes=512 * MIB,
            disk_bytes=192 * MIB,
            disk_target="/mnt/disk",
            tmpfs=["/mnt", "/mnt/memory"],
            time_limit_seconds=240.0,
        )
        outcome = uml.boot(machine)
        assert outcome.exit_code == 0, "\n".join([*outcome.errors, outcome.kernel_log[-2000:]])
    return directory


@pytest.fixture(scope="module")
def comparison(results: Path) -> Comparison:
    return compared(results, "disk", "memory")


def compared(results: Path, *runs: str) -> Comparison:
    command = [sys.executable, "-m", "memcollect", "compare", *runs, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=results)
    assert done.returncode == 0, done.stderr
    return msgspec.json.decode(done.stdout, type=Comparison)


def bundle(results: Path, name: str) -> Bundle:
    return read_bundle(str(results / name))


def between(comparison: Comparison, phase: str) -> Pair:
    """Return the pair of the two backends in that phase."""
    (found,) = [
        each for each in comparison.pairs if each.kind == "backends" and each.candidate.phase.name == phase
    ]
    return found


def difference(pair: Pair, metric: str) -> int:
    (delta,) = [each for each in pair.deltas if each.metric == metric]
    assert delta.difference is not None, (metric, delta.reason)
    return delta.difference.estimate_bytes


def median(comparison: Comparison, backend: str, phase: str, metric: str) -> int:
    (cell,) = [e for e in comparison.cells if e.backend == backend and e.phase.name == phase]
    measure = cell.measure(metric)
    assert measure is not None
    assert measure.spread is not None, measure.reason
    return measure.spread.median_bytes


def test_every_phase_of_every_repeat_is_done_settled_and_measured(results: Path) -> None:
    steps = msgspec.json.decode((results / "steps.json").read_bytes(), type=dict[str, Ran])
    assert {name: step.code for name, step in steps.items()} == {"disk": 0, "memory": 0, "changed": 0}, steps
    for name, repeats in (("disk", 3), ("memory", 3), ("changed", 1)):
        found = bundle(results, name)
        assert found.problems == []
        runs = [(each.repeat, each.phase, each.status) for each in found.manifest.phases]
        assert runs == [(n, phase, "ok") for n in range(1, repeats + 1) for phase in PHASES]
        assert all(len(each.snapshots) == 1 for each in found.manifest.phases)


def test_nothing_of_a_deleted_pod_is_left_on_the_node(results: Path) -> None:
    for name in ("disk", "memory"):
        looks = [each for run in bundle(results, name).manifest.phases for each in run.nodes]
        after = [each for each in looks if each.moment == "after"]
        assert [each.leftover_cgroups for each in after] == [0, 0, 0]


def test_the_memory_of_forked_workers_is_told_as_private_memory_from_the_first_phase_on(
    comparison: Comparison,
) -> None:
    for phase in PHASES:
        grown = difference(between(comparison, phase), "anon")
        # Beside the heap that they share, each worker has pages of its own interpreter.
        assert WORKERS_MIB * MIB - ANON_IN_BOTH <= grown < (WORKERS_MIB + 8) * MIB, phase


def test_an_artifact_in_tmpfs_is_told_as_shared_memory_and_only_after_it_was_written(
    comparison: Comparison,
) -> None:
    assert [difference(between(comparison, phase), "shmem") for phase in PHASES] == [
        0,
        0,
        ARTIFACT_MIB * MIB,
    ]


def test_an_artifact_on_a_disk_is_page_cache_and_no_shared_memory(
    results: Path, comparison: Comparison
) -> None:
    assert median(comparison, "disk", "after-artifact", "shmem") == 0
    found = bundle(results, "disk")
    for run in (each for each in found.manifest.phases if each.phase == "after-artifact"):
        (pod,) = found.snapshots[run.snapshots[0]].pods
        assert pod.cgroup is not None
        assert pod.cgroup.stat is not None
        cache = pod.cgroup.stat["inactive_file"] + pod.cgroup.stat["active_file"]
        assert ARTIFACT_MIB * MIB <= cache < (ARTIFACT_MIB + 8) * MIB


def test_the_terms_of_a_difference_add_up_to_it(comparison: Comparison) -> None:
    for phase in PHASES:
        pair = between(comparison, phase)
        totals = {"working_set", "top", "pod_working_set", "pss"}
        terms = sum(difference(pair, each.metric) for each in pair.deltas if each.metric not in totals)
        # Each number is a median of its own; with three repeats they may come from different ones.
        assert abs(terms - difference(pair, "working_set")) < MIB, phase


def test_the_same_work_on_the_same_kernel_carries_a_claim(comparison: Comparison) -> None:
    pair = between(comparison, "after-artifact")
    assert [(each.rule, each.reason) for each in pair.refusals] == []
    assert pair.allowed
    assert pair.claim.startswith("after-artifact, memory against disk: ")
    assert " more working set per pod" in pair.claim


def test_a_process_that_a_phase_left_behind_is_named(comparison: Comparison) -> None:
    left = {(each.backend, each.phase.name, each.name, each.repeats) for each in comparison.left_processes}
    assert left == {(backend, "after-bash", "sleep", 3) for backend in ("disk", "memory")}


def test_one_byte_more_of_work_is_refused_with_the_reason(results: Path) -> None:
    comparison = compared(results, "memory", "changed", "--by", "file")
    workload = {
        phase: next(each for each in between(comparison, phase).judgements if each.rule == "workload")
        for phase in PHASES
    }
    assert [workload[phase].holds for phase in PHASES] == [True, True, False]
    reason = workload["after-artifact"].reason
    assert reason == "different workload in after-artifact: it was not the same work on both sides"
    assert between(comparison, "after-artifact").claim == ""
    assert comparison.verdict.startswith("Related to the issue. Nothing may be claimed: ")
