"""What Kubernetes says ended or does not run, against what the kernel counted."""

from datetime import UTC, datetime

import msgspec
import pytest

from memcollect.documents.snapshot import Finding, Pod, Runtime, Termination, Waiting
from memcollect.explain import explain_pod
from memcollect.explain.kills.endings import (
    EVICTED_FOR_MEMORY,
    EVICTED_FOR_VOLUME,
    USER_SPACE_REMEDY,
    describe,
    find_endings,
)
from memcollect_agent.wire import Node
from worlds.oom_counters import Machine

ENDED_AT = "2026-01-01T12:00:00Z"
BOOT = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
NODE = Node(name="node-1", boot_time=BOOT)


def ending(reason: str | None = "Error", code: int = 137, signal: int | None = None) -> Termination:
    return Termination(reason=reason, exit_code=code, finished_at=ENDED_AT, signal=signal)


def row(end: Termination | None = None, *, machine: Machine | None = None, **more: object) -> Pod:
    """Return a pod whose app ended so, and was restarted four times."""
    whole = (machine or Machine()).row(restarts=4)
    app, side = whole.containers
    fields = {"last_termination": end} | {
        key: more.pop(key) for key in ("waiting", "state", "limits") if key in more
    }
    app = msgspec.structs.replace(app, **fields)
    return msgspec.structs.replace(whole, containers=[app, side], **more)


def only(pod: Pod, node: Node | None = NODE) -> Finding:
    (finding,) = find_endings(pod, node)
    return finding


def test_137_without_a_kill_by_the_kernel_came_from_user_space() -> None:
    pod = row(ending())
    assert pod.cgroup is not None
    held = msgspec.structs.replace(pod.cgroup, peak_bytes=100 << 20, max_bytes=256 << 20)

    finding = only(msgspec.structs.replace(pod, cgroup=held))
    remedy = USER_SPACE_REMEDY.format(describe=describe(pod))

    assert finding.sentence == (
        "Container app was ended by SIGKILL (exit code 137) from user space, and was restarted 4 times:"
        " the OOM killer ended nothing in an earlier run of it,"
        " and the pod never held more than 100 MiB of its 256 MiB."
    )
    assert (finding.cause, finding.confidence, finding.remedy) == ("killed", "measured", remedy)
    assert finding.evidence == f"restartCount 4; ended {ENDED_AT}: Error, exit code 137"


def test_a_signal_that_the_runtime_names_counts_as_its_exit_code() -> None:
    assert "from user space" in only(row(ending(code=0, signal=9))).sentence


def test_137_beside_kills_in_containers_that_are_gone_may_be_one_of_them() -> None:
    machine = Machine()
    machine.app.reach_limit(machine.app)
    machine.restart()

    finding = only(row(ending(), machine=machine))

    assert "of which this may be one" in finding.sentence
    assert finding.confidence == "inferred"


def test_an_end_before_the_node_was_booted_is_beyond_the_counters() -> None:
    late = Node(name="node-1", boot_time=BOOT + 86400)

    assert "counters do not reach back to it" in only(row(ending()), late).sentence
    assert "before the node was booted" in only(row(ending("OOMKilled")), late).sentence


def test_a_virtual_machine_has_a_kernel_of_its_own_that_kills() -> None:
    kata = Runtime(family="kata")

    for end in (ending(), ending("OOMKilled")):
        finding = only(row(end, runtime=kata))
        assert "whose own kernel may have ended it" in finding.sentence
        assert finding.confidence == "inferred"


def test_a_pod_without_counters_says_so() -> None:
    assert "no counters tell why" in only(row(ending(), cgroup=None)).sentence


def test_a_container_that_was_asked_to_end_is_no_news() -> None:
    assert list(find_endings(row(ending("Error", 143)), NODE)) == []


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (ending("Completed", 0), "exit code 0;"),
        (ending("Error", 1), "exit code 1;"),
        (ending("Error", 139), "exit code 139 (SIGSEGV);"),
        (ending("Error", 2, signal=11), "exit code 2 (SIGSEGV);"),
        (ending("Error", 255), "exit code 255;"),
        (ending("Error", 200), "exit code 200;"),
    ],
)
def test_a_container_that_ended_by_itself_was_restarted_and_the_kernel_did_not_do_it(
    end: Termination, told: str
) -> None:
    finding = only(row(end))

    assert (finding.cause, finding.severity) == ("restarted", "info")
    assert finding.sentence == (
        f"Container app was restarted 4 times, and last ended with {told}"
        " the OOM killer ended nothing in an earlier run of it."
    )
    assert "kubectl logs --previous -c app" in finding.remedy


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (
            ending("Error", 135),
            "(SIGBUS, which a write to a full /dev/shm or an empty pool of",
        ),
        (ending("Error", 134), "exit code 134 (SIGABRT, as a program ends itself, for one whose heap"),
        (ending("Error", 2, signal=6), "exit code 2 (SIGABRT, as a program ends itself,"),
    ],
)
def test_an_end_for_want_of_memory_that_no_limit_knows_of_is_told_in_the_verdict(
    end: Termination, told: str
) -> None:
    finding = only(row(end))

    assert (finding.cause, finding.severity) == ("restarted", "warning")
    assert told in finding.sentence
    assert told in explain_pod(row(end), NODE).verdict


def test_a_program_that_ends_itself_again_and_again_is_told_with_what_that_may_mean() -> None:
    crashing = row(ending("Error", 134), state="waiting", waiting=Waiting(reason="CrashLoopBackOff"))

    assert "it last ended with exit code 134 (SIGABRT, as a program ends itself" in (only(crashing).sentence)


def test_nothing_is_said_of_the_kernel_where_its_counters_do_not_reach() -> None:
    machine = Machine()
    machine.app.reach_limit(machine.app)
    machine.restart()
    late = Node(name="node-1", boot_time=BOOT + 86400)
    crashed = ending("Error", 139)

    for finding in (
        only(row(crashed, machine=machine)),
        only(row(crashed), late),
        only(row(crashed, runtime=Runtime(family="kata"))),
        only(row(crashed, cgroup=None)),
    ):
        assert finding.sentence.endswith("and last ended with exit code 139 (SIGSEGV).")


def test_an_end_that_the_kubelet_did_not_see_is_no_kill() -> None:
    assert list(find_endings(row(ending("ContainerStatusUnknown")), NODE)) == []


def test_oomkilled_that_the_counters_know_is_told_by_them_alone() -> None:
    machine = Machine()
    machine.app.reach_limit(machine.app)
    machine.restart()

    assert list(find_endings(row(ending("OOMKilled"), machine=machine), NODE)) == []


def test_oomkilled_that_the_counters_do_not_know_is_told_with_the_doubt() -> None:
    finding = only(row(ending("OOMKilled"), limits={"memory": "64Mi"}))

    assert finding.sentence.startswith(
        "Container app last ended OOMKilled (exit code 137) at a limit of 64Mi; the pod's counters know of no"
    )
    assert finding.confidence == "inferred"


CRASHING = Waiting(reason="CrashLoopBackOff")


def test_a_crash_loop_after_oom_kills_has_reason_limit_and_remedy() -> None:
    pod = row(ending("OOMKilled"), state="waiting", waiting=CRASHING, limits={"memory": "64Mi"})

    finding = only(pod)

    assert finding.sentence == (
        "Container app is not running: CrashLoopBackOff, after 4 restarts;"
        " it last ended OOMKilled (exit code 137) at a limit of 64Mi."
    )
    assert finding.severity == "critical"
    assert finding.remedy == "app needs more than its limit of 64Mi: raise it, or make it use less."


def test_without_a_limit_of_its_own_none_is_to_be_raised() -> None:
    finding = only(row(ending("OOMKilled"), state="waiting", waiting=CRASHING))

    assert finding.remedy == "app has no memory limit of its own: see whose limit was reached."


def test_a_crash_loop_for_another_reason_points_at_the_logs() -> None:
    finding = only(row(ending("Error", 1), state="waiting", waiting=CRASHING))

    assert "it last ended with exit code 1." in finding.sentence
    assert (finding.severity, "--previous" in finding.remedy) == ("warning", True)


def test_an_image_that_cannot_be_pulled_is_told_in_the_kubelets_words() -> None:
    pull = Waiting(reason="ImagePullBackOff", message='Back-off pulling image "x".')

    assert only(row(state="waiting", waiting=pull)).sentence == (
        'Container app is not running: ImagePullBackOff, after 4 restarts (Back-off pulling image "x").'
    )


@pytest.mark.parametrize("reason", ["ContainerCreating", "PodInitializing"])
def test_a_container_that_was_not_started_yet_is_no_news(reason: str) -> None:
    assert list(find_endings(row(state="waiting", waiting=Waiting(reason=reason)), NODE)) == []


LOW = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 98400Ki. "


@pytest.mark.parametrize(
    ("message", "remedy"),
    [
        (LOW, EVICTED_FOR_MEMORY),
        ('Usage of EmptyDir volume "memory" exceeds the limit "64Mi". ', EVICTED_FOR_VOLUME),
        ("The node was low on resource: ephemeral-storage. ", "See `kubectl describe pod -n team-a x`."),
        (None, "See `kubectl describe pod -n team-a x`."),
    ],
)
def test_an_evicted_pod_says_why_and_what_helps(message: str | None, remedy: str) -> None:
    pod = Pod(uid="X", name="x", namespace="team-a", phase="Failed", reason="Evicted", message=message)

    finding = only(pod)

    assert finding.sentence.startswith("The kubelet evicted this pod")
    assert finding.sentence.rstrip(".").endswith((message or "pod").rstrip(". "))
    assert (finding.cause, finding.severity, finding.remedy) == ("evicted", "critical", remedy)


def test_an_evicted_pods_containers_are_not_told_as_killed_again() -> None:
    pod = row(ending(), reason="Evicted", phase="Failed")

    assert [each.cause for each in find_endings(pod, NODE)] == ["evicted"]


def test_any_other_reason_of_a_pod_is_told_in_its_words() -> None:
    pod = Pod(uid="X", name="x", phase="Failed", reason="DeadlineExceeded", message="Active for too long.")

    assert only(pod).sentence == "The pod is Failed, DeadlineExceeded: Active for too long."


def test_a_crash_loop_after_sigkills_that_no_counter_knows_is_of_user_space() -> None:
    waiting = Waiting(reason="CrashLoopBackOff", message="back-off 5m0s")
    finding = only(row(ending(), waiting=waiting, state="waiting"))

    assert finding.cause == "not_running"
    assert finding.sentence.endswith(
        "it last ended with exit code 137: a SIGKILL from user space, for the kernel's OOM killer ended"
        " nothing here."
    )
    assert finding.remedy.startswith("A higher limit changes nothing.")


def test_a_pod_that_its_node_did_not_admit_was_refused() -> None:
    refused = row(
        None, phase="Failed", reason="OutOfmemory", message="Node didn't have enough resource: memory"
    )
    never = [msgspec.structs.replace(each, state="waiting", restarts=0) for each in refused.containers]

    finding = only(msgspec.structs.replace(refused, containers=never))
    assert finding.sentence == (
        "The kubelet refused this pod (OutOfmemory): Node didn't have enough resource: memory."
    )
