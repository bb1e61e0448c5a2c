"""What Kubernetes says of a container's or a pod's state, as the document keeps it. Pure."""

from __future__ import annotations

from memcollect.documents.snapshot import Deletion, Pod, Resize, Termination, Waiting
from memcollect.join.roles import app_containers
from memcollect.kubernetes import objects as kube
from memcollect_agent import wire

LONGEST = 400
"""Characters of a message that are kept: an eviction names every container, and takes about 250."""
FINISHED = frozenset({"Succeeded", "Failed"})
"""Phases in which nothing of a pod will run again."""
REFUSALS = frozenset(
    {"OutOfmemory", "OutOfcpu", "OutOfpods", "OutOfephemeral-storage", "UnexpectedAdmissionError"}
    | {"NodeAffinity", "NodeName", "NodePorts", "TaintToleration"}
)
"""What the kubelet writes of a pod that it did not admit (pkg/kubelet/lifecycle/predicate.go)."""
_RESIZE_STATES = {"PodResizePending": "pending", "PodResizeInProgress": "in progress"}
_OLD_RESIZE_STATES = {"InProgress": "in progress"}


def termination_of(status: kube.ContainerStatus | None) -> Termination | None:
    """Return how the container ended: this time if it has ended, else the last time."""
    if status is None:
        return None
    ended = status.state.terminated or status.last_state.terminated
    if ended is None:
        return None
    return Termination(
        reason=ended.reason,
        exit_code=ended.exit_code,
        finished_at=ended.finished_at,
        signal=ended.signal or None,
        container_id=(ended.container_id or "").rpartition("://")[2] or None,
    )


def waiting_of(status: kube.ContainerStatus | None) -> Waiting | None:
    """Return why the container does not run; None where it does, or has ended."""
    waiting = status.state.waiting if status is not None else None
    return Waiting(reason=waiting.reason, message=short(waiting.message)) if waiting is not None else None


def started_at(status: kube.ContainerStatus | None) -> str | None:
    """Return since when the container runs; None where it does not."""
    running = status.state.running if status is not None else None
    return running.started_at if running is not None else None


def resize_of(pod: kube.Pod) -> Resize | None:
    """Return the in-place resize that is under way or put off; None where there is none."""
    for condition in pod.status.conditions:
        if condition.type in _RESIZE_STATES and condition.status == "True":
            state = _RESIZE_STATES[condition.type]
            return Resize(state=state, reason=condition.reason or None, message=short(condition.message))
    old = pod.status.resize
    return Resize(state=_OLD_RESIZE_STATES.get(old, "pending"), reason=old) if old else None


def deletion_of(pod: kube.Pod) -> Deletion | None:
    """Return that the pod is being deleted, and by when it should be gone; None where it is not."""
    metadata = pod.metadata
    if metadata.deletion_timestamp is None:
        return None
    return Deletion(
        due=metadata.deletion_timestamp,
        grace_seconds=metadata.deletion_grace_period_seconds,
        finalizers=metadata.finalizers,
    )


def has_ended(row: Pod) -> bool:
    """Return whether nothing of a pod runs, whatever its cgroup still holds."""
    apps = app_containers(row)
    return row.phase in FINISHED or (bool(apps) and all(each.state == "terminated" for each in apps))


def was_refused(row: Pod) -> bool:
    """Return whether a pod failed before any of its containers was started: its node did not admit it."""
    ran = any(each.last_termination is not None or each.state == "running" for each in row.containers)
    return row.phase == "Failed" and row.reason in REFUSALS and not ran


def last_points_of(history: wire.History | None, uid: str) -> list[wire.LastPoints]:
    """Return what was seen last of this pod's cgroups that are gone, or in which something was killed."""
    last = history.last if history is not None else []
    return [each for each in last if each.cgroup.pod_uid.lower().replace("_", "-") == uid]


def short(text: str | None) -> str | None:
    """Return a message on one line, cut; None for an empty one."""
    words = " ".join((text or "")[: LONGEST * 4].split())
    return (words if len(words) <= LONGEST else words[: LONGEST - 1] + "…") or None
