"""Reading a cgroup v2 tree, rooted wherever it is mounted: one method per kernel file.

A cgroup is a directory descriptor here, not a path: when a cgroup is removed and another of the same
name is made, the descriptor still means the first, and every read through it fails with ENOENT or
ENODEV (GoneError). Names are chosen by whoever may make directories, so links are not followed and
depth is bounded.
"""

import errno
import os
from collections.abc import Callable
from typing import Literal, Self, TypeVar

from memcollect_agent.errors import GoneError, ReadError, read_error
from memcollect_agent.parse import controllers, flat_keyed, numa_stat, pressure, procs, single_value
from memcollect_agent.read import files
from memcollect_agent.read.hanging import reading
from memcollect_agent.wire import Pressure

_T = TypeVar("_T")
MAX_DEPTH = 64
"""Levels below the root that are visited; kubelet, kind and systemd together need about a dozen."""
MAX_CGROUPS = 100_000
"""Directories visited in one walk; the kernel's own trees hold some thousands."""


class CgroupDir:
    """One open cgroup. Close it, or use it as a context manager."""

    __slots__ = ("_listing", "_prefix", "depth", "fd", "path", "root")

    def __init__(self, root: str, path: str, fd: int, depth: int) -> None:
        self.root = root
        self.path = path
        self.fd = fd
        self.depth = depth
        self._prefix = f"{root}{path.rstrip('/')}/"
        """Before the name of a file, as messages have it."""
        self._listing: tuple[frozenset[str], list[str]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the descriptor back; closing twice is harmless."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    @property
    def inode(self) -> int:
        """The directory's inode: on cgroup v2 the cgroup's 64-bit id, which is not used again."""
        return os.fstat(self.fd).st_ino

    def listing(self) -> tuple[frozenset[str], list[str]]:
        """Return the names of the files and, sorted, of the child cgroups; the first answer is kept.

        Raises GoneError when the cgroup was removed: a removed directory cannot be listed.
        """
        if self._listing is None:
            regular, children = self._listed()
            # The kernel says ENOENT here, but glibc's readdir turns that into the end of the listing; a
            # cgroup that lives always has files.
            if not regular and not children:
                raise GoneError(self._prefix + ".", "the cgroup was removed")
            self._listing = regular, children
        return self._listing

    def children_now(self) -> list[str]:
        """Return the names of the child cgroups, sorted, listed anew. Raises ReadError."""
        return self._listed()[1]

    def has(self, name: str) -> bool:
        """Whether this kernel gives this cgroup such a file."""
        return name in self.listing()[0]

    def children(self) -> list[str]:
        """Return the names of the child cgroups, sorted."""
        return self.listing()[1]

    def child(self, name: str) -> "CgroupDir":
        """Open a child cgroup."""
        path = f"{self.path.rstrip('/')}/{name}"
        fd = files.open_directory(name, self.fd, self._prefix + name)
        return CgroupDir(self.root, path, fd, self.depth + 1)

    def read_stat(self, name: str = "memory.stat") -> dict[str, int]:
        """memory.stat: bytes and event counts."""
        return self._parsed(name, flat_keyed.parse)

    def read_number(self, name: str) -> int:
        """Return a file of one number: memory.current, memory.peak, hugetlb.*.current and the like."""
        return self._parsed(name, single_value.parse_number)

    def read_limit(self, name: str) -> int | Literal["max"]:
        """Return a limit: memory.max, .high, .low, .min, memory.swap.max and .high, memory.zswap.max."""
        return self._parsed(name, single_value.parse_limit)

    def read_flag(self, name: str) -> bool:
        """Return a switch: memory.oom.group."""
        return self._parsed(name, single_value.parse_flag)

    def read_counts(self, name: str) -> dict[str, int]:
        """Return event counts: memory.events, memory.events.local, memory.swap.events, cgroup.stat."""
        return self._parsed(name, flat_keyed.parse)

    def read_pressure(self, name: str = "memory.pressure") -> dict[str, Pressure]:
        """memory.pressure: percent of time, and microseconds."""
        return self._parsed(name, pressure.parse)

    def read_numa_stat(self, name: str = "memory.numa_stat") -> dict[str, dict[str, int]]:
        """memory.numa_stat: memory.stat's fields by node, in bytes or counts."""
        return self._parsed(name, numa_stat.parse)

    def read_controllers(self, name: str = "cgroup.controllers") -> list[str]:
        """cgroup.controllers: what may be controlled here."""
        return self._parsed(name, controllers.parse)

    def read_procs(self) -> list[int]:
        """cgroup.procs: the pids in this very cgroup.

        A threaded cgroup answers EOPNOTSUPP: its processes are listed by the domain above it, so its
        own list is empty.
        """
        path = self._prefix + "cgroup.procs"
        try:
            # As many records as pids, and so as many reads as it takes.
            data = files.read_file("cgroup.procs", self.fd, path)
        except ReadError as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EOPNOTSUPP:
                return []
            raise
        return procs.parse(data, path)

    def _listed(self) -> tuple[frozenset[str], list[str]]:
        regular, children = set(), []
        try:
            with reading(self._prefix + ".", alone=True), os.scandir(self.fd) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        children.append(entry.name)
                    else:
                        regular.add(entry.name)
        except OSError as error:
            raise read_error(self._prefix + ".", error) from error
        return frozenset(regular), sorted(children)

    def _parsed(self, name: str, parse: Callable[[bytes, str], _T]) -> _T:
        path = self._prefix + name
        return parse(files.read_whole_record(name, self.fd, path), path)


class CgroupFs:
    """A cgroup v2 hierarchy mounted at `root`."""

    def __init__(self, root: str = "/sys/fs/cgroup") -> None:
        self.root = root.rstrip("/")

    def open(self, path: str = "/") -> CgroupDir:
        """Open the cgroup at `path`, given from the root of the mount, component by component.

        Raises GoneError, DeniedError, UnsafeFileError or ReadError.
        """
        directory = CgroupDir(self.root, "/", files.open_root(self.root or "/"), 0)
        for name in filter(None, path.split("/")):
            if name == "..":
                directory.close()
                raise GoneError(path, "leads out of the cgroup tree")
            with directory:
                directory = directory.child(name)
        return directory

    def version(self) -> Literal["v2", "hybrid", "v1"] | None:
        """Return which hierarchy holds the memory controller, or None where there is no cgroup mount.

        "hybrid": a v2 tree exists (at `unified`), but memory is on v1, as systemd's hybrid mode does.
        """
        try:
            with self.open() as top:
                names, children = top.listing()
        except GoneError:
            # Nothing is there, or an empty directory that waits for a mount.
            return None
        if "cgroup.controllers" in names:
            return "v2"
        if "memory" not in children:
            return None
        return "hybrid" if "unified" in children else "v1"
