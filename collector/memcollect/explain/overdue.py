"""Pods whose deletion should be over by now and which hold memory. Pure.

The API's deletionTimestamp is when the grace ends, and not when the deletion was asked for. The kubelet ends
what still runs then by SIGKILL, which a process that waits in the kernel (state D) does not see before it
wakes; the pod's cgroup goes only once it is empty.
"""

from __future__ import annotations

from collections.abc import Iterator

from memcollect.documents.snapshot import Finding, Pod
from memcollect.documents.times import seconds_of
from memcollect.explain.kills.alive import running_in
from memcollect.explain.kills.endings import describe
from memcollect.join.reconcile import in_words
from memcollect.units import MIB, human_bytes
from memcollect_agent.wire import ProcessSums

LATE_SECONDS = 60.0
"""So long after its grace no end is late: the kubelet has volumes to unmount, and looks now and then."""
OVERDUE = "It should be gone: its grace{grace} was over {late} ago, and {held} is still charged to it{state}."
RUNS = (
    "See `{describe}` and the kubelet's log: a kubelet or runtime that hangs needs a restart; a process in"
    " state D (`ps -o pid,stat,wchan`) waits for a disk or a server that does not answer: no signal ends it."
)
NOTHING_RUNS = (
    "See `{describe}` and the kubelet's log for a volume that is not unmounted or a network that is not taken"
    " down: what is charged are files in tmpfs, page cache and kernel memory, and they go with the cgroup."
)
NO_FORCE = " `kubectl delete --force` takes the pod out of the API alone: its memory stays."
FINALIZED = " Its finalizers ({names}) keep it in the API; they hold no memory."


def find_overdue(pod: Pod) -> Iterator[Finding]:
    """Yield that the pod's end is late, by the clock of its node, where something is charged to it."""
    due = seconds_of(pod.deletion.due) if pod.deletion is not None else None
    cgroup = pod.cgroup
    if pod.deletion is None or due is None or cgroup is None or cgroup.read_at is None:
        return
    late, charged = cgroup.read_at - due, cgroup.current_bytes or 0
    if late < LATE_SECONDS or charged < MIB:
        return
    grace, names = pod.deletion.grace_seconds, pod.deletion.finalizers
    state = _state(pod)
    remedy = (RUNS if state else NOTHING_RUNS).format(describe=describe(pod)) + NO_FORCE
    yield Finding(
        cause="overdue_deletion",
        scope="pod",
        severity="warning",
        sentence=OVERDUE.format(
            grace=f" of {grace} s" if grace is not None else "",
            late=in_words(late),
            held=human_bytes(charged),
            state=state,
        ),
        evidence=f"deletionTimestamp {pod.deletion.due}, memory.current {charged}",
        remedy=remedy + (FINALIZED.format(names=", ".join(names)) if names else ""),
    )


def is_overdue(pod: Pod) -> bool:
    """Return whether that was found of an explained pod, told in full or in summary."""
    causes = pod.summary.causes if pod.summary is not None else (each.cause for each in pod.findings)
    return "overdue_deletion" in causes


def _state(pod: Pod) -> str:
    """Return what of it still runs, as the end of a sentence; "" where nothing does."""
    waiting = [each for container in pod.containers for each in container.processes if each.state == "D"]
    if waiting:
        first, more = waiting[0], len(waiting) - 1
        others = f" and {more} more" if more else ""
        return f", and its process {first.pid} ({first.comm}){others} waits in the kernel (state D)"
    inside = [each for each in pod.containers if each.cgroup is not None and each.role != "pause"]
    alive = [each.name for each in inside if _may_run(each.sums)]
    if alive:
        return f", and {' and '.join(alive)} still {'run' if len(alive) > 1 else 'runs'}"
    return ", and processes of it still run" if _may_run(pod.own_sums) else ""


def _may_run(sums: ProcessSums | None) -> bool:
    return sums is None or running_in(sums) > 0
