"""Which cgroups hold a node's memory, so that each byte of charge has one holder. Pure.

Pods, services and containers outside of pods are the leaves of the tree that was read. What is charged to a
cgroup above them and to none of them is a holder of its own: below the kubelet's cgroups nobody works there,
so it was left by pods that are gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from memcollect.accounting.facts import counted_kernel_bytes
from memcollect.documents.snapshot import Holder, KnownPod, NodeAccount
from memcollect_agent import pods
from memcollect_agent.wire import CgroupUse, Process


@dataclass
class _Place:
    """A cgroup with what was found below it."""

    use: CgroupUse
    below: list[CgroupUse] = field(default_factory=list)


def holders_of(account: NodeAccount) -> list[Holder]:
    """Return everything that holds a charge, the largest first; no rests where some were not read."""
    has_rests = not pods.has_unread(account.tree)
    known = {pod.uid.lower().replace("_", "-"): pod for pod in account.known_pods or []}
    found = [
        holder
        for place in _places(account.tree.cgroups)
        if (holder := _holder(place, account, known, has_rests=has_rests)) is not None
    ]
    return sorted(found, key=lambda each: (-each.bytes, each.path))


def top_level(cgroups: Iterable[CgroupUse]) -> list[CgroupUse]:
    """Return the cgroups right below the root, each with what is charged to all of it.

    One without numbers of its own is its children's sum, where all of them have them.
    """
    summed: dict[str, CgroupUse] = {}
    for use in sorted(cgroups, key=lambda each: -each.path.count("/")):
        own = use if use.current_bytes is not None else _sum(use, summed)
        summed[use.path] = own
    return [use for path, use in summed.items() if path.count("/") == 1]


def _sum(use: CgroupUse, summed: Mapping[str, CgroupUse]) -> CgroupUse:
    below = [each for path, each in summed.items() if path.rpartition("/")[0] == use.path]
    known = [each.current_bytes for each in below if each.current_bytes is not None]
    names = set(below[0].stat).intersection(*(each.stat for each in below)) if below else set()
    return CgroupUse(
        path=use.path,
        current_bytes=sum(known) if known and len(known) == len(below) else None,
        stat={name: sum(each.stat[name] for each in below) for name in names},
    )


def _places(cgroups: list[CgroupUse]) -> list[_Place]:
    """Return every cgroup with those below it that have numbers, those of one without standing for it."""
    places = {use.path: _Place(use) for use in cgroups}
    for use in cgroups:
        if use.current_bytes is None:
            continue
        parent = use.path.rpartition("/")[0]
        while parent in places and places[parent].use.current_bytes is None:
            parent = parent.rpartition("/")[0]
        if parent in places:
            places[parent].below.append(use)
    return list(places.values())


def _holder(
    place: _Place, account: NodeAccount, known: Mapping[str, KnownPod], *, has_rests: bool
) -> Holder | None:
    use = place.use
    if use.current_bytes is None:
        return None
    if pod := pods.pod_at(use.path):
        return _pod(use, pod.uid, account, known.get(pod.uid.lower()))
    if unit := pods.unit_at(use.path):
        started_by = pods.pod_at(use.started_by) if use.started_by else None
        owner = known.get(started_by.uid.lower()) if started_by else None
        of_pod = _named(owner) if owner else started_by.uid if started_by else ""
        return _of(use, unit.kind, unit.name, pod=of_pod)
    return _rest(place) if has_rests else None


def _pod(use: CgroupUse, uid: str, account: NodeAccount, known: KnownPod | None) -> Holder:
    if known is not None:
        return _of(use, "pod", _named(known))
    kind = "unnamed" if account.known_pods is None else "orphan"
    return _of(use, kind, uid, processes=account.orphan_processes.get(uid, []))


def _named(pod: KnownPod) -> str:
    return f"{pod.namespace}/{pod.name}" if pod.namespace else pod.name


def _rest(place: _Place) -> Holder:
    """Return what is charged to a cgroup and to none of those below it."""
    use = place.use
    current = (use.current_bytes or 0) - sum(each.current_bytes or 0 for each in place.below)
    stat = {
        name: use.stat[name] - sum(each.stat.get(name, 0) for each in place.below)
        for name in use.stat
        if all(name in each.stat for each in place.below)
    }
    kind = "left" if pods.holds_pods(use.path) else "slice"
    name = use.path.strip("/")
    if name.split("/")[0] == "system.slice":
        kind, name = "service", f"{name} itself"
    own = CgroupUse(path=use.path, current_bytes=current, stat=stat, dying=use.dying)
    return _of(own, kind, name)


def _of(use: CgroupUse, kind: str, name: str, *, pod: str = "", processes: Iterable[Process] = ()) -> Holder:
    stat, current = use.stat, use.current_bytes or 0
    inactive, file, shmem = (stat.get(key) for key in ("inactive_file", "file", "shmem"))
    return Holder(
        kind=kind,
        name=name,
        path=use.path,
        bytes=current,
        working_set_bytes=max(0, current - inactive) if inactive is not None else None,
        anon_bytes=stat.get("anon"),
        shmem_bytes=shmem,
        cache_bytes=file - shmem if file is not None and shmem is not None else None,
        kernel_bytes=counted_kernel_bytes(stat) + stat.get("sock", 0) if stat else None,
        dying_cgroups=use.dying,
        populated=use.populated,
        pod=pod,
        processes=list(processes),
    )
