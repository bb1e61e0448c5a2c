"""Kills and deaths: whose limit it was, and what helps."""

from memcollect.documents.snapshot import Finding
from memcollect.explain import explain
from worlds.reported_cases import stored, told


def test_137_without_an_oom_kill_is_a_signal_from_user_space() -> None:
    verdict = told("19-userspace-oom").verdict()

    assert "ended by SIGKILL (exit code 137) from user space, and was restarted 4 times" in verdict
    assert "OOM killer ended nothing" in verdict
    (finding,) = told("19-userspace-oom").findings("killed")
    assert finding.remedy.startswith("A higher limit changes nothing.")


def test_workers_killed_in_a_container_that_lives_are_told_with_its_limit() -> None:
    assert (
        "The OOM killer ended 11 processes in container web, which lives on: its own limit of 512 MiB was"
        " reached."
    ) in told("20-child-oom").verdict()


def test_files_of_a_killed_container_that_keep_the_pod_at_its_limit_are_the_pods() -> None:
    said = told("17-tmpfs-oom-loop")

    assert (
        "OOM killer ended 6 processes of earlier runs of container test-pd: the pod's limit" in said.verdict()
    )
    (finding,) = said.findings("oom_kill")
    assert "delete files in tmpfs" in finding.remedy


def test_one_kill_that_two_cgroups_count_is_told_once() -> None:
    (finding,) = told("05-dirty-cache-nfs").findings("oom_kill", "fetch-x")

    assert (finding.scope, finding.sentence.startswith("The OOM killer ended 1 process in")) == (
        "fetch",
        True,
    )


def test_a_crash_loop_after_oom_kills_is_missing_and_says_the_word() -> None:
    said = told("37-evicted-crashloop")

    assert said.code == 3
    assert said.missing("crash-0").reason == "not-running"
    for words in ("CrashLoopBackOff, after 12 restarts", "OOMKilled (exit code 137) at a limit of 64Mi"):
        assert words in said.verdict("crash-0")
    (finding,) = said.findings("not_running", "crash-0")
    assert "more than its limit of 64Mi" in finding.remedy


def test_an_evicted_pod_says_by_whom_and_why() -> None:
    said = told("37-evicted-crashloop")

    assert "The kubelet evicted this pod: The node was low on resource: memory." in said.verdict("evicted-0")
    assert "has finished" in said.pod("evicted-0").unmeasured
    (finding,) = said.findings("evicted", "evicted-0")
    assert "A limit does not prevent it" in finding.remedy


def test_a_resize_that_hangs_is_told_with_what_is_in_force_and_used() -> None:
    verdict = told("26-resize-stuck").verdict()

    assert "The limit of container app is still 1Gi, of which 720 MiB is charged" in verdict
    assert "its resize to 512Mi is in progress" in verdict


def test_a_real_kernels_kill_for_a_limit_above_the_pod_has_no_limit_to_raise() -> None:
    (finding,) = of_a_real_kernel("l4-kubepods-limit-oom.json.gz")

    assert "for a limit above this pod or for want of memory on the node" in finding.sentence
    assert "Raise" not in finding.remedy


def test_a_real_kernels_kill_of_workers_in_a_living_container_is_for_its_own_limit() -> None:
    (finding,) = of_a_real_kernel("l3-child-oom.json.gz")

    assert "which lives on: its own limit of 64 MiB was reached" in finding.sentence


def of_a_real_kernel(name: str) -> list[Finding]:
    """Return the findings on kills of a stored document, explained anew."""
    pods = explain(stored("real-kernel-oom", name)).pods
    return [each for pod in pods for each in pod.findings if each.cause == "oom_kill"]


def test_what_is_said_of_a_limit_with_a_kill_is_not_said_again() -> None:
    verdict = told("05-dirty-cache-nfs").verdict("fetch-x")

    assert "its own limit of 2048 MiB was reached" in verdict
    assert "The limit was hit" not in verdict
    assert told("05-dirty-cache-nfs").findings("hit_limit", "fetch-x")


def test_a_kill_in_a_run_that_lives_is_not_called_unknown_to_the_counters() -> None:
    (last,) = told("05-dirty-cache-nfs").findings("oom_killed", "fetch-x")

    assert "know of no OOM kill in an earlier run of fetch: " in last.sentence


def test_no_room_is_told_where_nothing_runs() -> None:
    assert "is left to its limit" not in told("37-evicted-crashloop").verdict("crash-0")
