from typing import Any

import msgspec

from memcollect.documents.times import seconds_of
from memcollect.kubernetes.objects import Pod
from memcollect.profile.measuring.startup import Watch, startup
from memcollect.profile.sandboxes.source import Sandbox
from memcollect.testing import objects

ONE = Sandbox(key="one", namespace="team", pod="one", requested_at=99.0)


def pod(uid: str = "u", **status: Any) -> Pod:
    document = objects.pod("team", "one", node="node-1", uid=uid)
    document["status"] |= status
    return msgspec.convert(document, Pod)


def pending(uid: str = "u") -> Pod:
    return pod(uid, phase="Pending", conditions=[], containerStatuses=[])


PENDING = pending()


def test_what_is_seen_first_counts() -> None:
    watch = Watch([ONE])
    for at, seen in ((100.0, PENDING), (101.0, pod()), (102.0, pod())):
        watch.see({"one": seen}, at)
    row = startup(ONE, watch, poll_seconds=0.5, pulled=False)
    assert (row.requested_at, row.seen_running_at, row.seen_ready_at, row.pulled) == (
        99.0,
        101.0,
        101.0,
        False,
    )
    assert watch.waiting == set()


def test_the_apis_times_are_those_of_conditions_that_hold_and_of_the_last_container() -> None:
    times = ["2026-01-01T00:00:01Z", "2026-01-01T00:00:05Z"]
    kinds = [("PodScheduled", "True"), ("Ready", "False")]
    seen = pod(
        conditions=[{"type": k, "status": s, "lastTransitionTime": times[0]} for k, s in kinds],
        containerStatuses=[{"name": t, "state": {"running": {"startedAt": t}}} for t in times],
    )
    watch = Watch([ONE])
    watch.see({"one": seen}, 100.0)
    row = startup(ONE, watch, poll_seconds=0.5, pulled=None)
    assert row.scheduled_at == seconds_of(times[0])
    assert row.started_at == seconds_of(times[1])
    assert row.ready_at is None


def test_a_container_that_has_not_started_leaves_the_start_unknown() -> None:
    running = {"name": "a", "state": {"running": {"startedAt": "2026-01-01T00:00:01Z"}}}
    watch = Watch([ONE])
    watch.see({"one": pod(containerStatuses=[running, {"name": "b", "state": {"waiting": {}}}])}, 100.0)
    assert startup(ONE, watch, poll_seconds=1.0, pulled=None).started_at is None


def test_why_a_pod_is_not_ready() -> None:
    waiting = [{"name": "a", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]
    watch = Watch([ONE])
    watch.see({"one": pod(phase="Pending", conditions=[], containerStatuses=waiting)}, 100.0)
    assert watch.why_not("one", "within 5 s") == "it was not ready within 5 s: Pending (ImagePullBackOff)"
    assert Watch([ONE]).why_not("one", "in time") == "no pod one was seen in time"


def test_a_pod_that_cannot_be_scheduled_says_what_the_scheduler_said() -> None:
    no_room = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}
    watch = Watch([ONE])
    watch.see({"one": pod(phase="Pending", conditions=[no_room], containerStatuses=[])}, 100.0)
    assert "0/3 nodes are available" in watch.why_not("one", "within 5 s")


def test_a_pod_that_has_ended_is_not_waited_for() -> None:
    watch = Watch([ONE])
    watch.see({"one": pod(phase="Failed", conditions=[], containerStatuses=[])}, 100.0)
    assert watch.waiting == set()
    assert watch.why_not("one", "within 5 s") == "the pod has ended: Failed"


def test_a_pod_that_takes_the_place_of_a_ready_one_has_its_own_way_to_go() -> None:
    watch = Watch([ONE])
    watch.see({"one": pod()}, 100.0)
    watch.see({"one": pending("u2")}, 101.0)
    assert watch.waiting == {"one"}
    row = startup(ONE, watch, poll_seconds=0.5, pulled=None)
    assert (row.pod_uid, row.seen_running_at, row.seen_ready_at) == ("u2", None, None)
    assert watch.why_not("one", "within 5 s") == "it was not ready within 5 s: Pending"
    watch.see({"one": pod("u2")}, 102.0)
    row = startup(ONE, watch, poll_seconds=0.5, pulled=None)
    assert (row.pod_uid, row.seen_running_at, row.seen_ready_at) == ("u2", 102.0, 102.0)
    assert watch.waiting == set()


def test_a_pod_that_takes_the_place_of_one_that_has_ended_is_waited_for() -> None:
    watch = Watch([ONE])
    watch.see({"one": pod(phase="Failed", conditions=[], containerStatuses=[])}, 100.0)
    watch.see({"one": pending("u2")}, 101.0)
    assert watch.waiting == {"one"}
    assert "Failed" not in watch.why_not("one", "within 5 s")


def test_a_creation_that_was_refused_stays_refused_whatever_pod_there_is() -> None:
    watch = Watch([ONE])
    watch.see({"one": pending()}, 100.0)
    watch.give_up("one", "no")
    watch.see({"one": pending("u2")}, 101.0)
    assert (watch.waiting, watch.why_not("one", "within 5 s")) == (set(), "no")


def test_a_pod_that_is_not_ready_for_a_moment_was_ready() -> None:
    watch = Watch([ONE])
    watch.see({"one": pod()}, 100.0)
    watch.see({"one": pod(conditions=[])}, 101.0)
    assert watch.waiting == set()
