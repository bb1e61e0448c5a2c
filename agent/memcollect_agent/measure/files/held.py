"""What processes map and hold open: smaps and /proc/PID/fd, which need no right that the agent has not.

A descriptor is looked at only where its mount is known not to hang: fdinfo says which mount it is on before
anything of the file itself is asked for. Memfds are all on one mount of the kernel's, which ours tells.
"""

import functools
import os
import stat

from msgspec import Struct, field

from memcollect_agent.errors import AgentError
from memcollect_agent.measure.files import places
from memcollect_agent.measure.files.probe import Probed, Prober
from memcollect_agent.parse import smaps
from memcollect_agent.parse.mountinfo import MountPoint
from memcollect_agent.read.hanging import reading

READ_LIMIT = 8 << 20
"""Bytes of one process's smaps, of some thousand mappings."""
MAX_DESCRIPTORS = 2048
"""Of one process that are looked at."""
MOST_PIDS = 8
DELETED = " (deleted)"
_SHARED = ("/dev/zero", "/SYSV")

Identity = tuple[int, int]
"""(st_dev, st_ino)."""


class Mapped(Struct):
    """One file as the processes map it."""

    path: str
    rss_bytes: int = 0
    """The largest of what one process has resident of it: no less is in memory."""
    span_bytes: int = 0
    """Of the address space of that process: no more of it is mapped there."""
    pids: list[int] = field(default_factory=list)


class Open(Struct):
    """One regular file that somebody holds open."""

    path: str
    is_memfd: bool
    is_shmem: bool
    is_deleted: bool
    probed: Probed | None
    pids: list[int] = field(default_factory=list)


class Held(Struct):
    """All that some processes hold."""

    mapped: dict[Identity, Mapped] = field(default_factory=dict)
    open: dict[Identity, Open] = field(default_factory=dict)
    refused: int = 0
    """Processes whose descriptors or mappings may not be seen."""
    refusal: str = ""
    too_many: int = 0
    """Descriptors that were not looked at, beyond MAX_DESCRIPTORS of a process."""


class Holding:
    """Looks through processes one after the other."""

    def __init__(self, proc_root: str, prober: Prober) -> None:
        self._proc = proc_root
        self._prober = prober
        self._memfds = _memfd_mount()
        self.held = Held()

    def look(self, pid: int, mounts: list[MountPoint]) -> None:
        """Add what one process maps and holds open; one that has gone meanwhile adds nothing."""
        by_id = {mount.id: mount for mount in mounts}
        parts = (functools.partial(self._maps, pid), functools.partial(self._descriptors, pid, by_id))
        for part in parts:
            try:
                part()
            except PermissionError as error:
                self.held.refused += 1
                self.held.refusal = self.held.refusal or (error.strerror or str(error))
            except (OSError, AgentError):
                continue

    def _maps(self, pid: int) -> None:
        own: dict[Identity, Mapped] = {}
        for each in smaps.parse(_smaps(f"{self._proc}/{pid}/smaps")):
            if not each.inode or not each.path.startswith("/"):
                continue
            identity = (_device(each.device), each.inode)
            found = own.setdefault(identity, Mapped(path=each.path))
            # Pages that were written in a private mapping are the process's own, and none of the file's.
            found.rss_bytes += max(0, each.sizes["Rss"] - each.sizes.get("Anonymous", 0))
            found.span_bytes += each.end - each.start
        for identity, found in own.items():
            known = self.held.mapped.setdefault(identity, found)
            if found.rss_bytes > known.rss_bytes:
                known.rss_bytes, known.span_bytes = found.rss_bytes, found.span_bytes
            _note(known.pids, pid)

    def _descriptors(self, pid: int, by_id: dict[int, MountPoint]) -> None:
        directory = f"{self._proc}/{pid}"
        names = os.listdir(f"{directory}/fd")  # noqa: PTH208 - of a kernel file system
        self.held.too_many += max(0, len(names) - MAX_DESCRIPTORS)
        for name in names[:MAX_DESCRIPTORS]:
            try:
                self._one_of(pid, name, by_id)
            except PermissionError:
                raise
            except (OSError, AgentError):
                # Closed meanwhile, or like none that is known: the others are looked at all the same.
                continue

    def _one_of(self, pid: int, name: str, by_id: dict[int, MountPoint]) -> None:
        directory = f"{self._proc}/{pid}"
        mount_id = places.mount_id_in(f"{directory}/fdinfo/{name}")
        mount = by_id.get(-1 if mount_id is None else mount_id)
        is_memfd = mount is None and mount_id is not None and mount_id == self._memfds
        if is_memfd or (mount is not None and (places.is_walked(mount) or mount.file_system == "overlay")):
            self._descriptor(pid, f"{directory}/fd/{name}", mount)

    def _descriptor(self, pid: int, link: str, mount: MountPoint | None) -> None:
        path = os.readlink(link)  # noqa: PTH115 - of a kernel file system
        fd = os.open(link, os.O_PATH | os.O_CLOEXEC)
        try:
            # The number may mean another file by now, on a mount that may hang.
            if places.mount_id(fd) != (self._memfds if mount is None else mount.id):
                return
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                return
            identity = (status.st_dev, status.st_ino)
            if identity not in self.held.open:
                self.held.open[identity] = self._opened(fd, path, status, mount)
            _note(self.held.open[identity].pids, pid)
        finally:
            os.close(fd)

    def _opened(self, fd: int, path: str, status: os.stat_result, mount: MountPoint | None) -> Open:
        is_shmem = mount is None or mount.file_system in places.SHMEM
        is_deleted = status.st_nlink == 0
        probed = None
        # Through an overlay cachestat says 0 of what is in memory: its real directories are asked instead.
        if mount is None or mount.file_system != "overlay":
            try:
                probed = self._prober.probe(fd, status, is_shmem=is_shmem)
            except AgentError:
                probed = None
        return Open(
            path=path.removesuffix(DELETED) if is_deleted else path,
            is_memfd=mount is None,
            is_shmem=is_shmem,
            is_deleted=is_deleted,
            probed=probed,
        )


def is_shared_memory(path: str) -> bool:
    """Return whether a mapping is shared memory that never had a file."""
    return path.startswith(_SHARED)


def _note(pids: list[int], pid: int) -> None:
    if pid not in pids and len(pids) < MOST_PIDS:
        pids.append(pid)


def _smaps(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    chunks: list[bytes] = []
    size = 0
    try:
        with reading(path):
            while size < READ_LIMIT and (chunk := os.read(fd, 1 << 16)):
                chunks.append(chunk)
                size += len(chunk)
    finally:
        os.close(fd)
    data = b"".join(chunks)
    return data if size < READ_LIMIT else smaps.whole_mappings(data)


def _device(text: str) -> int:
    major, _, minor = text.partition(":")
    return os.makedev(int(major, 16), int(minor, 16))


def _memfd_mount() -> int | None:
    try:
        fd = os.memfd_create("memcollect", os.MFD_CLOEXEC)
    except OSError:
        return None
    try:
        return places.mount_id(fd)
    finally:
        os.close(fd)
