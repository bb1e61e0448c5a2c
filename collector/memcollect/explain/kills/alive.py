"""Containers that ended, as Kubernetes says, and whose cgroups still hold memory. Pure.

A runtime that was restarted, or that cannot end a process which waits in the kernel, reports an end that the
node has not seen. Both times are the node's own, so no two clocks are held against each other.
"""

from __future__ import annotations

from collections.abc import Iterator

from memcollect.documents.snapshot import Container, Finding, Pod
from memcollect.documents.times import seconds_of
from memcollect.join.recognise import OF_A_RUNTIME
from memcollect.join.reconcile import in_words
from memcollect.units import MIB, human_bytes
from memcollect_agent.wire import ProcessSums

LATE_SECONDS = 60.0
"""So long after an end its cgroup may be there without a reason."""
ALIVE = "Kubernetes says that it ended {ago} ago; its cgroup still holds {held}, {processes}."
RUNS = (
    "The runtime has lost it, or cannot end it: `crictl ps -a` on the node shows what the runtime knows, and"
    " `ps -o pid,stat,wchan` what the processes wait for. End them, or restart the runtime."
)
LEFT = (
    "The runtime did not remove it: its log, and a restart of it, help. Page cache goes under pressure, tmpfs"
    " with its files."
)


def find_alive(pod: Pod) -> Iterator[Finding]:
    """Yield each container that should be gone and is not."""
    for container in pod.containers:
        late, cgroup = _seconds_late(pod, container), container.cgroup
        if late is None or cgroup is None:
            continue
        running = None if container.sums is None else running_in(container.sums)
        held = cgroup.current_bytes or 0
        yield Finding(
            cause="ended_alive",
            scope=container.name,
            severity="warning",
            sentence=ALIVE.format(ago=in_words(late), held=human_bytes(held), processes=_processes(running)),
            evidence=f"{cgroup.path}: memory.current {held}; {container.id} ended by its status",
            remedy=LEFT if running == 0 else RUNS,
        )


def _seconds_late(pod: Pod, container: Container) -> float | None:
    """Return how long ago the run ended whose cgroup holds memory; None where that is no contradiction."""
    end, cgroup = container.last_termination, container.cgroup
    if end is None or cgroup is None or cgroup.read_at is None or pod.runtime.family in OF_A_RUNTIME:
        return None
    is_that_run = container.id is not None and end.container_id == container.id
    finished = seconds_of(end.finished_at)
    if not is_that_run or finished is None or (cgroup.current_bytes or 0) < MIB:
        return None
    late = cgroup.read_at - finished
    return late if late >= LATE_SECONDS else None


def running_in(sums: ProcessSums) -> int:
    """Return how many processes can have memory: neither gone, nor zombies, nor the kernel's."""
    return sums.listed - sums.vanished - sums.zombies - sums.kernel_threads


def _processes(running: int | None) -> str:
    if running is None:
        return "and its processes were not read"
    if not running:
        return "and no process runs in it"
    return "and 1 process runs in it" if running == 1 else f"and {running} processes run in it"
