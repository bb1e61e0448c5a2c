import msgspec
import pytest

from memcollect.documents.snapshot import Container, Deletion, Pod, Resize, Termination, Waiting
from memcollect.join.states import (
    LONGEST,
    deletion_of,
    has_ended,
    resize_of,
    short,
    started_at,
    termination_of,
    waiting_of,
    was_refused,
)
from memcollect.kubernetes import objects as kube
from worlds.join_builders import ended, pod, running, waiting

STARTED = "2026-01-01T00:00:00Z"


def status(state: kube.ContainerState, last: kube.ContainerState | None = None) -> kube.ContainerStatus:
    return kube.ContainerStatus(name="app", state=state, last_state=last or kube.ContainerState())


@pytest.mark.parametrize(
    ("phase", "states", "ended"),
    [
        ("Running", ["running", "terminated"], False),
        ("Running", ["terminated", "terminated"], True),
        ("Running", [], False),
        ("Failed", ["waiting"], True),
        ("Succeeded", [], True),
        ("Pending", ["waiting"], False),
    ],
)
def test_a_pod_has_ended_by_its_phase_or_when_all_its_containers_have(
    phase: str, states: list[str], *, ended: bool
) -> None:
    containers = [Container(name=f"c{number}", state=state) for number, state in enumerate(states)]
    containers.append(Container(name="pause", role="pause", state="running"))
    assert has_ended(Pod(uid="u", name="p", phase=phase, containers=containers)) is ended


NEVER_RAN = Container(name="a", state="waiting")


@pytest.mark.parametrize(
    ("phase", "reason", "containers", "refused"),
    [
        ("Failed", "OutOfmemory", [NEVER_RAN, NEVER_RAN], True),
        ("Failed", "OutOfmemory", [], True),
        ("Failed", "OutOfmemory", [NEVER_RAN, Container(name="b", state="running")], False),
        ("Failed", "OutOfmemory", [NEVER_RAN, Container(name="b", last_termination=Termination())], False),
        ("Running", "OutOfmemory", [NEVER_RAN], False),
        ("Failed", "Evicted", [NEVER_RAN], False),
    ],
)
def test_a_pod_was_refused_that_failed_for_that_reason_and_of_which_nothing_ran(
    phase: str, reason: str, containers: list[Container], *, refused: bool
) -> None:
    row = Pod(uid="u", name="p", phase=phase, reason=reason, containers=containers)
    assert was_refused(row) is refused


@pytest.mark.parametrize("written", ["containerd://abc", "cri-o://abc"])
def test_an_end_has_the_id_of_the_container_that_ended(written: str) -> None:
    end = termination_of(
        status(kube.ContainerState(terminated=kube.Terminated(exit_code=0, container_id=written)))
    )
    assert end is not None
    assert end.container_id == "abc"
    end = termination_of(status(ended()))
    assert end is not None
    assert end.container_id is None


def test_how_it_ended_this_time_comes_before_the_last_time() -> None:
    both = status(ended(137, "OOMKilled", STARTED), ended(1, "Error"))

    assert termination_of(both) == Termination(reason="OOMKilled", exit_code=137, finished_at=STARTED)
    assert termination_of(status(running(), ended(1, "Error"))) == Termination(reason="Error", exit_code=1)
    assert termination_of(status(running())) is None
    assert termination_of(None) is None


def test_a_signal_is_kept_where_the_runtime_tells_one() -> None:
    killed = kube.ContainerState(terminated=kube.Terminated(exit_code=0, signal=9))

    end = termination_of(status(killed))

    assert end is not None
    assert end.signal == 9


def test_why_a_container_waits_and_since_when_one_runs() -> None:
    assert waiting_of(status(waiting("CrashLoopBackOff"))) == Waiting(reason="CrashLoopBackOff")
    assert waiting_of(status(running())) is None
    assert waiting_of(None) is None
    assert started_at(status(running(STARTED))) == STARTED
    assert started_at(status(waiting())) is None
    assert started_at(None) is None


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        (
            kube.Condition(type="PodResizePending", status="True", reason="Deferred", message="no\nroom "),
            Resize(state="pending", reason="Deferred", message="no room"),
        ),
        (kube.Condition(type="PodResizeInProgress", status="True"), Resize(state="in progress")),
        (kube.Condition(type="PodResizePending", status="False"), None),
        (kube.Condition(type="Ready", status="True"), None),
    ],
)
def test_a_resize_is_read_from_the_conditions(condition: kube.Condition, told: Resize | None) -> None:
    assert resize_of(pod(conditions=[condition])) == told


@pytest.mark.parametrize(("old", "state"), [("InProgress", "in progress"), ("Deferred", "pending")])
def test_older_clusters_say_it_in_the_status(old: str, state: str) -> None:
    described = pod()
    described = msgspec.structs.replace(
        described, status=msgspec.structs.replace(described.status, resize=old)
    )

    assert resize_of(described) == Resize(state=state, reason=old)


def test_why_it_waits_is_told_with_the_kubelets_message() -> None:
    state = kube.ContainerState(waiting=kube.Waiting(reason="ErrImagePull", message="no such\n image "))
    assert waiting_of(status(state)) == Waiting(reason="ErrImagePull", message="no such image")


def test_a_message_is_one_line_of_bounded_length() -> None:
    told = short("a\n b\tc" + " x" * 10_000)

    assert told is not None
    assert told.startswith("a b c x")
    assert len(told) == LONGEST
    assert told.endswith("…")
    assert short("  ") is None
    assert short(None) is None


def test_a_deletion_is_kept_as_the_api_writes_it() -> None:
    written = {
        "metadata": {
            "name": "sandbox-1",
            "deletionTimestamp": STARTED,
            "deletionGracePeriodSeconds": 30,
            "finalizers": ["example.com/keep"],
        }
    }
    said = msgspec.convert(written, kube.Pod)

    assert deletion_of(said) == Deletion(due=STARTED, grace_seconds=30, finalizers=["example.com/keep"])
    assert deletion_of(pod()) is None
