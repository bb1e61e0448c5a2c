"""Whose memory a sandbox's charge is: the guest's, or its runtime's own. Pure.

The guest's memory is found by what the Sentry or the VMM maps, and its amount by what the cgroup is charged
for that kind of memory; never by adding up RSS, since stubs and virtiofsd map the same pages again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from memcollect.accounting.interval import Interval
from memcollect.accounting.rules import Amount
from memcollect.documents.snapshot import Container, Pod
from memcollect.units import MIB
from memcollect_agent.wire import Cgroup, Hint, Region

HOLDERS = frozenset({"sentry", "vmm", "kata-shim", "cube-shim"})
LEAST_GUEST_BYTES = 16 * MIB
"""Of address space: a smaller mapping is a queue or a library, not a guest's RAM."""
SENTRY_MEMFD = "runsc-memory"
SENTRY_FILES = "gvisor.filestore"
BACKINGS = {
    "memfd": "one memfd, charged as shared memory",
    "shm": "a file in shared memory (/dev/shm), charged as shared memory",
    "anon": "private anonymous memory of the VMM",
    "file": "a snapshot file that is mapped privately",
    "hugetlb": "huge pages (hugetlb)",
    "guest_memfd": "a guest_memfd, which no process can map: a confidential guest's private pages",
}


@dataclass(frozen=True)
class Scope:
    """A cgroup that holds a sandbox's runtime, with the part of its counters that is nobody else's."""

    name: str
    """The container's name, or "pod" for processes in the pod's own cgroup."""
    place: str
    """How a sentence speaks of it."""
    hints: Sequence[Hint]
    charge: int | None
    stat: dict[str, int]
    hugetlb: int | None = None


@dataclass(frozen=True)
class Guest:
    """The guest's memory in one scope."""

    scope: Scope
    holder: Hint
    regions: Sequence[Region]

    @property
    def backing(self) -> str:
        """Where it comes from: of several kinds, the largest."""
        return max(self.regions, key=_resident).backing

    @property
    def name(self) -> str:
        """The memfd's or the file's name."""
        return max(self.regions, key=_resident).name


def scopes_of(pod: Pod) -> list[Scope]:
    """Return the scopes of a pod that hold a process of a sandbox runtime, those outside of it last."""
    found = [_container_scope(each) for each in (*pod.containers, *pod.outside) if each.hints]
    if pod.own_hints and pod.cgroup is not None:
        found.insert(0, _own_scope(pod, pod.cgroup))
    return found


def guests_of(scopes: Iterable[Scope]) -> list[Guest]:
    """Return the guest's memory in each scope where a Sentry or a VMM was seen to map one."""
    return [guest for scope in scopes if (guest := _guest(scope)) is not None]


def guest_amount(guest: Guest) -> Amount:
    """Return what of the scope's charge is the guest's memory; for huge pages, which are beside it, those."""
    by_backing = {backing: _of(guest, backing) for backing in BACKINGS}
    amounts = [_AMOUNTS[backing](guest, regions) for backing, regions in by_backing.items() if regions]
    interval = amounts[0].interval
    for each in amounts[1:]:
        interval += each.interval
    exact = len(amounts) == 1 and amounts[0].confidence == "measured"
    confidence = "measured" if exact else amounts[0].confidence if len(amounts) == 1 else "inferred"
    return Amount(interval, confidence, "; ".join(each.evidence for each in amounts))


def shared_clean_bytes(region: Region) -> tuple[int, int]:
    """Return a snapshot's clean resident pages, and this process's fair share of them, in bytes."""
    written = region.anon_bytes or 0
    return max(0, region.rss_bytes - written), max(0, region.pss_bytes - written)


def sharers(region: Region) -> int | None:
    """Return by how many processes its clean pages are mapped, on average; None where there are none."""
    clean, share = shared_clean_bytes(region)
    return max(1, round(clean / share)) if clean >= MIB and share else None


def mappers(guest: Guest) -> list[Hint]:
    """Return the processes of the scope that map the guest's shared memory."""
    names = {(each.backing, each.name) for each in guest.regions if not each.private}
    return [
        hint
        for hint in guest.scope.hints
        if any((each.backing, each.name) in names and each.rss_bytes for each in hint.regions)
    ]


def own_pss(hint: Hint, guest: Guest) -> int | None:
    """Return what of a process's PSS is not the guest's memory; None where its mappings were not read."""
    if hint.pss_bytes is None:
        return None
    names = {(each.backing, each.name) for each in guest.regions}
    return hint.pss_bytes - sum(r.pss_bytes for r in hint.regions if (r.backing, r.name) in names)


def _container_scope(container: Container) -> Scope:
    cgroup = container.cgroup
    path = cgroup.path if cgroup is not None else ""
    place = {
        "overhead": f"{path}, outside of the pod's cgroup",
        "sandbox": "the sandbox's own cgroup (the pause container's), which kubectl top never reads",
        "pause": "the pause container's cgroup, which kubectl top never reads",
    }.get(container.role, f"the cgroup of {container.name}")
    return Scope(
        name=container.name,
        place=place,
        hints=container.hints,
        charge=cgroup.current_bytes if cgroup is not None else None,
        stat=(cgroup.stat or {}) if cgroup is not None else {},
        hugetlb=_hugetlb(cgroup),
    )


def _own_scope(pod: Pod, cgroup: Cgroup) -> Scope:
    """Return the pod's own cgroup without what its children are charged for."""
    children = [each.cgroup for each in pod.containers if each.cgroup is not None]
    stats = [each.stat or {} for each in children]
    charges = [each.current_bytes or 0 for each in children]
    own = {
        key: max(0, value - sum(stat.get(key, 0) for stat in stats))
        for key, value in (cgroup.stat or {}).items()
    }
    charge = None if cgroup.current_bytes is None else max(0, cgroup.current_bytes - sum(charges))
    place = "the pod's own cgroup, outside of every container, which kubectl top never reads"
    return Scope(
        name="pod", place=place, hints=pod.own_hints, charge=charge, stat=own, hugetlb=_hugetlb(cgroup)
    )


def _hugetlb(cgroup: Cgroup | None) -> int | None:
    return sum(cgroup.hugetlb.values()) if cgroup is not None and cgroup.hugetlb is not None else None


def _guest(scope: Scope) -> Guest | None:
    unmapped = _guest_memfd(scope)
    held = [(hint, _guest_regions(hint) + unmapped) for hint in scope.hints if hint.kind in HOLDERS]
    held = [(hint, regions) for hint, regions in held if regions]
    if not held:
        return None
    holder, regions = max(held, key=lambda each: sum(map(_resident, each[1])))
    return Guest(scope, holder, regions)


def _guest_regions(hint: Hint) -> list[Region]:
    if hint.kind == "sentry":
        return [
            each
            for each in hint.regions
            if (each.backing == "memfd" and each.name.startswith(SENTRY_MEMFD)) or SENTRY_FILES in each.name
        ]
    writable = [each for each in hint.regions if each.writable and _resident(each)]
    large = [each for each in writable if each.size_bytes >= LEAST_GUEST_BYTES]
    named = [each for each in large if each.backing in {"memfd", "shm", "hugetlb"}]
    snapshots = [each for each in large if each.backing == "file" and each.private]
    # Where the RAM has a name, large unnamed memory is the VMM's own.
    return named + snapshots or [each for each in large if each.backing == "anon"]


def _guest_memfd(scope: Scope) -> list[Region]:
    """Return a confidential guest's private memory in a VMM's scope, as the one region that no process maps.

    KVM's guest_memfd (6.8) charges it as page cache of a mapping that is unevictable and cannot be mapped
    (virt/kvm/guest_memfd.c, kvm_gmem_get_folio): file pages on no file list, beyond all that is mapped.
    """
    stat = scope.stat
    if any(name not in stat for name in _OFF_LISTS) or any(each.kind == "sentry" for each in scope.hints):
        return []
    listed = stat["shmem"] + stat["active_file"] + stat["inactive_file"]
    unlisted = min(stat["file"] - listed, stat["unevictable"])
    # What is mapped and no shared memory may be on no list because it is locked.
    shared = max((_mapped_shmem(hint) for hint in scope.hints), default=0)
    mapped = max(0, stat["file_mapped"] - min(stat["shmem"], shared))
    if unlisted - mapped < LEAST_GUEST_BYTES:
        return []
    return [Region(backing="guest_memfd", writable=True, size_bytes=unlisted)]


_OFF_LISTS = ("file", "shmem", "active_file", "inactive_file", "unevictable", "file_mapped")


def _mapped_shmem(hint: Hint) -> int:
    return sum(each.rss_bytes for each in hint.regions if each.backing in {"memfd", "shm"})


def _private(guest: Guest, regions: Sequence[Region]) -> Amount:
    """Return that memory: at least what is on no list and cannot all be mapped, and so locked."""
    most, mapped = sum(each.size_bytes for each in regions), guest.scope.stat["file_mapped"]
    told = f"page cache on no file list {most}, file_mapped {mapped}"
    return Amount(Interval.of(max(0, most - mapped), most, most), "inferred", told)


def _resident(region: Region) -> int:
    if region.backing == "guest_memfd":
        return region.size_bytes  # no process maps it, so that it is in no RSS
    return region.rss_bytes + (region.hugetlb_bytes or 0)


def _of(guest: Guest, backing: str) -> list[Region]:
    return [each for each in guest.regions if each.backing == backing]


def _shared(guest: Guest, regions: Sequence[Region]) -> Amount:
    mapped = sum(each.rss_bytes for each in regions)
    charged = guest.scope.stat.get("shmem")
    evidence = f"{_names(regions)}: {mapped} resident in process {guest.holder.pid}"
    if charged is None:
        most = _within(mapped, guest.scope.charge)
        return Amount(Interval.exactly(most), "inferred", f"{evidence}; memory.stat has no shmem")
    # The scope's whole shmem where nothing else there holds any; a stub may map what the holder does not.
    # What is mapped beyond it, or twice, is charged elsewhere or once: mappings are the suspect's choice.
    return Amount(
        Interval.of(min(mapped, charged), charged, charged),
        "bounded",
        f"{evidence}; memory.stat shmem {charged}",
    )


def _anonymous(guest: Guest, regions: Sequence[Region]) -> Amount:
    resident = sum(each.rss_bytes for each in regions)
    largest = f"unnamed private mappings of {guest.holder.program} of 32 MiB or more: {resident} resident"
    charged = _within(resident, guest.scope.stat.get("anon", guest.scope.charge))
    return Amount(Interval.exactly(charged), "inferred", largest)


def _snapshot(guest: Guest, regions: Sequence[Region]) -> Amount:
    """Return what is charged here: written pages, and clean ones that this scope was the first to touch.

    Which file's pages are charged memory.stat does not say: `file_mapped` is the best guess, all page cache
    the bound.
    """
    stat = guest.scope.stat
    written = _within(sum(each.anon_bytes or 0 for each in regions), stat.get("anon"))
    clean = sum(shared_clean_bytes(each)[0] for each in regions)
    evidence = f"{_names(regions)}: {written} written and {clean} clean in process {guest.holder.pid}"
    if "file" not in stat or "shmem" not in stat:
        return Amount(
            Interval.of(written, written + clean, written), "bounded", f"{evidence}; memory.stat lacks file"
        )
    most = min(clean, max(0, stat["file"] - stat["shmem"]))
    guess = min(most, stat.get("file_mapped", 0))
    told = f"file − shmem {stat['file'] - stat['shmem']}, file_mapped {stat.get('file_mapped')}"
    return Amount(Interval.of(written, written + most, written + guess), "bounded", f"{evidence}; {told}")


def _huge(guest: Guest, regions: Sequence[Region]) -> Amount:
    mapped = sum(each.hugetlb_bytes or 0 for each in regions)
    counted = guest.scope.hugetlb
    evidence = f"{mapped} mapped by process {guest.holder.pid}; Σ hugetlb.*.current {counted}"
    if counted is None:
        return Amount(Interval.exactly(mapped), "bounded", evidence)
    least = min(mapped, counted)
    return Amount(Interval.of(least, counted, least), "bounded", evidence)


def _within(claimed: int, charged: int | None) -> int:
    """Return what was claimed, as far as it is charged."""
    return claimed if charged is None else min(claimed, charged)


def _names(regions: Sequence[Region]) -> str:
    return ", ".join(f"{each.backing} {each.name}" for each in regions)


_AMOUNTS = {
    "memfd": _shared,
    "shm": _shared,
    "anon": _anonymous,
    "file": _snapshot,
    "hugetlb": _huge,
    "guest_memfd": _private,
}
