"""Whose memory a sandbox's charge is: the guest's, or its runtime's own. Pure.

The guest's memory is found by what the Sentry or the VMM maps, and its amount by what the cgroup is charged
for that kind of memory; never by adding up RSS, since stubs and virtiofsd map the same pages again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from memcollect.accounting.interval import Interval
from memcollect.accounting.rules import Amount
from memcollect.documents.snapshot import Container, Pod
from memcollect.join.recognise import HOLDERS
from memcollect.units import MIB
from memcollect_agent.wire import Cgroup, Hint, Region

SHIMS = frozenset({"kata-shim", "cube-shim"})
"""Programs that may have the VMM in them: where there is another one, they do not."""
LEAST_GUEST_BYTES = 16 * MIB
"""Of address space: a smaller mapping is a queue or a library, not a guest's RAM."""
SENTRY_MEMFD = "runsc-memory"
SENTRY_FILES = "gvisor.filestore"
DISK_IMAGES = (".img", ".image", ".erofs", ".ext4", ".squashfs", ".raw")
"""What a VMM maps as a disk (pmem, NVDIMM) beside the RAM, privately where it discards what is written."""
BACKINGS = {
    "memfd": "one memfd, charged as shared memory",
    "shm": "a file in shared memory (/dev/shm), charged as shared memory",
    "anon": "private anonymous memory of the VMM",
    "file": "a snapshot file that is mapped privately",
    "filestore": "files that it wrote, in a file on the host's disk: page cache, which the kernel drops once"
    " it is written back",
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
    own_anon: int = 0
    """Private memory that the processes in it map, as far as they were read."""


@dataclass(frozen=True)
class Guest:
    """The guest's memory in one scope."""

    scope: Scope
    holder: Hint
    regions: Sequence[Region]
    unplaced: int | None = None
    """Of a scope that the holder is not in: what it maps and its own scope is not charged for, in bytes."""

    @property
    def is_moved(self) -> bool:
        """Whether this is what was charged before the holder came into another cgroup, or by a helper."""
        return self.unplaced is not None

    @property
    def is_sentrys(self) -> bool:
        """Whether gVisor's Sentry holds it, and no VMM."""
        return self.holder.kind == "sentry"

    @property
    def backing(self) -> str:
        """Where it comes from: of several kinds, the largest."""
        return _kind(max(self.regions, key=_resident))

    @property
    def name(self) -> str:
        """The memfd's or the file's name."""
        return max(self.regions, key=_resident).name

    def by_backing(self) -> list[Guest]:
        """Return its parts, each of one kind; the largest first."""
        parts = {kind: replace(self, regions=found) for kind in BACKINGS if (found := _of(self, kind))}
        return sorted(parts.values(), key=lambda part: -sum(map(_resident, part.regions)))


def scopes_of(pod: Pod) -> list[Scope]:
    """Return the scopes of a pod that hold a process of a sandbox runtime, those outside of it last."""
    found = [_container_scope(each) for each in (*pod.containers, *pod.outside) if each.hints]
    if pod.own_hints and pod.cgroup is not None:
        found.insert(0, _own_scope(pod, pod.cgroup))
    return found


def guests_of(scopes: Iterable[Scope]) -> list[Guest]:
    """Return the guest's memory in each scope where a Sentry or a VMM was seen to map one, or to have.

    A charge stays where it was made when the process moves (memory.current of cgroup-v2.rst): Kata starts
    its VMM in the overhead cgroup, and puts it into the pod's once its vCPUs run (virtcontainers/sandbox.go,
    constrainHypervisor; runtime-rs, move_vcpus_to_sandbox_cgroup).
    """
    every = list(scopes)
    has_vmm = any(hint.kind == "vmm" for scope in every for hint in scope.hints)
    holders = HOLDERS - SHIMS if has_vmm else HOLDERS
    found = [guest for scope in every if (guest := _guest(scope, holders)) is not None]
    if len(found) != 1 or found[0].holder.kind != "vmm":
        return found
    moved = [rest for scope in every if scope is not found[0].scope and (rest := _left_in(scope, found[0]))]
    return [*(found if guest_amount(found[0]).interval.high or not moved else []), *moved]


def _left_in(scope: Scope, guest: Guest) -> Guest | None:
    """Return what of the guest's memory another scope of the same sandbox is charged for, None for none."""
    if guest.backing not in _LEFT_AS:
        return None
    resident = sum(map(_resident, _of(guest, guest.backing)))
    unplaced = max(0, resident - guest_amount(guest).interval.high)
    rest = Guest(scope, guest.holder, _of(guest, guest.backing), unplaced)
    return rest if guest_amount(rest).interval.estimate >= MIB else None


def guest_amount(guest: Guest) -> Amount:
    """Return what of the scope's charge is the guest's memory; for huge pages, which are beside it, those."""
    if guest.unplaced is not None:
        return _left(guest, guest.unplaced)
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


def mappers(guest: Guest, hints: Iterable[Hint]) -> list[Hint]:
    """Return those of `hints` that map the guest's shared memory."""
    names = _shared_names(guest)
    return [
        hint
        for hint in hints
        if any((each.backing, each.name) in names and each.rss_bytes for each in hint.regions)
    ]


def host_cache(scope: Scope, guests: Iterable[Guest]) -> int:
    """Return the page cache of files that a scope is charged for, without what is the guest's, in bytes."""
    if "file" not in scope.stat or "shmem" not in scope.stat:
        return 0
    here = [region for guest in guests if guest.scope is scope for region in guest.regions]
    taken = sum(_cached(region) for region in here)
    return max(0, scope.stat["file"] - scope.stat["shmem"] - taken)


def _cached(region: Region) -> int:
    """Return what of a guest's region is page cache of a file."""
    kind = _kind(region)
    if kind == "file":
        return shared_clean_bytes(region)[0]
    return _resident(region) if kind in {"filestore", "guest_memfd"} else 0


def _shared_names(guest: Guest) -> set[tuple[str, str]]:
    return {(each.backing, each.name) for each in guest.regions if not each.private}


def own_pss(hint: Hint, guest: Guest) -> int | None:
    """Return what of a process's PSS is not the guest's memory; None where its mappings were not read."""
    if hint.pss_bytes is None:
        return None
    # What is private and has no name is another one's in another process.
    is_holder = hint is guest.holder
    names = {(r.backing, r.name) for r in guest.regions} if is_holder else _shared_names(guest)
    return hint.pss_bytes - sum(r.pss_bytes for r in hint.regions if (r.backing, r.name) in names)


def _container_scope(container: Container) -> Scope:
    cgroup = container.cgroup
    path = cgroup.path if cgroup is not None else ""
    of_pause = " (the pause container's)" if any(hint.kind == "sentry" for hint in container.hints) else ""
    place = {
        "overhead": f"{path}, outside of the pod's cgroup",
        "sandbox": f"the sandbox's own cgroup{of_pause}, which kubectl top never reads",
        "pause": "the pause container's cgroup, which kubectl top never reads",
    }.get(container.role, f"the cgroup of {container.name}")
    return Scope(
        name=container.name,
        place=place,
        hints=container.hints,
        charge=cgroup.current_bytes if cgroup is not None else None,
        stat=(cgroup.stat or {}) if cgroup is not None else {},
        hugetlb=_hugetlb(cgroup),
        own_anon=(container.sums.pss_anon_bytes or 0) if container.sums is not None else 0,
    )


def _own_scope(pod: Pod, cgroup: Cgroup) -> Scope:
    """Return the pod's own cgroup without what its children are charged for."""
    children = [each.cgroup for each in pod.containers if each.cgroup is not None and not each.elsewhere]
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


def _guest(scope: Scope, holders: frozenset[str]) -> Guest | None:
    unmapped = _guest_memfd(scope)
    held = [(hint, _guest_regions(hint) + unmapped) for hint in scope.hints if hint.kind in holders]
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
    unnamed = [each for each in large if each.backing == "anon"]
    ram = max((each.size_bytes for each in named + unnamed), default=0)
    snapshots = [
        each for each in large if each.backing == "file" and each.private and not _is_disk(each, ram)
    ]
    # Where the RAM has a name, large unnamed memory is the VMM's own.
    # Go reserves so much for its own tables and heap, of which a shim without a VMM in it uses little.
    is_own = hint.kind in SHIMS and sum(each.rss_bytes for each in unnamed) < LEAST_GUEST_BYTES
    return named + snapshots or ([] if is_own else unnamed)


def _is_disk(region: Region, ram_bytes: int) -> bool:
    return region.name.endswith(DISK_IMAGES) and region.size_bytes < ram_bytes


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
    return [each for each in guest.regions if _kind(each) == backing]


def _kind(region: Region) -> str:
    return "filestore" if region.backing == "file" and SENTRY_FILES in region.name else region.backing


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


def _filestore(guest: Guest, regions: Sequence[Region]) -> Amount:
    """Return what is charged here of a file that no other sandbox has; which file's pages nobody counts."""
    stat, mapped = guest.scope.stat, sum(each.rss_bytes for each in regions)
    cache = max(0, stat["file"] - stat["shmem"]) if "file" in stat and "shmem" in stat else None
    most = _within(mapped, cache)
    return Amount(
        Interval.of(0, most, most), "bounded", f"{_names(regions)}: {mapped} resident; cache {cache}"
    )


def _huge(guest: Guest, regions: Sequence[Region]) -> Amount:
    mapped = sum(each.hugetlb_bytes or 0 for each in regions)
    counted = guest.scope.hugetlb
    evidence = f"{mapped} mapped by process {guest.holder.pid}; Σ hugetlb.*.current {counted}"
    if counted is None:
        return Amount(Interval.exactly(mapped), "bounded", evidence)
    least = min(mapped, counted)
    return Amount(Interval.of(least, counted, least), "bounded", evidence)


def _left(guest: Guest, unplaced: int) -> Amount:
    """Return what a scope without the holder is charged for of the guest's memory: nobody counts that.

    Of shared memory all that is charged there may be, since a helper fills pages that the VMM has not
    mapped yet; of private memory no more than the VMM maps beyond its own scope's charge.
    """
    scope, key = guest.scope, _LEFT_AS[guest.backing]
    charged = (scope.hugetlb if key == "hugetlb" else scope.stat.get(key)) or 0
    is_filled = key == "shmem" and bool(mappers(guest, scope.hints))
    others = scope.own_anon if key == "anon" else 0
    most = charged if is_filled else min(charged, unplaced)
    likely = most if is_filled else min(max(0, charged - others), unplaced)
    told = (
        f"{key} of {scope.name} {charged}; process {guest.holder.pid} maps {unplaced} beyond its own scope's"
    )
    return Amount(Interval.of(0, most, likely), "bounded", told)


_LEFT_AS = {"memfd": "shmem", "shm": "shmem", "anon": "anon", "hugetlb": "hugetlb"}
"""The counter that memory of each backing is in where it stays when the VMM moves."""


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
    "filestore": _filestore,
    "hugetlb": _huge,
    "guest_memfd": _private,
}
