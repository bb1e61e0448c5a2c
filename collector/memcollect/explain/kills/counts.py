"""OOM kills by whose limit was hit: the event counters of the cgroups from a container to the root. Pure.

The kernel's own rules (mm/memcontrol.c and mm/oom_kill.c, the same from 5.10 to 7.2):

    oom             counts in the cgroup whose limit was hit, and in all above it; its `.local` there alone
    oom_kill        counts in the cgroup where the victim lived, and in all above it; its `.local` there alone
    oom_group_kill  counts where memory.oom.group is set; such a kill counts the chosen victim in `oom_kill`
                    twice, once as the victim and once as a member of the group

So a kill below a cgroup that knows of no `oom` was for a limit above it, or for want of memory on the node:
then no cgroup at all counts `oom`. And what a parent counts beyond its own and its children's is of children
that are gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from memcollect.accounting.interval import Interval
from memcollect.documents.snapshot import Container, Pod
from memcollect_agent.pods import is_parent_of_pods
from memcollect_agent.wire import Cgroup

Blame = Literal["container", "pod", "above", "node", "unknown"]
"""Whose limit was hit: the container's own (or one inside of it), its pod's, a cgroup's above the pod, none
at all (the node itself was out of memory), or one that cannot be told."""

Kind = Literal["container", "inside", "pod", "qos", "pods", "other"]
"""Of a cgroup: "inside" is one in a container, made by what runs there."""


@dataclass(frozen=True)
class Level:
    """A cgroup whose limit was hit, or may have been."""

    path: str
    kind: Kind
    limit_bytes: int | None
    """memory.max now; None where it has none (any more), or it was not read."""
    peak_bytes: int | None = None
    hits: int | None = None
    """`max` of memory.events.local: how often it was at its limit and room was made."""


@dataclass(frozen=True)
class Kill:
    """The kills of one place, for one limit."""

    victim: str
    """The container's name, "pod" for processes in the pod's own cgroup, "" for containers that are gone."""
    processes: Interval
    """How many: several where the kernel may have counted a victim twice."""
    counted: int
    """What `oom_kill` says of them."""
    blame: Blame
    level: Level | None = None
    """Whose limit; None where it is unknown, the node's, or that of a container that is gone."""
    others: Sequence[Level] = ()
    """Further cgroups above whose limits were hit, too."""
    ooms: int = 0
    """How often that limit could not be kept by reclaim (`oom`)."""
    certain: bool = False
    """Whether no other limit can have been the one: none above was reached."""


def kills_of(pod: Pod, ancestors: Sequence[Cgroup] | None) -> list[Kill]:
    """Return the kills that the pod's counters know of; of a unit outside Kubernetes, its container's.

    `ancestors` are the node's (wire.Node.ancestors); None where they were not read.
    """
    if not _any_kill(pod):
        return []
    above = _above(pod, ancestors)
    if pod.kind != "pod":
        return [kill for each in pod.containers for kill in _of_container(each, [], above)]
    own = _level(pod.cgroup, "pod") if pod.cgroup is not None else None
    nearer = [own] if own is not None and pod.cgroup is not None and _local(pod.cgroup, "oom") else []
    kills = [kill for each in pod.containers for kill in _of_container(each, nearer, above)]
    return [*kills, *_of_pod(pod, nearer, above)]


def _any_kill(pod: Pod) -> bool:
    """Return whether any counter knows of one: of most pods none does, and nobody need be looked for."""
    cgroups = (pod.cgroup, *(each.cgroup for each in pod.containers))
    return any(each is not None and _count(each, "oom_kill") for each in cgroups)


def gone_kills(pod: Pod) -> int | None:
    """Return how many kills the pod counts in containers that are gone; None where it cannot be told."""
    # Nothing lives in a pod's own cgroup as a rule: what died there belonged to what is gone, too.
    return _left_over(pod, "oom_kill", with_own=not _lives(pod))


@dataclass(frozen=True)
class _Counts:
    kills: int
    ooms: int
    groups: int | None
    """None: this kernel does not count group kills (before 5.17), or has no such file."""
    may_be_group: bool = True


def _of_container(container: Container, pod: Sequence[Level], above: _Above) -> Iterator[Kill]:
    cgroup = container.cgroup
    if cgroup is None or not _count(cgroup, "oom_kill"):
        return
    counts = _Counts(
        kills=_count(cgroup, "oom_kill") or 0,
        ooms=_count(cgroup, "oom") or 0,
        groups=_count(cgroup, "oom_group_kill"),
        may_be_group=cgroup.oom_group is not False,
    )
    yield from _split(container.name, counts, _own_level(cgroup), pod, above)


def _of_pod(pod: Pod, own: Sequence[Level], above: _Above) -> Iterator[Kill]:
    """Yield the kills of the pod's own processes, and of those whose containers are gone."""
    cgroup, gone = pod.cgroup, gone_kills(pod)
    if cgroup is None or gone is None:
        return
    if _lives(pod) and (directly := _own(pod, "oom_kill")):
        counts = _Counts(directly, 0, _local(cgroup, "oom_group_kill"))
        yield from _split("pod", counts, None, own, above)
    if gone:
        counts = _Counts(gone, _left_over(pod, "oom") or 0, _left_over(pod, "oom_group_kill"))
        yield from _split("", counts, None, own, above)


def _lives(pod: Pod) -> bool:
    return pod.own_sums is not None and pod.own_sums.listed > 0


def _split(
    victim: str, counts: _Counts, own: Level | None, pod: Sequence[Level], above: _Above
) -> Iterator[Kill]:
    """Yield the kills for the victim's own limit, and those for one above it.

    Without group kills each `oom` ends one process at most, so what is more was for a limit above.
    """
    singly = counts.groups == 0 or not counts.may_be_group
    for_own = min(counts.kills, counts.ooms) if singly else counts.kills if counts.ooms else 0
    if for_own:
        processes = _processes(for_own, counts)
        certain = above.blamed(pod)[1] is None
        yield Kill(victim, processes, for_own, "container", own, ooms=counts.ooms, certain=certain)
    if rest := counts.kills - for_own:
        blame, level, others = above.blamed(pod)
        certain = blame == "pod" and not others
        yield Kill(victim, _processes(rest, counts), rest, blame, level, others, certain=certain)


def _processes(counted: int, counts: _Counts) -> Interval:
    """Return how many processes `counted` kills were: each group kill may have counted its victim twice.

    The victim is counted twice unless it has let go of its memory before its group is gone through, so the
    least is the best guess. A kernel that does not count group kills leaves half of all.
    """
    if counts.groups is not None:
        least = max(counted - counts.groups, min(1, counted))
        return Interval.of(least, counted, least)
    if not counts.may_be_group:
        return Interval.exactly(counted)
    return Interval.of((counted + 1) // 2, counted, counted)


class _Above:
    """The cgroups above a pod, the nearest first."""

    def __init__(self, levels: Sequence[Cgroup] | None) -> None:
        self._levels = levels

    def blamed(self, pod: Sequence[Level]) -> tuple[Blame, Level | None, Sequence[Level]]:
        """Return whose limit above the victim was hit; where none was, the node had no memory left."""
        hit = [level_above(each) for each in self._levels or () if _local(each, "oom")]
        found = [*pod, *hit]
        if found:
            return ("pod" if found[0].kind == "pod" else "above"), found[0], tuple(found[1:])
        known = self._levels is not None and all(_local(each, "oom") is not None for each in self._levels)
        return ("node" if known else "unknown"), None, ()


def _above(pod: Pod, ancestors: Sequence[Cgroup] | None) -> _Above:
    cgroup = pod.cgroup or next((each.cgroup for each in pod.containers if each.cgroup is not None), None)
    if ancestors is None or cgroup is None:
        return _Above(None)
    found = [each for each in ancestors if cgroup.path.startswith(f"{each.path}/")]
    # Every cgroup above must be there, or one whose limit was hit may be missing.
    if len(found) != cgroup.path.strip("/").count("/"):
        return _Above(None)
    return _Above(sorted(found, key=lambda each: -len(each.path)))


def _own_level(cgroup: Cgroup) -> Level:
    """Return whose limit a container's own `oom` was: its own, or that of a cgroup inside of it."""
    if _local(cgroup, "oom") == 0:
        return Level(path=cgroup.path, kind="inside", limit_bytes=None, peak_bytes=cgroup.peak_bytes)
    return _level(cgroup, "container")


def _level(cgroup: Cgroup, kind: Kind) -> Level:
    limit = cgroup.max_bytes
    return Level(
        path=cgroup.path,
        kind=kind,
        limit_bytes=limit if isinstance(limit, int) else None,
        peak_bytes=cgroup.peak_bytes,
        hits=_local(cgroup, "max"),
    )


def level_above(cgroup: Cgroup) -> Level:
    """Return a cgroup above a pod as one whose limit may be hit."""
    return _level(cgroup, _kind(cgroup.path))


def _kind(path: str) -> Literal["qos", "pods", "other"]:
    if is_parent_of_pods(path):
        return "pods"
    name = path.rsplit("/", 1)[-1].removesuffix(".slice")
    parent = path.rpartition("/")[0]
    is_qos = name.endswith(("burstable", "besteffort")) and is_parent_of_pods(parent)
    return "qos" if is_qos else "other"


def _left_over(pod: Pod, event: str, *, with_own: bool = False) -> int | None:
    """Return what the pod counts of an event beyond its living containers and itself: of those gone."""
    beside = _beside_containers(pod, event)
    return beside if beside is None or with_own else beside - _own(pod, event)


def _own(pod: Pod, event: str) -> int:
    """Return what the pod counts of an event in its own cgroup, at most what its containers leave of all."""
    local = _local(pod.cgroup, event) if pod.cgroup is not None else None
    return min(local or 0, _beside_containers(pod, event) or 0)


def _beside_containers(pod: Pod, event: str) -> int | None:
    """Return what the pod counts of an event beyond its containers; None where one of them does not say."""
    whole = _count(pod.cgroup, event) if pod.cgroup is not None else None
    parts = [_count(each.cgroup, event) for each in pod.containers if each.cgroup is not None]
    known = [part for part in parts if part is not None]
    if whole is None or len(known) != len(parts):
        return None
    return max(0, whole - sum(known))


def _count(cgroup: Cgroup, event: str) -> int | None:
    return (cgroup.events or {}).get(event)


def _local(cgroup: Cgroup, event: str) -> int | None:
    return (cgroup.events_local or {}).get(event)
