"""The lab's cluster, one boot: every snapshot against what the sampler itself logged, doctor on each fault.

The metrics API is held still for the first snapshots, at an age that its numbers often have, so that the
growing pod has surely left its number behind.
"""

import re
import sys
from pathlib import Path

import msgspec
import pytest

from lab.cluster_runner import Ran
from lab.explained import ladder_of, residuals_of, steps_of
from memcollect.doctor.result import Report, Result
from memcollect.documents.snapshot import Container, Pod, Snapshot, Top
from memcollect.lab import uml
from memcollect.lab.cadvisor import Reading
from memcollect.lab.kernels import Kernel
from worlds import children
from worlds.real_kubectl import kubectl_path, why_not

pytestmark = pytest.mark.lab

MIB = 1 << 20
QUIET = {"sandbox-workers", "sandbox-read-once", "sandbox-shm", "sandbox-init-tmpfs", "sandbox-restarting"}
needs_kubectl = pytest.mark.skipif(kubectl_path() is None, reason=why_not())


class Results:
    """What the guest left."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.steps = msgspec.json.decode((directory / "steps.json").read_bytes(), type=dict[str, Ran])
        lines = (directory / "readings.jsonl").read_text().splitlines()
        self.readings = [msgspec.json.decode(line, type=Reading) for line in lines]

    def file(self, name: str) -> Path:
        return self._directory / f"{name}.json"

    def snapshot(self, name: str) -> Snapshot:
        return msgspec.json.decode(self.file(name).read_bytes(), type=Snapshot)

    def reading_of(self, container: Container, top: Top) -> Reading:
        """Return the reading that a container's number is: the first with its bytes since its timestamp."""
        assert container.id is not None
        assert top.timestamp is not None
        same = [
            each
            for each in self.readings
            if each.container_id.startswith(container.id)
            and each.working_set_bytes == top.memory_bytes
            and each.at >= top.timestamp
        ]
        assert same, container.name
        return min(same, key=lambda each: each.at)

    def doctor(self, step: str) -> dict[str, Result]:
        report = msgspec.json.decode(self.steps[step].out, type=Report)
        return {result.check: result for result in report.results}


@pytest.fixture(scope="module")
def results(kernel: Kernel, lab_directory: Path) -> Results:
    directory = lab_directory / "cluster"
    directory.mkdir(exist_ok=True)
    if not (directory / "steps.json").exists():
        machine = uml.Machine(
            kernel=kernel,
            command=[sys.executable, "-m", "lab.cluster_runner", str(directory)],
            memory_bytes=768 * MIB,
            disk_bytes=192 * MIB,
            disk_target="/mnt/user-data",
            tmpfs=["/mnt"],
            time_limit_seconds=900.0,
        )
        outcome = uml.boot(machine)
        assert outcome.exit_code == 0, "\n".join([*outcome.errors, outcome.kernel_log[-2000:]])
    return Results(directory)


def pods_of(snapshot: Snapshot) -> dict[str, Pod]:
    return {pod.name: pod for pod in snapshot.pods}


def living(pod: Pod) -> list[Container]:
    """Return the containers that kubectl top adds up."""
    found = [each for each in pod.containers if each.role == "container" and each.state == "running"]
    assert found, pod.name
    return found


def top_of(pod: Pod | Container) -> Top:
    assert pod.top is not None, pod.name
    return pod.top


def size_of(container: Container) -> int:
    assert container.cgroup is not None
    return container.cgroup.current_bytes or 0


def drift_of(pod: Pod) -> int:
    (step,) = [each for each in ladder_of(pod, "pod").steps if each.to_rung == "working_set_at_sample"]
    return sum(term.estimate_bytes for term in step.terms if term.term == "drift")


def test_all_that_was_asked_for_is_measured(results: Results) -> None:
    assert results.steps["aligned"].code == 0, results.steps["aligned"].err
    snapshot = results.snapshot("aligned")
    assert set(pods_of(snapshot)) == {*QUIET, "sandbox-growing"}
    assert snapshot.missing == []
    for pod in snapshot.pods:
        assert all(container.processes for container in living(pod)), pod.name


def test_every_number_of_top_is_a_reading_of_the_sampler(results: Results) -> None:
    for pod in results.snapshot("aligned").pods:
        tops = [(container, top_of(container)) for container in living(pod)]
        readings = [results.reading_of(container, top) for container, top in tops]
        # The metrics API tells the earliest container's time, cut to whole seconds.
        assert top_of(pod).timestamp == int(min(reading.at for reading in readings)), pod.name
        assert top_of(pod).memory_bytes == sum(reading.working_set_bytes for reading in readings)
        assert top_of(pod).source == "metrics.k8s.io"


def test_the_aligned_working_set_is_the_readings_own_within_the_printed_budget(results: Results) -> None:
    for pod in results.snapshot("aligned").pods:
        for container in living(pod):
            top = top_of(container)
            reading = results.reading_of(container, top)
            assert top.working_set_at_sample_bytes is not None, (pod.name, container.name, top.detail)
            assert top.tolerance_bytes is not None
            off = abs(top.working_set_at_sample_bytes - reading.working_set_bytes)
            assert off <= top.tolerance_bytes, (pod.name, container.name)


def test_quiet_pods_are_reconciled(results: Results) -> None:
    pods = pods_of(results.snapshot("aligned"))
    assert {name: top_of(pods[name]).status for name in QUIET} == dict.fromkeys(QUIET, "reconciled")


def test_the_growing_pod_is_drifted_by_what_it_grew_since_its_sample(results: Results) -> None:
    pod = pods_of(results.snapshot("aligned"))["sandbox-growing"]
    top = top_of(pod)
    (container,) = living(pod)
    assert top.status == "drifted"
    assert container.cgroup is not None
    assert container.cgroup.read_at is not None
    reading = results.reading_of(container, top_of(container))
    seconds = container.cgroup.read_at - reading.at
    assert seconds >= 7.0
    # It takes 1 MiB a second, in steps of 0.2 s, and the sample's moment is known to within the budget.
    assert abs(-drift_of(pod) - seconds * MIB) <= (top.tolerance_bytes or 0) + MIB // 2
    assert -drift_of(pod) > 2 * (top.tolerance_bytes or 0)


@pytest.mark.parametrize("name", ["aligned", "restarted"])
def test_every_step_of_an_aligned_pod_closes(results: Results, name: str) -> None:
    for pod in results.snapshot(name).pods:
        if top_of(pod).status in {"reconciled", "drifted"}:
            outside = {each: found for each, found in residuals_of(pod).items() if not found.within_bound}
            assert outside == {}, pod.name
            assert [step for step in steps_of(pod) if not step.closed] == [], pod.name


def test_without_history_the_growing_pod_visibly_does_not_reconcile(results: Results) -> None:
    pods = pods_of(results.snapshot("unaligned"))
    pod = pods["sandbox-growing"]
    assert top_of(pod).status == "unaligned"
    assert "no history of then" in top_of(pod).detail
    last = ladder_of(pod, "pod").steps[-1]
    assert not last.residual.within_bound
    assert abs(last.residual.estimate_bytes) > 6 * MIB
    # What does not move needs no history.
    assert top_of(pods["sandbox-workers"]).status == "reconciled"


def test_an_agent_that_keeps_no_history_is_named(results: Results) -> None:
    assert results.steps["unaligned"].code == 3
    (missing,) = results.snapshot("unaligned").missing
    assert "--history off" in missing.detail


def test_top_shows_nothing_of_what_an_init_container_left(results: Results) -> None:
    pod = pods_of(results.snapshot("aligned"))["sandbox-init-tmpfs"]
    assert [(each.name, each.role, each.state) for each in pod.containers if each.name == "seed"] == [
        ("seed", "init", "terminated")
    ]
    (left,) = [each for each in pod.findings if each.cause == "dead_containers"]
    assert abs(abs(left.estimate_bytes or 0) - 18 * MIB) < MIB
    assert pod.cgroup is not None
    assert (pod.cgroup.current_bytes or 0) - (top_of(pod).memory_bytes or 0) > 18 * MIB


def test_the_number_of_a_container_that_restarted_since_is_said_to_be_of_the_one_before(
    results: Results,
) -> None:
    pod = pods_of(results.snapshot("restarted"))["sandbox-restarting"]
    (container,) = living(pod)
    before = pods_of(results.snapshot("aligned"))["sandbox-restarting"]
    assert top_of(pod).status == "unaligned"
    assert "before its restart" in top_of(pod).detail
    assert top_of(pod).memory_bytes == top_of(before).memory_bytes
    assert container.restarts == 1
    assert container.id != living(before)[0].id
    assert size_of(container) > 40 * MIB


def test_a_pod_too_young_for_metrics_is_measured_and_told_to_be_young(results: Results) -> None:
    pod = pods_of(results.snapshot("restarted"))["sandbox-young"]
    assert top_of(pod).status == "no-metrics"
    assert top_of(pod).memory_bytes is None
    assert top_of(pod).detail.startswith("too young: container sandbox started")
    assert pod.composition is not None


@needs_kubectl
def test_kubectl_top_prints_what_the_top_rung_shows(results: Results) -> None:
    snapshot = results.snapshot("aligned")
    rungs = {pod.name: ladder_of(pod, "pod").rungs[-1] for pod in snapshot.pods}
    rows = [line.split() for line in results.steps["kubectl-pods"].out.splitlines()]
    theirs = {row[1]: row[3] for row in rows if row[0] == "deer-flow"}
    assert {name: f"{(rung.bytes or 0) // MIB}Mi" for name, rung in rungs.items()} == theirs


@needs_kubectl
def test_kubectl_top_prints_each_containers_number_too(results: Results) -> None:
    snapshot = results.snapshot("aligned")
    ours = {
        (pod.name, container.name): f"{(ladder_of(pod, container.name).rungs[-1].bytes or 0) // MIB}Mi"
        for pod in snapshot.pods
        for container in living(pod)
    }
    rows = [line.split() for line in results.steps["kubectl-containers"].out.splitlines()]
    theirs = {(row[1], row[2]): row[4] for row in rows if row[0] == "deer-flow"}
    assert ours == theirs


def test_the_file_explained_offline_says_the_same(results: Results) -> None:
    command = ["memcollect", "explain", str(results.file("aligned")), "--format", "json"]
    done = children.run([sys.executable, "-m", *command])
    assert (done.returncode, done.stderr) == (0, "")
    measured, again = results.snapshot("aligned"), msgspec.json.decode(done.stdout, type=Snapshot)
    assert again.pods == measured.pods
    assert again.notes == measured.notes


def test_the_table_has_for_each_pod_tops_number_the_aligned_one_the_ladder_and_a_verdict(
    results: Results,
) -> None:
    table = results.steps["table"].out
    assert max(map(len, table.splitlines())) <= 80
    for pod in results.snapshot("aligned").pods:
        (section,) = [part for part in sections(table) if part.startswith(f"deer-flow/{pod.name}\n")]
        flat = " ".join(section.split())
        assert "kubectl top: " in flat
        assert "our own reading" in flat
        assert "From the processes to kubectl top" in flat
        assert "working set at sample" in flat
        assert pod.verdict is not None
        assert first_words(pod.verdict) in flat
        assert "Processes of sandbox" in flat


def sections(table: str) -> list[str]:
    """Return the table's details, each from its pod's name on."""
    return [f"deer-flow/{part}" for part in table.split("\ndeer-flow/")[1:]]


def first_words(verdict: str) -> str:
    """Return the first words after a verdict's amounts, which moved between the two snapshots.

    They say what it is, and not whose: of a pod that grows one process is named where most is its own, and
    what it had grown by between two reads decides that.
    """
    return " ".join(re.split(r"[\d.]+ [KMG]iB", verdict)[2].split()[:4])


def test_doctor_is_all_green(results: Results) -> None:
    assert results.steps["doctor-green"].code == 0
    lines = results.doctor("doctor-green")
    assert {name: line.sentence for name, line in lines.items() if line.status != "ok"} == {}
    assert len(lines) > 15


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("no-metrics", ("metrics-api", "fail", "no metrics API", "Install metrics-server")),
        ("no-rights", ("rights-nodes", "fail", "may not list nodes", "bind the role in deploy/")),
        ("no-rights", ("rights-forward", "fail", "pods/portforward", "bind the role in deploy/")),
        ("refused", ("agent-answers", "fail", "Nothing listens on port 7070", "--agent-port")),
        ("killed", ("agent-answers", "fail", "Nothing listens on port 7070", "its log")),
        ("no-agent", ("agents", "fail", "No pod in namespace memcollect", "Deploy them")),
        ("no-history", ("history", "warn", "History is off", "--history on")),
    ],
)
def test_doctor_names_the_remedy_of_what_is_broken(
    results: Results, step: str, expected: tuple[str, str, str, str]
) -> None:
    check, status, sentence, remedy = expected
    line = results.doctor(f"doctor-{step}")[check]
    assert line.status == status
    assert sentence in line.sentence
    assert remedy in (line.remedy or "")
    assert results.steps[f"doctor-{step}"].code == (1 if status == "fail" else 0)


def test_without_metrics_everything_else_is_still_measured(results: Results) -> None:
    assert results.steps["snapshot-no-metrics"].code == 3, results.steps["snapshot-no-metrics"].err
    snapshot = results.snapshot("no-metrics")
    assert [missing.reason for missing in snapshot.missing] == ["no-metrics-api"]
    assert {top_of(pod).status for pod in snapshot.pods} == {"no-metrics"}
    assert all(pod.composition is not None for pod in snapshot.pods)


def test_with_the_agent_dead_every_pod_is_listed_and_says_why_it_has_no_numbers(results: Results) -> None:
    assert results.steps["snapshot-killed"].code == 3, results.steps["snapshot-killed"].err
    snapshot = results.snapshot("killed")
    assert {missing.name for missing in snapshot.missing} == {
        f"deer-flow/{pod.name}" for pod in snapshot.pods
    }
    assert {missing.reason for missing in snapshot.missing} == {"agent-refused"}
    assert all((top_of(pod).memory_bytes or 0) > 0 for pod in snapshot.pods)
