"""Containers that Kubernetes says ended, and that the node still has."""

from typing import Any

import pytest

from memcollect.documents.snapshot import Container, Finding, Pod, Runtime, Termination, Waiting
from memcollect.explain import explain_pod
from memcollect.explain.kills.alive import find_alive
from memcollect_agent.wire import ProcessSums
from worlds.builders import MIB, NODE, cgroup, container, pause, pod

ENDED = "2026-01-01T12:00:00Z"
ENDED_AT = 1767268800.0
END = Termination(reason="Error", exit_code=137, finished_at=ENDED, container_id="app")


def row(late: float = 900.0, **more: Any) -> Pod:
    own = cgroup(path="/kubepods/pod1/app", read_at=ENDED_AT + late)
    fields: dict[str, Any] = {"state": "terminated", "last_termination": END, "cgroup": own, **more}
    return pod(container(**fields), pause(), phase="Failed")


def only(whole: Pod) -> Finding:
    (finding,) = find_alive(whole)
    return finding


def test_an_ended_container_that_runs_on_is_told_and_not_as_ended() -> None:
    finding = only(row())

    assert finding.sentence == (
        "Kubernetes says that it ended 15 min ago; its cgroup still holds 177 MiB, and 1 process runs in it."
    )
    assert "crictl ps -a" in finding.remedy
    explained = explain_pod(row(), NODE)
    assert explained.verdict.startswith(finding.sentence)
    assert "was ended by SIGKILL" not in explained.verdict


def test_a_crash_loop_whose_run_is_still_there_is_not_told_as_not_running() -> None:
    explained = explain_pod(row(state="waiting", waiting=Waiting(reason="CrashLoopBackOff")), NODE)

    assert [each.cause for each in explained.findings if each.severity == "warning"] == ["ended_alive"]


def test_a_cgroup_in_which_nothing_runs_was_left_by_the_runtime() -> None:
    finding = only(row(sums=ProcessSums(listed=2, zombies=1, vanished=1)))

    assert finding.sentence.endswith("still holds 177 MiB, and no process runs in it.")
    assert finding.remedy.startswith("The runtime did not remove it")


def test_from_a_minute_and_a_mebibyte_on_it_is_told_with_the_processes_that_have_memory() -> None:
    held = cgroup(MIB, path="/kubepods/pod1/app", read_at=ENDED_AT + 60)
    sums = ProcessSums(listed=4, read=2, kernel_threads=2)

    assert only(row(cgroup=held, sums=sums)).sentence == (
        "Kubernetes says that it ended 60 s ago; its cgroup still holds 1 MiB, and 2 processes run in it."
    )


def test_processes_that_were_not_read_are_not_said_to_run() -> None:
    assert only(row(sums=None)).sentence.endswith("and its processes were not read.")


@pytest.mark.parametrize(
    "quiet",
    [
        {"late": 59.0},
        {"late": -5.0},
        {"id": "new"},
        {"id": None},
        {"last_termination": None},
        {"last_termination": Termination(container_id="app")},
        {"cgroup": None},
        {"cgroup": cgroup(path="/kubepods/pod1/app")},
        {"cgroup": cgroup(MIB - 4096, path="/kubepods/pod1/app", read_at=ENDED_AT + 900)},
    ],
)
def test_a_new_run_a_moment_or_next_to_nothing_is_no_contradiction(quiet: dict[str, Any]) -> None:
    assert list(find_alive(row(**quiet))) == []


def test_a_sandboxs_cgroups_are_not_its_containers() -> None:
    whole = pod(*row().containers, runtime=Runtime(family="gvisor"))

    assert list(find_alive(whole)) == []


def test_an_ordinary_restart_is_none() -> None:
    again: Container = container(id="new", state="running", restarts=1, last_termination=END)

    assert list(find_alive(pod(again, pause()))) == []


def test_a_crash_loop_that_was_started_again_since_is_not_told_as_not_running() -> None:
    again = row(id="new", state="waiting", waiting=Waiting(reason="CrashLoopBackOff"), restarts=7)
    explained = explain_pod(again, NODE)

    assert "is not running" not in explained.verdict
    assert [each.cause for each in explained.findings if each.severity == "warning"] == ["killed"]


def test_a_crash_loop_whose_last_run_is_just_going_is_not_running() -> None:
    going = row(late=5.0, state="waiting", waiting=Waiting(reason="CrashLoopBackOff"))

    assert "is not running: CrashLoopBackOff" in explain_pod(going, NODE).verdict
