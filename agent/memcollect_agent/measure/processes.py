"""The processes of one cgroup's subtree -> wire.ProcessSums, and the largest of them in full.

By default two files of each process are read: stat (who it is) and smaps_rollup (what it holds).
"""

import heapq
import os
import time
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from memcollect_agent import redact
from memcollect_agent.errors import AgentError, DeniedError, GoneError, UnsupportedError
from memcollect_agent.measure.rings import Mapper
from memcollect_agent.measure.spaces import Compare, Reading, Sharing, find_sharing
from memcollect_agent.parse.pid_stat import PidStat
from memcollect_agent.read.kcmp import compare_spaces
from memcollect_agent.read.procfs import ProcessDir, ProcFs
from memcollect_agent.wire import DEFAULT_CEILING_BYTES, LargestProcess, Process, ProcessSums, SkippedProcess

MAX_SKIPPED_LISTED = 100
MOST_NAMES = 1 << 13
"""Of the descriptors of one cgroup's processes, where a kernel before 6.2 has them listed: for each it keeps
0.9 KiB that are charged to the agent, until somebody needs the room."""

_DENIED = (
    "the kernel refused smaps_rollup: give the agent the capability SYS_PTRACE, or run it as the same user"
)
_OUTSIDE = "belongs to another PID namespace: run the agent with hostPID"
_SUMMED = {
    "Rss": "rss_bytes",
    "Pss": "pss_bytes",
    "Pss_Anon": "pss_anon_bytes",
    "Pss_File": "pss_file_bytes",
    "Pss_Shmem": "pss_shmem_bytes",
    "LazyFree": "lazyfree_bytes",
    "Swap": "swap_bytes",
    "SwapPss": "swap_pss_bytes",
    "Locked": "locked_bytes",
    "AnonHugePages": "anon_huge_bytes",
    "KSM": "ksm_bytes",
}
_HUGETLB = ("Shared_Hugetlb", "Private_Hugetlb")
_TOTALLED = (*_SUMMED, *_HUGETLB)
_OF_A_PROCESS = {
    "Rss": "rss_bytes",
    "Pss": "pss_bytes",
    "Pss_Anon": "pss_anon_bytes",
    "Pss_File": "pss_file_bytes",
    "Pss_Shmem": "pss_shmem_bytes",
    "LazyFree": "lazyfree_bytes",
    "SwapPss": "swap_pss_bytes",
}


class Budget:
    """How long a sample may take. Processes get the budget, the cheap files twice of it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._begin = time.monotonic()

    def spent(self, times: float = 1.0) -> bool:
        """Whether `times` the budget is used up."""
        return time.monotonic() - self._begin >= self.seconds * times


class Wanted(Struct, frozen=True, kw_only=True):
    """What is to be read of each process."""

    sums: bool = True
    page_tables: bool = False
    descriptors: bool = False
    limit: int = 0
    """How many processes to describe in full, the largest first."""
    command_length: int = redact.DEFAULT_LENGTH
    ceiling_bytes: int = DEFAULT_CEILING_BYTES


class _Candidate(Struct, frozen=True):
    stat: PidStat
    cgroup: str | None
    smaps: dict[str, int]
    page_tables: int | None
    descriptors: int | None = None
    skipped: str = ""
    """Why nothing but its RSS is known."""


class Processes:
    """Reads processes one after the other, and adds up."""

    def __init__(self, proc: ProcFs, wanted: Wanted, budget: Budget, boot_time: float | None) -> None:
        self._proc = proc
        self._wanted = wanted
        self._budget = budget
        self.untold = 0
        """Processes that describe() gave no command line, since the time was used up."""
        self._boot_time = boot_time or 0.0
        self._page_size = os.sysconf("SC_PAGE_SIZE")
        self._ticks = os.sysconf("SC_CLK_TCK")
        # kcmp takes pids of the agent's own namespace: of another machine's files it would compare strangers.
        self._compare = compare_spaces if proc.is_own() else None

    def read(self, pids: dict[int, str | None], seen: set[tuple[int, int]]) -> "Tally":
        """Read the processes in `pids`, which maps each to the sub-cgroup it was listed in.

        `seen` holds the identity (pid, start) of every process that another cgroup of the same pod
        already counted, and grows: one that moved meanwhile is listed twice and counts once.
        """
        tally = Tally(len(pids), self._wanted.limit)
        tally.read_from = time.time() if pids else None
        for pid, cgroup in pids.items():
            self._one(pid, cgroup, seen, tally)
        if self._wanted.sums:
            tally.settle(self._compare, self._is_randomised)
        tally.read_until = time.time() if pids else None
        return tally

    def describe(self, tally: "Tally") -> list[Process]:
        """Return the largest processes of `tally` in full, the largest PSS first."""
        return [self._described(candidate, tally.shares_with(candidate)) for candidate in tally.largest()]

    def _one(self, pid: int, cgroup: str | None, seen: set[tuple[int, int]], tally: "Tally") -> None:
        if pid == 0:
            tally.skip(SkippedProcess(pid=0, reason="unreadable", detail=_OUTSIDE))
            return
        late = self._budget.spent()
        if late and self._budget.spent(2.0):
            tally.skip(SkippedProcess(pid=pid, reason="budget", detail=self._budget_detail()))
            return
        stat: PidStat | None = None
        try:
            with self._proc.process(pid) as process:
                stat = process.stat()
                identity = (pid, stat.start_ticks)
                if identity in seen:
                    tally.listed -= 1
                    return
                seen.add(identity)
                self._look(process, stat, cgroup, tally, late=late)
        except GoneError:
            tally.vanished += 1
        except AgentError as error:
            tally.skip(SkippedProcess(pid=pid, reason="unreadable", detail=redact.visible(str(error))))

    def _look(
        self, process: ProcessDir, stat: PidStat, cgroup: str | None, tally: "Tally", *, late: bool
    ) -> None:
        if stat.is_kernel_thread:
            tally.kernel_threads += 1
            return
        if stat.is_zombie and stat.threads <= 1:
            tally.zombies += 1
            return
        if not self._wanted.sums:
            tally.add(_Candidate(stat, cgroup, {"Rss": stat.rss_pages * self._page_size}, None))
            return
        try:
            smaps = self._smaps(process, stat, late=late)
        except _SkippedError as skipped:
            self._skip(process, stat, cgroup, tally, skipped)
        else:
            tables, descriptors = self._page_tables(process), self._descriptors(process, tally)
            tally.add(_Candidate(stat, cgroup, smaps, tables, descriptors))

    def _smaps(self, process: ProcessDir, stat: PidStat, *, late: bool) -> dict[str, int]:
        """Return its smaps_rollup; raise _SkippedError for whatever keeps it from being read but its end."""
        if late:
            raise _SkippedError("budget", self._budget_detail())
        if stat.rss_pages * self._page_size > self._wanted.ceiling_bytes:
            ceiling = self._wanted.ceiling_bytes / (1 << 20)
            raise _SkippedError("ceiling", f"its RSS is above the ceiling of {ceiling:g} MiB for one process")
        try:
            # A first thread that ended before the others is a zombie whose file says nothing.
            return process.smaps_rollup_of_a_thread() if stat.is_zombie else process.smaps_rollup()
        except GoneError:
            raise
        except DeniedError as error:
            raise _SkippedError("denied", f"{_DENIED} ({error.problem})") from error
        except UnsupportedError as error:
            raise _SkippedError("unsupported", str(error)) from error
        except AgentError as error:
            raise _SkippedError("unreadable", redact.visible(str(error))) from error

    def _skip(
        self,
        process: ProcessDir,
        stat: PidStat,
        cgroup: str | None,
        tally: "Tally",
        why: "_SkippedError",
    ) -> None:
        rss = self._resident(process, stat)
        comm = redact.visible(stat.comm)
        tally.skip(
            SkippedProcess(pid=stat.pid, comm=comm, reason=why.reason, detail=why.detail, rss_bytes=rss)
        )
        if rss is not None:
            tally.keep(_Candidate(stat, cgroup, {"Rss": rss}, None, skipped=why.reason))

    def _resident(self, process: ProcessDir, stat: PidStat) -> int | None:
        """Return VmRSS, or what stat says, whose counters may lag since 6.2; None where neither tells."""
        # A zombie's own counters say nothing of the threads that still run.
        if stat.is_zombie:
            return None
        try:
            return process.status().sizes["VmRSS"]
        except (AgentError, KeyError):
            return stat.rss_pages * self._page_size

    def _is_randomised(self, pid: int) -> bool:
        """Return whether exec laid its address space out at random, for all that is known."""
        try:
            with self._proc.process(pid) as process:
                return self._proc.randomises_layouts() and process.is_randomised()
        except AgentError:
            return False

    def _page_tables(self, process: ProcessDir) -> int | None:
        if not self._wanted.page_tables:
            return None
        try:
            return process.status().sizes.get("VmPTE")
        except AgentError:
            # It ended just now, or its status is odd: its other numbers are good, so only this is unknown.
            return None

    def _descriptors(self, process: ProcessDir, tally: "Tally") -> int | None:
        if not self._wanted.descriptors:
            return None
        try:
            return process.descriptors(max(0, MOST_NAMES - tally.descriptors))
        except AgentError:
            return None

    def _budget_detail(self) -> str:
        return f"the time budget of {self._budget.seconds:g} s was spent before its turn"

    def _described(self, candidate: "_Candidate", shares_with: int | None) -> Process:
        stat = candidate.stat
        sizes: dict[str, Any] = {field: candidate.smaps.get(key) for key, field in _OF_A_PROCESS.items()}
        rest = {key: value for key, value in candidate.smaps.items() if key not in _OF_A_PROCESS}
        late = self._budget.spent(2.0)
        self.untold += late
        command, exe = (None, None) if late else self._texts(stat)
        return Process(
            pid=stat.pid,
            ppid=stat.ppid,
            start_time=self._boot_time + stat.start_ticks / self._ticks,
            state=stat.state,
            comm=redact.visible(stat.comm),
            command=command,
            exe=exe,
            cgroup=candidate.cgroup,
            threads=stat.threads,
            page_tables_bytes=candidate.page_tables,
            smaps_rollup=rest,
            shares_with=shares_with,
            skipped=candidate.skipped,
            **sizes,
        )

    def _texts(self, stat: PidStat) -> tuple[str | None, str | None]:
        try:
            with self._proc.process(stat.pid) as process:
                # Opened anew, so the number may mean another process by now.
                if process.stat().start_ticks != stat.start_ticks:
                    return None, None
                return self._command(process), self._exe(process)
        except AgentError:
            return None, None

    def _command(self, process: ProcessDir) -> str | None:
        try:
            arguments = process.cmdline()
        except AgentError:
            return None
        return redact.command_line(arguments, self._wanted.command_length) if arguments else None

    def _exe(self, process: ProcessDir) -> str | None:
        try:
            return redact.visible(process.exe())
        except AgentError:
            return None


class _SkippedError(Exception):
    """Why a living process has no numbers: the word and the sentence of SkippedProcess."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Tally:
    """The counts and sums of one cgroup's processes while they are read."""

    def __init__(self, listed: int, limit: int) -> None:
        self.listed = listed
        self.vanished = 0
        self.zombies = 0
        self.kernel_threads = 0
        self.read_from: float | None = None
        self.read_until: float | None = None
        self.only_name: str | None = None
        """The name of the one process that was read; None when there was none or more than one."""
        self.skipped: list[SkippedProcess] = []
        self.skipped_unlisted = 0
        self._unlisted_rss: int | None = 0
        self._read = 0
        self._threads = 0
        self._totals: dict[str, int] | None = None
        self._page_tables: int | None = None
        self._page_tables_of = 0
        self.descriptors = 0
        self._descriptors_of = 0
        self._limit = limit
        self._heap: list[tuple[int, int, _Candidate]] = []
        self._readings: list[Reading] = []
        self._sharing = Sharing(with_pid={}, by="", alike=[])
        self._sharing_rss: int | None = None

    def add(self, candidate: _Candidate) -> None:
        """Count a process that was read."""
        self._read += 1
        self.only_name = candidate.stat.comm if self._read == 1 else None
        self._threads += candidate.stat.threads
        self._sum(candidate.smaps)
        if candidate.page_tables is not None:
            self._page_tables = (self._page_tables or 0) + candidate.page_tables
            self._page_tables_of += 1
        if candidate.descriptors is not None:
            self.descriptors += candidate.descriptors
            self._descriptors_of += 1
        self.keep(candidate)
        self._readings.append(_reading(candidate))

    def settle(self, compare: Compare | None, is_randomised: Callable[[int], bool]) -> None:
        """Take what several processes share in one address space off the sums, all but once."""
        self._sharing = find_sharing(self._readings, compare, is_randomised)
        twice = [each for each in self._readings if each.pid in self._sharing.with_pid]
        totals = self._totals or {}
        for reading in twice:
            for key in totals.keys() - {"Rss"}:
                totals[key] -= reading.sizes[key]
            if self._page_tables is not None:
                self._page_tables -= reading.page_tables or 0
        self._sharing_rss = sum(each.sizes["Rss"] for each in twice) if twice else None

    def mappers(self) -> list[Mapper]:
        """Return the processes with their file pages, each address space once."""
        return [Mapper(each.pid, each.start_ticks, each.sizes.get("Pss_File", 0)) for each in self._counted()]

    def _counted(self) -> list[Reading]:
        return [each for each in self._readings if each.pid not in self._sharing.with_pid]

    @property
    def first_pid(self) -> int | None:
        """The first process that was read; None when there was none."""
        return self._readings[0].pid if self._readings else None

    def shares_with(self, candidate: _Candidate) -> int | None:
        """Return the pid of the process whose address space the candidate's is too, and which counts."""
        return self._sharing.with_pid.get(candidate.stat.pid)

    def keep(self, candidate: _Candidate) -> None:
        """Keep it for the list if it is one of the largest; one that was skipped by its RSS."""
        if self._limit:
            size = candidate.smaps.get("Pss", candidate.smaps.get("Rss", 0))
            item = (size, -candidate.stat.pid, candidate)
            if len(self._heap) < self._limit:
                heapq.heappush(self._heap, item)
            else:
                heapq.heappushpop(self._heap, item)

    def skip(self, process: SkippedProcess) -> None:
        """Note a process without numbers; beyond the first hundred only their number and RSS."""
        if len(self.skipped) < MAX_SKIPPED_LISTED:
            self.skipped.append(process)
            return
        self.skipped_unlisted += 1
        if process.rss_bytes is None:
            self._unlisted_rss = None
        elif self._unlisted_rss is not None:
            self._unlisted_rss += process.rss_bytes

    def skipped_because(self, reason: str) -> int:
        """Return how many of the listed skipped processes have this reason."""
        return sum(process.reason == reason for process in self.skipped)

    def first_skipped(self) -> dict[str, SkippedProcess]:
        """Return the first of the listed skipped processes by each reason."""
        return {each.reason: each for each in reversed(self.skipped)}

    def largest(self) -> list[_Candidate]:
        """Return the kept processes, the largest first."""
        return [candidate for _, _, candidate in sorted(self._heap, reverse=True)]

    def sums(self) -> ProcessSums:
        """Return the sums; a field that some process did not give is None."""
        totals = self._totals or {}
        hugetlb = [totals[key] for key in _HUGETLB if key in totals]
        sizes = {field: totals.get(key) for key, field in _SUMMED.items()}
        # Of a part of the processes they would look like a total.
        has_tables, has_descriptors = (
            known == self._read for known in (self._page_tables_of, self._descriptors_of)
        )
        return ProcessSums(
            listed=self.listed,
            read=self._read,
            vanished=self.vanished,
            zombies=self.zombies,
            kernel_threads=self.kernel_threads,
            threads=self._threads if self._read else None,
            hugetlb_bytes=sum(hugetlb) if len(hugetlb) == 2 else None,
            page_tables_bytes=self._page_tables if has_tables else None,
            descriptors=self.descriptors if self._read and has_descriptors else None,
            largest=self._most_private(),
            skipped=self.skipped,
            skipped_unlisted=self.skipped_unlisted,
            skipped_unlisted_rss_bytes=self._unlisted_rss,
            read_from=self.read_from,
            read_until=self.read_until,
            sharing=len(self._sharing.with_pid),
            sharing_by=self._sharing.by,
            sharing_rss_bytes=self._sharing_rss,
            alike=len(self._sharing.alike),
            alike_pss_bytes=self._alike("Pss"),
            alike_pss_anon_bytes=self._alike("Pss_Anon"),
            alike_pss_file_bytes=self._alike("Pss_File"),
            alike_pss_shmem_bytes=self._alike("Pss_Shmem"),
            **sizes,  # type: ignore[arg-type]  # mypy takes each for any of the fields
        )

    def _most_private(self) -> LargestProcess | None:
        told = [each for each in self._counted() if each.sizes.get("Pss_Anon")]
        most = max(told, key=lambda each: (each.sizes["Pss_Anon"], -each.pid), default=None)
        if most is None:
            return None
        name = redact.visible(most.comm)
        return LargestProcess(pid=most.pid, comm=name, pss_anon_bytes=most.sizes["Pss_Anon"])

    def _alike(self, key: str) -> int | None:
        alike = self._sharing.alike
        told = alike and all(key in each.sizes for each in alike)
        return sum(each.sizes[key] for each in alike) if told else None

    def _sum(self, smaps: dict[str, int]) -> None:
        totals = self._totals
        if totals is None:
            self._totals = {key: smaps[key] for key in _TOTALLED if key in smaps}
            return
        if not totals.keys() <= smaps.keys():
            # Only what every process told is a sum over all of them.
            self._totals = totals = {key: value for key, value in totals.items() if key in smaps}
        for key in totals:
            totals[key] += smaps[key]


def _reading(candidate: _Candidate) -> Reading:
    smaps = candidate.smaps
    # Pss_Anon counts a page that n address spaces map as 1/n, and cuts the sum to whole KiB.
    copies = "Pss_Anon" not in smaps or smaps["Pss_Anon"] != smaps.get("Anonymous")
    stat = candidate.stat
    return Reading(stat.pid, stat.layout, copies, smaps, candidate.page_tables, stat.comm, stat.start_ticks)
