"""Real runtimes on a real kernel: each container found with its memory, under the name people know it by."""

import pytest

from lab.contradictions import tolerance
from lab_full.known import marks
from lab_full.runtime_truth import Session, Started
from lab_full.runtimes import CONTAINERS, IN_POD, IN_PODS, SERVICES, TOOLS
from memcollect.documents.snapshot import Pod

pytestmark = pytest.mark.lab_full

Sessions = dict[str, Session]

CASES = [*SERVICES, *CONTAINERS]


def of_each(check: str) -> pytest.MarkDecorator:
    """Play a check for every runtime."""
    params = [pytest.param(name, id=name, marks=marks(check, name)) for name in CASES]
    return pytest.mark.parametrize("runtime", params)


def started(sessions: Sessions, runtime: str) -> Started:
    (ran,) = [each for each in sessions[runtime].ran if each.runtime == runtime]
    if ran.started is None:
        raise RuntimeError(ran.error)
    return ran.started


def row_of(sessions: Sessions, runtime: str) -> Pod:
    """Return the row that has the container's cgroup."""
    session = sessions[runtime]
    snapshot = session.services if runtime in SERVICES else session.containers
    wanted = started(sessions, runtime).cgroup
    assert snapshot is not None
    found = [pod for pod in snapshot.pods if any(wanted in path for path in paths_of(pod))]
    assert len(found) == 1, f"{wanted} is in {len(found)} of {[pod.name for pod in snapshot.pods]}"
    return found[0]


def paths_of(pod: Pod) -> list[str]:
    cgroups = [pod.cgroup, *(each.cgroup for each in pod.containers)]
    return [each.path for each in cgroups if each is not None]


@of_each("runs")
def test_the_runtime_runs_its_container(runtime: str, runtimes: Sessions) -> None:
    assert started(runtimes, runtime).size > 0


@of_each("found")
def test_its_memory_is_found_where_it_was_made(runtime: str, runtimes: Sessions) -> None:
    pod, made = row_of(runtimes, runtime), started(runtimes, runtime)
    assert pod.composition is not None
    terms = {each.term: each.estimate_bytes for each in pod.composition.terms}
    kind = "shmem" if runtime.endswith("gVisor") else "anon"
    slack = tolerance(made.size) + made.beside
    assert made.size - tolerance(made.size) <= terms.get(kind, 0) <= made.size + slack, terms


@of_each("residual")
def test_its_residual_is_within_the_printed_bound(runtime: str, runtimes: Sessions) -> None:
    pod = row_of(runtimes, runtime)
    assert pod.composition is not None
    assert pod.composition.residual.within_bound, pod.composition.residual


@of_each("named")
def test_it_is_called_what_people_call_it(runtime: str, runtimes: Sessions) -> None:
    pod = row_of(runtimes, runtime)
    names = {pod.name, *(each.name for each in pod.containers)}
    assert started(runtimes, runtime).name in names


@of_each("verdict")
def test_the_verdict_names_its_memory(runtime: str, runtimes: Sessions) -> None:
    pod = row_of(runtimes, runtime)
    words = "guest's memory" if runtime.endswith("gVisor") else "private memory"
    assert words in pod.verdict


SHOWS = {
    "system service": "systemctl status",
    "docker": "docker stats",
    "podman": "podman stats",
    "podman, rootless": "podman stats",
    "docker with gVisor": "docker stats",
}


@pytest.mark.parametrize("runtime", TOOLS)
def test_what_the_runtimes_own_tool_showed_is_told(runtime: str, runtimes: Sessions) -> None:
    (told,) = [each for each in row_of(runtimes, runtime).findings if each.cause == "other_tool"]
    shown = started(runtimes, runtime).tool_bytes
    assert len(shown) == 2, [each.error for each in runtimes[runtime].ran if each.runtime == runtime]
    assert told.estimate_bytes is not None
    assert min(shown) - tolerance(min(shown)) <= told.estimate_bytes <= max(shown) + tolerance(max(shown))
    assert told.sentence.startswith(SHOWS[runtime])


@pytest.mark.parametrize("runtime", ["docker with gVisor"])
def test_the_address_spaces_of_a_sandbox_count_once(runtime: str, runtimes: Sessions) -> None:
    """Its stubs share one, and VmRSS counts it for each."""
    causes = {each.cause for each in row_of(runtimes, runtime).findings}
    assert {"sharing_processes", "guest_memory"} <= causes


@pytest.mark.parametrize("runtime", IN_PODS)
def test_what_a_pod_has_started_outside_of_itself_is_told_with_the_pod(
    runtime: str, runtimes: Sessions
) -> None:
    made, snapshot = started(runtimes, runtime), runtimes[runtime].containers
    assert snapshot is not None
    (pod,) = [each for each in snapshot.pods if each.uid == IN_POD.uid]
    (outside,) = pod.outside
    (told,) = [each for each in pod.findings if each.cause == "started_outside"]

    assert outside.cgroup is not None
    assert outside.composition is not None
    assert made.cgroup in outside.cgroup.path
    terms = {each.term: each.estimate_bytes for each in outside.composition.terms}
    assert terms["anon"] == pytest.approx(made.size, abs=tolerance(made.size))
    assert outside.composition.residual.within_bound
    assert told.estimate_bytes == outside.cgroup.current_bytes
    assert "Docker in this pod" in pod.verdict
    # The list of all that runs on a machine has it, too, as a container of nobody's.
    (own,) = [row for row in snapshot.pods if any(made.cgroup in path for path in paths_of(row))]
    assert own.kind != "pod"
