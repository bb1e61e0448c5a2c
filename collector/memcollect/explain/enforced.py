"""Memory limits as Kubernetes tells them against those that the node enforces. Pure.

The kernel holds a cgroup to its memory.max, which it rounds down to whole pages (mm/page_counter.c), and to
nothing that is written elsewhere. A runtime writes it when it makes the container and when it is asked to;
systemd writes its own settings over it whenever it applies a unit anew, and anybody with root may. Seen of
systemd 257: `set-property` applies all that the unit has of memory, `daemon-reload` and `daemon-reexec` leave
what was written beside it as it is. gVisor,
Kata and their like give the limit to the sandbox, so the host's cgroup of a container need not have it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from memcollect.documents.snapshot import Container, Finding, Pod, Runtime
from memcollect.documents.times import seconds_of
from memcollect.explain.kills.alive import running_in
from memcollect.join.recognise import OF_A_RUNTIME
from memcollect.kubernetes.quantities import LARGEST, bytes_of
from memcollect.units import human_bytes
from memcollect_agent.wire import Cgroup, Limit, Node

SETTLED_SECONDS = 10.0
"""What is younger may be in the making: a cgroup is there before its limits are."""
LARGEST_PAGE = 64 << 10
ORDINARY = frozenset({"runc", "crun"})
"""Families of runtime classes that have no guest."""
LOST = "{whose} memory limit is not in force: Kubernetes says {told}, and memory.max of its cgroup is max"
DIFFERS = "{whose} memory limit in force is {has}, by memory.max of its cgroup, where Kubernetes {says}"
NARROWER = (
    "The pod's memory limit in force is {has}, by memory.max of its cgroup: less than the {most} that"
    " Kubernetes gives container {name} alone."
)
POD_HOLDS = "; the pod's limit of {limit} holds"
LOST_REMEDY = (
    "Delete the pod: a new one is given its limits anew.{until} It may be lost again: see what ran on the"
    " node (`systemctl set-property` or `daemon-reload`, an update of the runtime, whatever else writes"
    " cgroups)."
)
DIFFERS_REMEDY = (
    "If a resize came in between, it is gone when you look again. Else look on the node for who set it"
    " (`crictl update`, a tool that tunes cgroups); delete the pod, and a new one has the right one.{until}"
)
UNTIL = " Until then `crictl update --memory {told} {id}` on the node sets it."
DEADLY = (
    " Do not set it by hand meanwhile: {charged} is charged, and what the kernel cannot drop of that at once"
    " ends in an OOM kill."
)
RESIZE_REMEDY = (
    "A limit is not lowered below what is charged: let the container free memory, or restart it"
    " with the new limit; a higher one waits until the node has room."
)


@dataclass(frozen=True)
class _Limit:
    """One limit as both sides have it."""

    scope: str
    has: Limit
    told: str | None
    """As Kubernetes writes it; None: it gives none."""
    above: Limit = None
    """The pod's, of a container."""
    id: str | None = None
    charged: int = 0
    resize: str = ""

    @property
    def is_held(self) -> bool:
        """Whether the pod's limit is the smaller one."""
        return isinstance(self.above, int) and (self.has == "max" or self.above < int(self.has or 0))

    def finding(self) -> Finding:
        """Return the contradiction: a notice where the pod's limit holds what Kubernetes says."""
        told = bytes_of(self.told)
        held = POD_HOLDS.format(limit=human_bytes(int(self.above or 0))) if self.is_held else ""
        is_lost = self.has == "max"
        has = human_bytes(self.has) if isinstance(self.has, int) else self.has
        sentence = (LOST if is_lost else DIFFERS).format(
            whose="The pod's" if self.scope == "pod" else "Its",
            told=_in_words(self.told),
            has=has,
            says="gives it none" if told is None else f"says {_in_words(self.told)}",
        )
        is_harmless = told is None or (self.is_held and int(self.above or 0) <= told)
        return Finding(
            cause="limit_lost" if is_lost else "limit_differs",
            scope=self.scope,
            severity="notice" if is_harmless else "warning",
            sentence=f"{sentence}{held}{self.resize}.",
            evidence=f"limits.memory {self.told or 'none'} by Kubernetes, memory.max {self.has}",
            remedy=(LOST_REMEDY if is_lost else DIFFERS_REMEDY).format(until=self._until(told)),
        )

    def _until(self, told: int | None) -> str:
        """Return how to set it by hand, or why not to: unlike the kubelet, nothing asks what is charged."""
        if told is None or self.id is None:
            return ""
        if self.charged > told:
            return DEADLY.format(charged=human_bytes(self.charged))
        return UNTIL.format(told=told, id=self.id[:13])


def _in_words(told: str | None) -> str:
    """Return a limit as Kubernetes writes it, but a bare number of bytes as people read it."""
    return human_bytes(int(told)) if told is not None and told.isdecimal() else str(told)


def find_enforced(pod: Pod, node: Node | None) -> Iterator[Finding]:
    """Yield which limits are others than Kubernetes says, and which wait for a resize."""
    for container in pod.containers:
        yield from _of_container(pod, container, node)
    yield from _of_pod(pod, node)


def _of_container(pod: Pod, container: Container, node: Node | None) -> Iterator[Finding]:
    since = container.started_at if container.state == "running" else None
    has = _limit_of(container.cgroup) if _is_on_host(pod.runtime, container) else None
    told, wanted = container.limits.get("memory"), container.wanted_limits.get("memory")
    if has is None or _is_same(has, told, node) or not _is_settled(container.cgroup, since):
        yield from _resize(pod, container)
    elif wanted is None or not _is_same(has, wanted, node):  # else it is done, and the kubelet will say so
        above = pod.cgroup.max_bytes if pod.cgroup is not None and not container.elsewhere else None
        told = None if bytes_of(told) == 0 else told
        charged = (container.cgroup.current_bytes if container.cgroup is not None else None) or 0
        clause = _resize_clause(pod, wanted)
        limit = _Limit(container.name, has, told, above, container.id, charged, clause)
        # One without a limit of its own is given its pod's, where the pod has one.
        if told is not None or not (has == above or limit.is_held):
            yield limit.finding()


def _of_pod(pod: Pod, node: Node | None) -> Iterator[Finding]:
    # A runtime class may add what its sandbox itself takes, and a resize is under way between two limits.
    changing = pod.resize is not None or any(each.wanted_limits for each in pod.containers)
    if changing or pod.runtime.runtime_class is not None or pod.runtime.family in OF_A_RUNTIME:
        return
    told, has = pod.limits.get("memory"), _limit_of(pod.cgroup)
    if has is not None and told is not None and not _is_same(has, told, node):
        found = [_Limit("pod", has, told).finding()]
    else:
        found = list(_narrower(pod, has)) if isinstance(has, int) else []
    if found and _is_settled(pod.cgroup, pod.start_time):
        yield from found


def _narrower(pod: Pod, has: int) -> Iterator[Finding]:
    """Yield that the pod's limit is less than one of its containers has, where it should be their sum."""
    told = {each.name: bytes_of(each.limits.get("memory")) or 0 for each in pod.containers}
    name = max(told, key=lambda each: told[each], default="")
    if name and told[name] - has >= LARGEST_PAGE:
        yield Finding(
            cause="limit_differs",
            scope="pod",
            severity="warning",
            sentence=NARROWER.format(has=human_bytes(has), most=human_bytes(told[name]), name=name),
            evidence=f"limits.memory of {name} {told[name]}, memory.max of the pod {has}",
            remedy=DIFFERS_REMEDY.format(until=""),
        )


def _limit_of(cgroup: Cgroup | None) -> Limit:
    return cgroup.max_bytes if cgroup is not None else None


def _is_settled(cgroup: Cgroup | None, since: str | None) -> bool:
    """Return whether the cgroup of what runs since then was read late enough to have its limit.

    Asked last: what differs is rare, and a time takes longer to parse than all else here.
    """
    started = seconds_of(since)
    if cgroup is None or cgroup.read_at is None or started is None:
        return False
    return cgroup.read_at - started >= SETTLED_SECONDS


def _is_on_host(runtime: Runtime, container: Container) -> bool:
    """Return whether the runtime holds this container to its limit by a cgroup of the host's.

    Of a class that is not known, as of a wrapper for GPUs, its own processes in the cgroup tell.
    """
    if runtime.runtime_class is None:
        return runtime.family not in OF_A_RUNTIME
    if runtime.family in ORDINARY:
        return True
    sums = container.sums
    return runtime.family == "unknown" and sums is not None and running_in(sums) > 0 and not container.hints


def _is_same(has: Limit, told: str | None, node: Node | None) -> bool:
    most = bytes_of(told)
    if not most or most > LARGEST - LARGEST_PAGE:
        return has == "max"
    page = (node.page_size_bytes if node is not None else None) or LARGEST_PAGE
    return isinstance(has, int) and abs(has - most) < page


def _resize(pod: Pod, container: Container) -> Iterator[Finding]:
    wanted, in_force = container.wanted_limits.get("memory"), container.limits.get("memory")
    clause = _resize_clause(pod, wanted)
    if clause and wanted != in_force:
        yield Finding(
            cause="resize",
            scope=container.name,
            severity="warning",
            sentence=f"The limit of container {container.name} is still"
            f" {_in_words(in_force) if in_force else 'none'}{_charged(container)}{clause}.",
            evidence=f"spec limits.memory {wanted}, in force {in_force}",
            remedy=RESIZE_REMEDY,
        )


def _resize_clause(pod: Pod, wanted: str | None) -> str:
    """Return how a resize fares that is not done, as the end of a sentence; "" where there is none."""
    if pod.resize is None or wanted is None:
        return ""
    why = ": ".join(part for part in (pod.resize.reason, pod.resize.message) if part)
    fares = f": its resize to {_in_words(wanted)} is {pod.resize.state}"
    return fares + (f" ({why.rstrip('. ')})" if why else "")


def _charged(container: Container) -> str:
    charge = container.cgroup.current_bytes if container.cgroup is not None else None
    return f", of which {human_bytes(charge)} is charged" if charge is not None else ""
