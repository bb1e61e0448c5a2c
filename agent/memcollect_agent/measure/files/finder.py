"""All files behind one pod's page cache and tmpfs -> wire.PodFiles, within the bounds of one sample."""

import os
import time
from collections.abc import Container, Iterator

import msgspec
from msgspec import Struct, field

from memcollect_agent.errors import AgentError, DeniedError, GoneError, UnsupportedError
from memcollect_agent.measure.files import places
from memcollect_agent.measure.files.held import (
    MAX_DESCRIPTORS,
    MOST_PIDS,
    Held,
    Holding,
    Identity,
    Mapped,
    is_shared_memory,
)
from memcollect_agent.measure.files.lists import PageLists
from memcollect_agent.measure.files.probe import LEAST_FOR_PAYERS, Probed, Prober
from memcollect_agent.measure.files.waiting import Waiting
from memcollect_agent.measure.files.walk import Bounds, Walked, walk
from memcollect_agent.parse.mountinfo import MountPoint
from memcollect_agent.read.cgroupfs import CgroupDir
from memcollect_agent.read.openat2 import FROM_ROOT, open_at
from memcollect_agent.read.pages import PageOwners
from memcollect_agent.read.procfs import ProcFs
from memcollect_agent.redact import visible
from memcollect_agent.wire import FilesGap, FileUse, Payer, PodFiles

LEAST_BYTES = 1 << 20
"""Page cache and tmpfs of a pod below which none of its files is looked for."""
MOST_PROCESSES = 256
"""Of one pod whose mappings and descriptors are looked through."""
_LINES = (
    *("file", "shmem", "file_mapped", "file_dirty", "file_writeback"),
    *("active_file", "inactive_file", "active_anon", "inactive_anon", "unevictable"),
)
_MACHINES_OWN = "the machine's own mounts"
_NOT_OURS = "these kernel files are another machine's, so its files cannot be reached from here"
_HANGING = "a file system of the kind {kind} may hang whoever looks: no file is looked for there by name"
_HIDDEN = "the way there leads through a file system that may hang: no file is looked for there by name"
_NO_LAYERS = "the directories of its image are not known: this node's first process does not see its mount"
_UNASKED = (
    "who pays for them is not known: they are more than one question looks up, or their pages came and went"
)
_HOW = "deploy/overlays/files, or for one question `memcollect explain POD --files-pod run`"
_CUT = "the time or the number of files that one question may take was spent: ask for fewer pods"


class _Space(Struct, frozen=True):
    """Processes that see the same mounts."""

    pid: int
    """One of them, through whose root the mounts are reached."""
    pids: list[int]
    mounts: list[MountPoint]
    is_machines: bool
    """Whether these are the machine's own mounts: what is there is not the pod's because it is there."""


class _Found(Struct, frozen=True, kw_only=True):
    """One file with something in memory, and where it was found."""

    path: str
    place: str
    mount: MountPoint
    volume: places.Volume
    probed: Probed
    is_machines: bool


class _Sum(Struct):
    """What is gathered of one pod."""

    found: dict[tuple[int, int, str], _Found] = field(default_factory=dict)
    gaps: list[FilesGap] = field(default_factory=list)


class FileFinder:
    """Finds files for one sample: what several pods have, an image's layers above all, is walked once."""

    def __init__(self, proc: ProcFs, *, limit: int, seconds: float, swaps: bool) -> None:
        self._processes = proc
        self._proc = proc.root
        self._is_own = proc.is_own()
        self._limit = limit
        self._bounds = Bounds(seconds)
        self._walks: dict[tuple[str, ...], Walked] = {}
        self._owners, self._payers_unknown = self._page_owners()
        self._lists = PageLists(proc.root, self._bounds)
        self._waiting = Waiting(proc.root, self._bounds.until, seconds)
        self._prober = Prober(self._owners, swaps=swaps, waiting=self._waiting)
        self._host = {mount.device: mount for mount in self._mounts(1)}

    def close(self) -> None:
        """Close what is open."""
        self._waiting.close()
        if self._owners is not None:
            self._owners.close()

    def of(self, directory: CgroupDir, pids: list[int]) -> PodFiles:
        """Return the files of a pod whose processes are `pids` and whose cgroup is `directory`."""
        if not self._is_own:
            return PodFiles(gaps=[FilesGap(place="", reason="unsupported", detail=_NOT_OURS)])
        wall, cpu, looked_at = time.monotonic(), time.thread_time(), self._prober.looked_at
        before = _lines(directory)
        if before is not None and before.get("file", LEAST_BYTES) < LEAST_BYTES:
            return PodFiles(before=before, after=before)
        own = dict(_inodes(directory))
        uses, gaps = self._uses(own, pids)
        pages, pages_unknown = self._lists.of(own)
        uses.sort(key=lambda use: order(use, own))
        others = uses[self._limit :]
        return PodFiles(
            files=uses[: self._limit],
            others=len(others),
            others_bytes=sum(use.resident_high_bytes or use.resident_low_bytes or 0 for use in others),
            looked_at=self._prober.looked_at - looked_at,
            gaps=gaps,
            payers_unknown=self._payers_unknown or self._prober.payers_unknown,
            pages=pages,
            pages_unknown=pages_unknown,
            before=before,
            after=_lines(directory),
            wall_seconds=time.monotonic() - wall,
            cpu_seconds=time.thread_time() - cpu,
        )

    def _uses(self, own: dict[int, str], pids: list[int]) -> tuple[list[FileUse], list[FilesGap]]:
        gathered = [(space, *self._gathered(space)) for space in self._spaces(pids)]
        self._prober.settle()
        uses: list[FileUse] = []
        gaps: list[FilesGap] = []
        for space, held, total in gathered:
            uses += self._named(total, held, own, space)
            gaps += total.gaps
        uses = _once(uses)
        return uses, _distinct([*gaps, *self._unasked(uses), *self._cut()])

    def _gathered(self, space: _Space) -> tuple[Held, _Sum]:
        """Look for what the processes hold, and for what is on their mounts."""
        total = _Sum()
        holding = Holding(self._proc, self._prober)
        for pid in space.pids[:MOST_PROCESSES]:
            holding.look(pid, space.mounts)
        if holding.held.refused:
            total.gaps.append(_held_gap(holding.held))
        if holding.held.too_many:
            total.gaps.append(_unlooked_gap(holding.held.too_many))
        for mount in sorted(space.mounts, key=places.walked_when):
            self._mount(mount, space, total)
        return holding.held, total

    def _unasked(self, uses: list[FileUse]) -> Iterator[FilesGap]:
        """Yield that there are large files of which nobody was looked up to pay, where others were."""
        large = [
            use
            for use in uses
            if use.payers is None
            and use.by in ("cachestat", "mincore")
            and (use.resident_high_bytes or 0) >= LEAST_FOR_PAYERS
        ]
        if large and not (self._payers_unknown or self._prober.payers_unknown):
            yield FilesGap(place="", reason="budget", detail=_UNASKED, files=len(large))

    def _named(self, total: _Sum, held: Held, own: dict[int, str], space: _Space) -> Iterator[FileUse]:
        """Yield the files that were found by name, then those that only a process knows; each once."""
        by_path: dict[str, Mapped] = {each.path: each for each in held.mapped.values()}
        matched: set[Identity] = set()
        paths: set[str] = set()
        unknown = 0
        for each in total.found.values():
            probed = self._prober.settled(each.probed)
            found = msgspec.structs.replace(each, probed=probed)
            identity = (probed.device, probed.inode)
            mapped = held.mapped.get(identity) or by_path.get(found.path)
            opened = held.open.get(identity)
            pids = sorted({*(mapped.pids if mapped else []), *(opened.pids if opened else [])})
            matched.add(identity)
            paths.add(found.path)
            payers = probed.payers
            is_paid = payers is not None and bool(payers.keys() & own.keys())
            if not found.is_machines or pids or is_paid:
                yield _use(found, own, pids)
            elif payers is None and probed.high_bytes >= LEAST_FOR_PAYERS:
                unknown += 1
                yield msgspec.structs.replace(_use(found, own, pids), may_be_others=True)
        if unknown and space.is_machines:
            total.gaps.append(self._untold(unknown))
        for identity, opened in held.open.items():
            if identity not in matched and opened.probed is not None and opened.probed.high_bytes:
                matched.add(identity)
                place = "memfd" if opened.is_memfd else "deleted" if opened.is_deleted else "disk"
                probed = self._prober.settled(opened.probed)
                yield _of_probed(probed, opened.path, place, own, opened.pids, is_shmem=opened.is_shmem)
        for identity, mapped in held.mapped.items():
            if identity not in matched and mapped.path not in paths and mapped.rss_bytes:
                yield _of_mapped(identity, mapped)

    def _untold(self, unknown: int) -> FilesGap:
        why = self._payers_unknown or self._prober.payers_unknown
        return FilesGap(
            place=_MACHINES_OWN,
            reason="denied" if why else "budget",
            detail=why or "too late for a look at who pays for them",
            files=unknown,
        )

    def _mount(self, mount: MountPoint, space: _Space, total: _Sum) -> None:
        if not places.is_files(mount):
            return
        if mount.file_system == "overlay":
            if not space.is_machines:
                self._overlay(mount, total)
            return
        if space.is_machines and (mount.target == "/" or not places.is_walked(mount)):
            # The machine's whole disk is nobody's in particular; what a process holds of it is known.
            return
        if not places.is_walked(mount):
            detail = _HANGING.format(kind=visible(mount.file_system))
            total.gaps.append(FilesGap(place=visible(mount.target), reason="unsafe", detail=detail))
        elif not places.is_reached_safely(mount, space.mounts):
            total.gaps.append(FilesGap(place=visible(mount.target), reason="unsafe", detail=_HIDDEN))
        else:
            self._walked_mount(mount, space, total)

    def _walked_mount(self, mount: MountPoint, space: _Space, total: _Sum) -> None:
        is_shmem = mount.file_system in places.SHMEM
        volume = places.volume_of(mount, self._host)
        place = "volume" if volume.name else "tmpfs" if is_shmem else "disk"
        key = ("mount", mount.device, mount.root)
        try:
            walked = self._walks.get(key) or self._walk_mount(key, mount, space)
        except (OSError, AgentError) as error:
            total.gaps.append(_gap(mount.target, error))
            return
        if walked is None:
            return
        for path, probed in walked.files:
            shown = mount.target.rstrip("/") + path
            total.found.setdefault(
                (probed.device, probed.inode, ""),
                _Found(
                    path=shown,
                    place=place,
                    mount=mount,
                    volume=volume,
                    probed=probed,
                    is_machines=space.is_machines,
                ),
            )
        total.gaps += _walk_gaps(mount.target, walked)

    def _walk_mount(self, key: tuple[str, ...], mount: MountPoint, space: _Space) -> Walked | None:
        """Walk what is mounted there; None where something else is mounted over it."""
        root = os.open(f"{self._proc}/{space.pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fd = open_at(root, mount.target, os.O_PATH | os.O_CLOEXEC, FROM_ROOT)
        finally:
            os.close(root)
        try:
            if places.mount_id(fd) != mount.id:
                return None
            is_shmem = mount.file_system in places.SHMEM
            walked = self._walk(key, fd, is_shmem=is_shmem)
            if is_shmem and walked.refused:
                walked.files.append(("/…", _rest(fd, walked)))
            return walked
        finally:
            os.close(fd)

    def _overlay(self, mount: MountPoint, total: _Sum) -> None:
        # The options are believed only where the machine's first process sees the same overlay: a pod with
        # a user namespace may mount one of its own, whose directories would name any place of the host.
        known = self._host.get(mount.device)
        if known is None or known.file_system != "overlay":
            total.gaps.append(FilesGap(place=visible(mount.target), reason="unsupported", detail=_NO_LAYERS))
            return
        for place, directory in places.layers(known):
            key = ("layer", directory)
            try:
                walked = self._walks.get(key) or self._walk_layer(key, directory)
            except (OSError, AgentError) as error:
                total.gaps.append(_gap(directory, error))
                continue
            prefix = mount.target.rstrip("/")
            for path, probed in walked.files:
                found = _Found(
                    path=prefix + path,
                    place=place,
                    mount=mount,
                    volume=places.Volume(),
                    probed=probed,
                    is_machines=False,
                )
                total.found.setdefault((probed.device, probed.inode, ""), found)
            total.gaps += _walk_gaps(f"{mount.target} ({place})", walked)

    def _walk_layer(self, key: tuple[str, ...], directory: str) -> Walked:
        if not directory.startswith("/"):
            raise UnsupportedError("the layer's directory is not told in full by this container runtime")
        root = os.open(f"{self._proc}/1/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fd = open_at(root, directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, FROM_ROOT)
        finally:
            os.close(root)
        try:
            return self._walk(key, fd, is_shmem=False)
        finally:
            os.close(fd)

    def _walk(self, key: tuple[str, ...], fd: int, *, is_shmem: bool) -> Walked:
        if not os.path.isdir(f"/proc/self/fd/{fd}"):  # noqa: PTH112 - a descriptor
            walked = Walked(files=[])
            probed = self._prober.probe(fd, os.fstat(fd), is_shmem=is_shmem)
            if probed is not None and probed.high_bytes:
                walked.files.append(("", probed))
        else:
            walked = walk(fd, self._prober, self._bounds, is_shmem=is_shmem)
        self._walks[key] = walked
        return walked

    def _spaces(self, pids: list[int]) -> list[_Space]:
        machines = self._namespace(1)
        by_namespace: dict[int | None, list[int]] = {}
        for pid in pids:
            by_namespace.setdefault(self._namespace(pid), []).append(pid)
        spaces = []
        for namespace, some in by_namespace.items():
            for pid in some:
                mounts = self._mounts(pid)
                if mounts:
                    spaces.append(_Space(pid, some, mounts, namespace is None or namespace == machines))
                    break
        # A file that can be reached in both ways is told by the pod's own: it names the volume or the layer.
        return sorted(spaces, key=lambda space: space.is_machines)

    def _namespace(self, pid: int) -> int | None:
        try:
            return os.stat(f"{self._proc}/{pid}/ns/mnt").st_ino  # noqa: PTH116 - of a kernel file system
        except OSError:
            return None

    def _mounts(self, pid: int) -> list[MountPoint]:
        try:
            with self._processes.process(pid) as process:
                return process.mountinfo()
        except AgentError:
            return []

    def _page_owners(self) -> tuple[PageOwners | None, str]:
        if not self._is_own:
            return None, _NOT_OURS
        try:
            return PageOwners(self._proc), ""
        except DeniedError as error:
            return None, f"/proc/kpagecgroup is told to user 0 alone ({error.problem})"
        except AgentError as error:
            return None, str(error)

    def _cut(self) -> list[FilesGap]:
        return [FilesGap(place="", reason="budget", detail=_CUT)] if self._bounds.are_spent() else []


def _use(found: _Found, own: dict[int, str], pids: list[int]) -> FileUse:
    is_shmem = found.mount.file_system in places.SHMEM
    use = _of_probed(found.probed, found.path, found.place, own, pids, is_shmem=is_shmem)
    return FileUse(
        **{name: getattr(use, name) for name in use.__struct_fields__ if name not in _OF_A_MOUNT},
        volume=visible(found.volume.name),
        volume_kind=visible(found.volume.kind),
        mount=visible(found.mount.target),
    )


_OF_A_MOUNT = ("volume", "volume_kind", "mount")


def _of_probed(  # noqa: PLR0913 - what is known of one file
    probed: Probed, path: str, place: str, own: dict[int, str], pids: list[int], *, is_shmem: bool
) -> FileUse:
    payers = None
    if probed.payers is not None:
        ordered = sorted(probed.payers.items(), key=lambda item: -item[1])
        payers = [Payer(cgroup_inode=inode, path=own.get(inode), bytes=size) for inode, size in ordered]
    return FileUse(
        path=visible(path),
        place="rest" if probed.by == "statvfs" else place,
        device=probed.device,
        inode=probed.inode,
        size_bytes=None if probed.by == "statvfs" else probed.size_bytes,
        resident_low_bytes=probed.low_bytes,
        resident_high_bytes=probed.high_bytes,
        by=probed.by,
        is_shmem=is_shmem,
        dirty_bytes=probed.dirty_bytes,
        pids=pids,
        payers=payers,
    )


def _of_mapped(identity: Identity, mapped: Mapped) -> FileUse:
    is_shared = is_shared_memory(mapped.path)
    return FileUse(
        path=visible(mapped.path),
        place="shared" if is_shared else "mapped",
        device=identity[0],
        inode=identity[1],
        resident_low_bytes=mapped.rss_bytes,
        by="smaps",
        is_shmem=is_shared,
        pids=mapped.pids,
    )


def _rest(fd: int, walked: Walked) -> Probed:
    """Return what of a tmpfs no file of ours names; the whole is known without any right."""
    whole = os.fstatvfs(fd)
    used = (whole.f_blocks - whole.f_bfree) * whole.f_frsize
    rest = max(0, used - sum(probed.high_bytes for _, probed in walked.files))
    return Probed(
        device=os.fstat(fd).st_dev, inode=0, size_bytes=rest, low_bytes=0, high_bytes=rest, by="statvfs"
    )


def order(use: FileUse, own: Container[int]) -> tuple[int, int, int, str]:
    """Return by what files are ordered, for those beyond a limit are not named; `own`: the pod's cgroups.

    First what the pod pays for, or may pay for; then what it has in memory and others pay for; last, of
    either, what is so small that nobody was looked up to pay for it. Otherwise one large file that another
    pod pays for would stand behind thousands of tiny ones.
    """
    resident = use.resident_high_bytes or use.resident_low_bytes or 0
    charged = resident
    if use.payers is not None:
        charged = sum(each.bytes for each in use.payers if each.cgroup_inode in own)
    rank = 0 if charged >= LEAST_FOR_PAYERS else 1 if resident >= LEAST_FOR_PAYERS else 2
    return rank, -charged, -resident, use.path


def _walk_gaps(place: str, walked: Walked) -> Iterator[FilesGap]:
    place = visible(place)
    if walked.refused:
        detail = (
            f"{walked.refusal}: files and directories of other users need the capabilities DAC_READ_SEARCH"
            f" and FOWNER ({_HOW})"
        )
        yield FilesGap(place=place, reason="denied", detail=visible(detail), files=walked.refused)
    if walked.unsupported:
        why = visible(walked.unsupported_why)
        yield FilesGap(place=place, reason="unsupported", detail=why, files=walked.unsupported)
    if walked.is_cut:
        yield FilesGap(place=place, reason="budget", detail=_CUT)
    if walked.too_deep:
        yield FilesGap(place=place, reason="budget", detail="directories too deep in each other")


def _gap(place: str, error: Exception) -> FilesGap:
    reason = (
        "unsupported"
        if isinstance(error, UnsupportedError)
        else "denied"
        if isinstance(error, DeniedError | PermissionError)
        else "gone"
        if isinstance(error, GoneError | FileNotFoundError)
        else "unreadable"
    )
    return FilesGap(place=visible(place), reason=reason, detail=visible(str(error)))


def _held_gap(held: Held) -> FilesGap:
    detail = (
        f"{held.refusal}: mappings need the capability SYS_PTRACE, descriptors of other users' processes "
        f"DAC_READ_SEARCH too ({_HOW})"
    )
    return FilesGap(place="/proc/PID/fd", reason="denied", detail=visible(detail), files=None)


def _unlooked_gap(descriptors: int) -> FilesGap:
    detail = f"{descriptors} descriptors were not looked at, beyond {MAX_DESCRIPTORS} of one process"
    return FilesGap(place="/proc/PID/fd", reason="budget", detail=detail, files=None)


def _once(uses: list[FileUse]) -> list[FileUse]:
    """Return each file once; one that several containers have is of all their processes."""
    once: dict[tuple[int, int, str], FileUse] = {}
    for use in uses:
        key = (use.device, use.inode, "" if use.inode else use.path)
        known = once.get(key)
        pids = sorted({*(known.pids if known else []), *use.pids})[:MOST_PIDS]
        once[key] = msgspec.structs.replace(known or use, pids=pids)
    return list(once.values())


def _distinct(gaps: list[FilesGap]) -> list[FilesGap]:
    return list({(gap.place, gap.reason, gap.detail): gap for gap in gaps}.values())


def _lines(directory: CgroupDir) -> dict[str, int] | None:
    try:
        stat = directory.read_stat()
    except AgentError:
        return None
    return {name: stat[name] for name in _LINES if name in stat}


def _inodes(directory: CgroupDir) -> Iterator[tuple[int, str]]:
    """Yield the inode and path of a cgroup and of all below: what a pod pays for is one's of them."""
    yield directory.inode, visible(directory.path)
    try:
        names = directory.children()
    except AgentError:
        return
    for name in names:
        try:
            with directory.child(name) as child:
                yield from _inodes(child)
        except AgentError:
            continue
