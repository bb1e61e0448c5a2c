"""One cgroup's memory files -> wire.Cgroup, in the order that makes the numbers comparable.

memory.stat first and memory.current right after it (cAdvisor's order, so the same arithmetic gives the
same working set), the quieter files next, and memory.current again when the processes were read: what
changed between the two bounds how far the parts may disagree.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from memcollect_agent.errors import AgentError, DeniedError, GoneError
from memcollect_agent.read.cgroupfs import CgroupDir
from memcollect_agent.redact import visible
from memcollect_agent.wire import Cgroup, Limit, Swap, Zswap

_T = TypeVar("_T")

LEAST_OBJECTS_BYTES = 4 << 20
"""Of the kernel's objects and caches of files in a cgroup, from which on open files are worth counting."""
_OBJECTS = ("slab_unreclaimable", "slab_reclaimable")
NOT_IN_KERNEL = "not in this kernel"
NO_CONTROLLER = "the memory controller is not enabled for this cgroup"
GONE = "gone: the cgroup was removed while it was being read"


class CgroupReading:
    """The numbers of one cgroup as they come in: begin(), details(), again(), then result()."""

    def __init__(self, directory: CgroupDir) -> None:
        self._directory = directory
        self._names: frozenset[str] = frozenset()
        """Of the files that this kernel gives this cgroup."""
        self._absent: dict[str, str] = {}
        self._missing = NOT_IN_KERNEL
        self._inode: int | None = None
        self._stat: dict[str, int] | None = None
        self._current: int | None = None
        self._current_again: int | None = None
        self._times: list[float | None] = [None, None, None]
        self._details = Cgroup(path="")

    @property
    def path(self) -> str:
        """The cgroup's path, safe to print and to send."""
        return visible(self._directory.path)

    @property
    def current_bytes(self) -> int | None:
        """memory.current as begin() found it."""
        return self._current

    @property
    def stat(self) -> dict[str, int] | None:
        """memory.stat as begin() found it."""
        return self._stat

    @property
    def itemises_page_tables(self) -> bool:
        """Whether memory.stat tells of page tables, as it does from commit f0c0c115fb81 (5.11) on."""
        return self._stat is not None and "pagetables" in self._stat

    @property
    def has_many_objects(self) -> bool:
        """Whether the kernel's objects and caches of files are so large that open files may be why."""
        stat = self._stat or {}
        return sum(stat.get(key, 0) for key in _OBJECTS) >= LEAST_OBJECTS_BYTES

    def unread_charge(self) -> tuple[str, str] | None:
        """Return why the kernel did not give what a working set is made of, as reason and detail."""
        for name in ("memory.stat", "memory.current"):
            reason, _, detail = self._absent.get(name, "").partition(": ")
            if reason in ("denied", "unreadable"):
                return reason, detail
        return None

    def begin(self) -> None:
        """Read memory.stat, then memory.current. Raises GoneError when the cgroup is no more."""
        directory = self._directory
        self._look("memory.stat")
        self._times[0] = time.time()
        self._stat = self._value("memory.stat", directory.read_stat)
        self._times[1] = time.time()
        self._current = self._number("memory.current")
        if "memory.current" in self._absent:
            self._times[1] = None

    def details(self, *, numa: bool = False) -> None:
        """Read the rest; a cgroup that goes meanwhile leaves what was read, and the reason."""
        try:
            self._read_details(numa=numa)
        except GoneError:
            self._absent["cgroup"] = GONE

    def limits(self) -> None:
        """Read the charge, its peak, the limits, also of swap, and the events alone: far less than all files.

        Raises GoneError when the cgroup is no more.
        """
        self._look("memory.events")
        self._current = self._number("memory.current")
        self._details = Cgroup(
            path="",
            peak_bytes=self._number("memory.peak"),
            high_bytes=self._limit("memory.high"),
            max_bytes=self._limit("memory.max"),
            oom_group=self._oom_group(),
            events=self._counts("memory.events"),
            events_local=self._counts("memory.events.local"),
            swap=Swap(
                current_bytes=self._number("memory.swap.current"), max_bytes=self._limit("memory.swap.max")
            ),
            descendants=self._counts("cgroup.stat"),
        )

    def again(self) -> None:
        """Read memory.current once more, after the processes."""
        if self._current is None:
            return
        try:
            self._times[2] = time.time()
            self._current_again = self._directory.read_number("memory.current")
        except AgentError as error:
            self._times[2] = None
            self._absent["memory.current (again)"] = GONE if isinstance(error, GoneError) else str(error)

    def result(self) -> Cgroup:
        """Return everything that was read."""
        details = self._details
        return Cgroup(
            path=self.path,
            inode=self._inode,
            read_at=self._times[0],
            current_bytes=self._current,
            current_read_at=self._times[1],
            current_again_bytes=self._current_again,
            current_again_read_at=self._times[2],
            peak_bytes=details.peak_bytes,
            min_bytes=details.min_bytes,
            low_bytes=details.low_bytes,
            high_bytes=details.high_bytes,
            max_bytes=details.max_bytes,
            oom_group=details.oom_group,
            stat=self._stat,
            events=details.events,
            events_local=details.events_local,
            pressure=details.pressure,
            swap=details.swap,
            zswap=details.zswap,
            hugetlb=details.hugetlb,
            numa_stat=details.numa_stat,
            descendants=details.descendants,
            controllers=details.controllers,
            absent=self._absent,
        )

    def _look(self, first: str) -> None:
        """Learn which files there are, and where `first` is none of them, why there are none of memory."""
        self._inode = self._directory.inode
        self._names = self._directory.listing()[0]
        if first not in self._names:
            self._missing = self._why_no_memory()

    def _read_details(self, *, numa: bool) -> None:
        directory = self._directory
        self._details = Cgroup(
            path="",
            peak_bytes=self._number("memory.peak"),
            min_bytes=self._limit("memory.min"),
            low_bytes=self._limit("memory.low"),
            high_bytes=self._limit("memory.high"),
            max_bytes=self._limit("memory.max"),
            oom_group=self._oom_group(),
            events=self._counts("memory.events"),
            events_local=self._counts("memory.events.local"),
            pressure=self._value("memory.pressure", directory.read_pressure),
            swap=Swap(
                current_bytes=self._number("memory.swap.current"),
                peak_bytes=self._number("memory.swap.peak"),
                high_bytes=self._limit("memory.swap.high"),
                max_bytes=self._limit("memory.swap.max"),
                events=self._counts("memory.swap.events"),
            ),
            zswap=Zswap(
                current_bytes=self._number("memory.zswap.current"),
                max_bytes=self._limit("memory.zswap.max"),
                writeback=self._number("memory.zswap.writeback"),
            ),
            hugetlb=self._hugetlb(),
            numa_stat=self._value("memory.numa_stat", directory.read_numa_stat) if numa else None,
            descendants=self._counts("cgroup.stat"),
            controllers=self._value("cgroup.controllers", directory.read_controllers),
        )

    def _oom_group(self) -> bool | None:
        return self._value("memory.oom.group", self._directory.read_flag)

    def _hugetlb(self) -> dict[str, int] | None:
        sizes: dict[str, int] = {}
        for name in sorted(name for name in self._names if name.startswith("hugetlb.")):
            if name.endswith(".current") and ".rsvd." not in name:
                value = self._number(name)
                if value is not None:
                    sizes[name.removeprefix("hugetlb.").removesuffix(".current")] = value
        if not sizes:
            self._absent.setdefault("hugetlb", "the hugetlb controller is not enabled for this cgroup")
        return sizes or None

    def _number(self, name: str) -> int | None:
        return self._value(name, self._directory.read_number)

    def _limit(self, name: str) -> Limit:
        return self._value(name, self._directory.read_limit)

    def _counts(self, name: str) -> dict[str, int] | None:
        return self._value(name, self._directory.read_counts)

    def _value(self, name: str, read: Callable[[str], _T]) -> _T | None:
        if name not in self._names:
            self._absent[name] = self._missing if name.startswith("memory.") else NOT_IN_KERNEL
            return None
        try:
            return read(name)
        except GoneError:
            raise
        except DeniedError as error:
            self._absent[name] = f"denied: {visible(str(error))}"
        except AgentError as error:
            self._absent[name] = f"unreadable: {visible(str(error))}"
        return None

    def _why_no_memory(self) -> str:
        try:
            has_controller = "memory" in self._directory.read_controllers()
        except GoneError:
            raise
        except AgentError:
            return NOT_IN_KERNEL
        return NOT_IN_KERNEL if has_controller else NO_CONTROLLER
