"""Under which circumstances a side was measured, as the guard asks: where, how old, held by what. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from memcollect.compare.facts import Fact, Unknown
from memcollect.compare.inputs import Observation
from memcollect.compare.values import IN_SUMMARY, measured_pods
from memcollect.documents.run import NodeEvidence, RunManifest
from memcollect.documents.snapshot import Pod, Snapshot
from memcollect.documents.times import seconds_of, taken_at
from memcollect.evidence.telling import counted
from memcollect.join.roles import app_containers
from memcollect.units import human_bytes
from memcollect_agent.wire import Limit, Node

NOT_IN_FORCE = frozenset({"limit_lost", "limit_differs"})
"""Findings that say so (memcollect.explain.enforced). While a resize waits, the old one is in force."""
SLOWED = frozenset({"throttled", "throttled_inside", "stalled"})
"""Findings that processes do less than they would (memcollect.explain.slowed)."""
COUNTED = "memory_hugetlb_accounting"
RUNS = frozenset({"running", None})
"""A container's state while it works, or where nobody asked for it."""
MAIN = "container"
"""The role of a container that is to run for as long as its pod does: init containers end, and are to."""

Measured = Sequence[tuple[Observation, Pod]]
Mark = tuple[str, ...]
"""What only one cluster has: the id of its kube-system, or a node's name with the boot that it is in."""


def cluster(observations: Iterable[Observation]) -> Fact:
    """Return for each snapshot the marks of its cluster."""
    marks = [_marks(each.snapshot) for each in observations]
    return frozenset(marks) if all(marks) else Unknown("nothing in a snapshot says which one it is of")


def _marks(snapshot: Snapshot) -> frozenset[Mark]:
    own = {("uid", snapshot.cluster_uid)} if snapshot.cluster_uid else set()
    return frozenset(own | {("boot", node.name, node.boot_id) for node in snapshot.nodes if node.boot_id})


def uids(marks: Iterable[frozenset[Mark]]) -> frozenset[str]:
    """Return the ids of clusters among the marks."""
    return frozenset(mark[1] for some in marks for mark in some if mark[0] == "uid")


def hang_together(marks: Iterable[frozenset[Mark]]) -> bool:
    """Return whether every snapshot shares a mark with another that shares one with another, and so on."""
    first, *rest = marks
    known = set(first)
    while near := [each for each in rest if each & known]:
        known.update(*near)
        rest = [each for each in rest if each not in near]
    return not rest


def namespaces(repeats: Iterable[Sequence[Observation]]) -> Fact:
    """Return for each repeat the namespaces of its pods."""
    found = [
        {pod.namespace for each in some for pod in measured_pods(each.snapshot.pods)} for some in repeats
    ]
    if any(None in names for names in found):
        return Unknown("what runs on one machine has none")
    return frozenset(tuple(sorted(name for name in names if name)) for names in found if names)


def spread(repeats: Iterable[Sequence[Observation]]) -> Fact:
    """Return for each repeat on how many nodes its pods were."""
    found = [{pod.node for each in some for pod in measured_pods(each.snapshot.pods)} for some in repeats]
    if any(None in nodes for nodes in found):
        return Unknown("nothing says on which node a pod is")
    return frozenset(len(nodes) for nodes in found if nodes)


def ages(repeats: Iterable[Sequence[Observation]]) -> Fact:
    """Return (the least, the most) of the repeats' ages in seconds: the mean over the pods, as of memory."""
    found = []
    for some in repeats:
        each = [_age(one.snapshot, pod) for one in some for pod in measured_pods(one.snapshot.pods)]
        known = [age for age in each if age is not None]
        if len(known) < len(each):
            return Unknown("nothing says since when a pod's containers run")
        if known:
            found.append(sum(known) / len(known))
    return (min(found), max(found)) if found else Unknown("no pod was measured")


def _age(snapshot: Snapshot, pod: Pod) -> float | None:
    starts = [seconds_of(each.started_at) for each in app_containers(pod) if each.started_at]
    since = max((start for start in starts if start is not None), default=seconds_of(pod.start_time))
    return None if since is None else taken_at(snapshot) - since


def enforced(pods: Measured) -> Fact:
    """Return for each pod what the kernel holds its containers to, by memory.max and memory.high."""
    if any(pod.summary is not None for _, pod in pods):
        return Unknown(IN_SUMMARY)
    found = []
    for _, pod in pods:
        held = [(each.name, each.cgroup) for each in app_containers(pod) if each.cgroup is not None]
        if not held or any(cgroup.max_bytes is None for _, cgroup in held):
            return Unknown("a container's cgroup does not tell")
        found.append(
            tuple(sorted((name, _limit(each.max_bytes), _limit(each.high_bytes)) for name, each in held))
        )
    return frozenset(found) or Unknown("no pod was measured")


def _limit(limit: Limit) -> str:
    return human_bytes(limit) if isinstance(limit, int) else limit or "none"


def not_in_force(pods: Iterable[Pod]) -> Iterator[str]:
    """Yield where the kernel holds a pod to another limit than Kubernetes says."""
    yield from _told(pods, NOT_IN_FORCE)


def slowed(pods: Sequence[Pod]) -> Fact:
    """Return where a pod was slowed down for want of memory; a kernel without PSI does not tell of stalls."""
    if any(pod.cgroup is None or pod.cgroup.events is None for pod in pods):
        return Unknown("memory.events of the pod's own cgroup is not told")
    return frozenset(_told(pods, SLOWED))


def _told(pods: Iterable[Pod], causes: Container[str]) -> Iterator[str]:
    for pod in pods:
        for finding in pod.findings:
            if finding.cause in causes:
                yield f"{pod.name}, {finding.scope}: {finding.sentence.rstrip('.')}"


def reclaimed(pods: Measured) -> Fact:
    """Return the most bytes that the kernel has ever taken back from a pod."""
    largest = 0
    for observation, pod in pods:
        node = next((each for each in observation.snapshot.nodes if each.name == pod.node), None)
        pages = ((pod.cgroup.stat if pod.cgroup is not None else None) or {}).get("pgsteal")
        if pages is None or node is None or node.page_size_bytes is None:
            return Unknown("pgsteal of the pod's own cgroup, or the size of a page, is not told")
        largest = max(largest, pages * node.page_size_bytes)
    return largest if pods else Unknown("no pod was measured")


def ended(pod: Pod) -> Iterator[str]:
    """Yield the pod's containers that do not run, though the pod as a whole may."""
    for each in app_containers(pod):
        if each.role == MAIN and each.state not in RUNS:
            yield f"{each.name} of {pod.name} was {each.state}"


def cgroup_version(node: Node) -> str | None:
    """Return the version of the node's cgroups, and whether huge pages are charged in them."""
    counted = ", with huge pages" if COUNTED in node.cgroup_mount_options else ""
    return node.cgroup_version and f"{node.cgroup_version}{counted}"


def in_the_way(runs: Mapping[str, RunManifest], observations: Sequence[Observation]) -> Iterator[str]:
    """Yield what earlier sandboxes of the same run had left on a node when others were measured on it."""
    for name, manifest in runs.items():
        later = [each.snapshot for each in observations if each.source == name]
        for look in (look for run in manifest.phases for look in run.nodes):
            left = _left(look)
            if left and any(_is_after(look, each) for each in later):
                yield f"{left} on {look.node}"


def _left(look: NodeEvidence) -> str:
    if look.moment != "after":
        return ""
    cgroups = [counted(look.leftover_cgroups, "cgroup")] if look.leftover_cgroups else []
    return " and ".join([*cgroups, *sorted(set(look.leftover_processes))])


def _is_after(look: NodeEvidence, snapshot: Snapshot) -> bool:
    return look.node in {pod.node for pod in snapshot.pods} and taken_at(snapshot) > (look.taken_at or 0.0)
