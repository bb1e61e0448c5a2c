"""The private memory of one process, told by what it is mapped for: /proc/PID/smaps -> wire.ProcessMappings.

The kernel tells Pss_Anon of a whole process alone (smaps_rollup), and of one mapping Rss, Pss, Anonymous and
what is private. That is enough: of a mapping all of whose pages are anonymous, Pss is its Pss_Anon; of one
without any it is 0; and of one that no other process shares it is Anonymous. What is left are mappings of
files with both kinds of pages, some of them shared, and these get an interval (fs/proc/task_mmu.c,
smaps_account).
"""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from memcollect_agent.errors import AgentError, DeniedError, GoneError
from memcollect_agent.measure.hotspot import metaspace
from memcollect_agent.measure.problems import Problems
from memcollect_agent.measure.shapes import JVM_PROGRAMS, Surroundings, bss_of, shape_of
from memcollect_agent.parse.smaps import Mapping
from memcollect_agent.read.procfs import ProcessDir, ProcFs
from memcollect_agent.read.smaps import READ_LIMIT, SmapsReading
from memcollect_agent.redact import visible
from memcollect_agent.wire import MappedPart, Process, ProcessMappings

MOST_PROCESSES = 256
"""Of one sample."""
MOST_PARTS = 24
"""Of one process; what is beyond is added up in the last one."""
LARGE_BYTES = 1 << 20
"""Of private memory in one unnamed mapping, from which on it is a part of its own."""
_DELETED = " (deleted)"
_KIB = 1 << 10

_ENDED = "it ended before its mappings were read"
_HEADLESS = "its first thread has ended, by which the kernel tells its mappings"
_DENIED = "the kernel refused smaps: give the agent the capability SYS_PTRACE, or run it as the same user"
_ENOUGH = f"the mappings of {MOST_PROCESSES} other processes were read, which is the most: ask for fewer pods"
_LATE = "the time budget was spent before its turn"
_CUT = f"it has more mappings than {READ_LIMIT >> 20} MiB of smaps describe"


class Mappings:
    """Reads the mappings of listed processes, the largest of each container first, within bounds."""

    def __init__(self, proc: ProcFs, late: Callable[[], bool], problems: Problems) -> None:
        self._proc = proc
        self._late = late
        self._problems = problems
        self._read = 0

    def told(self, processes: list[Process], cgroup: str) -> list[Process]:
        """Return the processes with their mappings; a problem of `cgroup` tells of those without."""
        why: dict[str, list[str]] = {}
        told = []
        for process in processes:
            if process.shares_with is None and not process.skipped:
                mapped, reason = self._mapped(process)
                process = msgspec.structs.replace(process, mapped=mapped)  # noqa: PLW2901 - the same with more
                if reason:
                    why.setdefault(reason, []).append(f"{process.pid}: {mapped.missing}")
            told.append(process)
        for reason, details in why.items():
            detail = (
                f"the mappings of {len(details)} of its processes were not all read, e.g. of {details[0]}"
            )
            self._problems.add("mappings", cgroup, reason, detail)
        return told

    def _mapped(self, process: Process) -> tuple[ProcessMappings, str]:
        """Return what is known, and the word for why that is not all ("" where nothing is to be told)."""
        if self._late():
            return ProcessMappings(missing=_LATE), "budget"
        if self._read >= MOST_PROCESSES:
            return ProcessMappings(missing=_ENOUGH), "unsupported"
        self._read += 1
        try:
            with self._proc.process(process.pid) as directory:
                found = read_mappings(directory, process.exe)
        except GoneError:
            return self._gone(process.pid)
        except DeniedError as error:
            return ProcessMappings(missing=f"{_DENIED} ({error.problem})"), "denied"
        except AgentError as error:
            return ProcessMappings(missing=visible(str(error))), "unreadable"
        return found, "ceiling" if found.missing else ""

    def _gone(self, pid: int) -> tuple[ProcessMappings, str]:
        try:
            with self._proc.process(pid) as directory:
                lives = directory.stat().threads > 1
        except AgentError:
            lives = False
        return ProcessMappings(missing=_HEADLESS if lives else _ENDED), "unreadable" if lives else ""


def read_mappings(process: ProcessDir, exe: str | None) -> ProcessMappings:
    """Return the private memory of a process by mapping.

    Raises ReadError or one of its kinds, UnsupportedError or ParseError.
    """
    before = process.smaps_rollup().get("Pss_Anon")
    counted = _Counted()
    reading = SmapsReading(process)
    found = parts(counted.each(reading.mappings()), exe)
    after = process.smaps_rollup().get("Pss_Anon")
    return ProcessMappings(
        parts=found,
        mappings=counted.count,
        pss_anon_before_bytes=before,
        pss_anon_bytes=after,
        missing=_CUT if reading.cut else "",
    )


def parts(mappings: Iterable[Mapping], exe: str | None) -> list[MappedPart]:
    """Return what holds private memory, the largest first; beyond MOST_PARTS, the smallest are one."""
    groups: dict[tuple[str, str, int], MappedPart] = {}
    surroundings = Surroundings(exe)
    if surroundings.program in JVM_PROGRAMS:
        mappings = list(mappings)
        surroundings = Surroundings(exe, metaspace=metaspace(mappings))
    for below, mapping, above in _with_neighbours(mappings):
        low, high = private_bytes(mapping)
        if high == 0 and not mapping.sizes.get("SwapPss"):
            continue
        kind, name = _place(mapping, surroundings.between(below, above))
        is_large = kind == "small" and high >= LARGE_BYTES
        key = ("large", "", mapping.start) if is_large else (kind, name, 0)
        one = _part(key[0], name, mapping, low, high)
        groups[key] = _sum(one.kind, name, [groups[key], one]) if key in groups else one
    ordered = sorted(groups.values(), key=lambda part: -(part.anon_high_bytes + (part.swap_pss_bytes or 0)))
    if len(ordered) <= MOST_PARTS:
        return ordered
    return [*ordered[: MOST_PARTS - 1], _sum("rest", "", ordered[MOST_PARTS - 1 :])]


def private_bytes(mapping: Mapping) -> tuple[int, int]:
    """Return the bounds of a mapping's part of the process's Pss_Anon, which the kernel cuts to whole KiB."""
    sizes = mapping.sizes
    resident, pss = sizes["Rss"], sizes["Pss"]
    anonymous = sizes.get("Anonymous")
    private = sizes.get("Private_Clean", 0) + sizes.get("Private_Dirty", 0)
    shared = max(0, resident - private)
    if anonymous is None:
        return 0, pss
    cut = _KIB - 1 if shared else 0
    if anonymous >= resident:
        return pss, pss + cut
    if not shared or not anonymous:
        return anonymous, anonymous
    # Of the shared pages at least those are copies that cannot be the file's own, and at most all copies.
    fewest, most = max(0, shared - (resident - anonymous)), min(shared, anonymous)
    of_shared = max(0, pss - private)
    low = anonymous - most + max(0, of_shared - (shared - most))
    high = anonymous - fewest + min(of_shared + cut, fewest)
    return max(0, low), max(low, high)


def _place(mapping: Mapping, around: Surroundings) -> tuple[str, str]:
    path = mapping.path
    if path in ("[heap]", "[stack]"):
        return path[1:-1], ""
    if path.startswith("[anon:"):
        return "named", visible(path.removeprefix("[anon:").removesuffix("]"))
    if path and not path.startswith("["):
        return "file", visible(path.removesuffix(_DELETED))
    if shape := shape_of(mapping, around):
        return shape, ""
    owner = bss_of(mapping, around)
    return ("bss", visible(owner.removesuffix(_DELETED))) if owner else ("small", "")


def _part(kind: str, name: str, mapping: Mapping, low: int, high: int) -> MappedPart:
    sizes = mapping.sizes
    return MappedPart(
        kind=kind,
        name=name,
        mappings=1,
        size_bytes=mapping.size,
        rss_bytes=sizes["Rss"],
        anon_low_bytes=low,
        anon_high_bytes=high,
        swap_pss_bytes=sizes.get("SwapPss"),
        huge_bytes=sizes.get("AnonHugePages"),
        ksm_bytes=sizes.get("KSM"),
    )


def _sum(kind: str, name: str, parts_: list[MappedPart]) -> MappedPart:
    return MappedPart(
        kind=kind,
        name=name,
        mappings=sum(part.mappings for part in parts_),
        size_bytes=sum(part.size_bytes for part in parts_),
        rss_bytes=sum(part.rss_bytes for part in parts_),
        anon_low_bytes=sum(part.anon_low_bytes for part in parts_),
        anon_high_bytes=sum(part.anon_high_bytes for part in parts_),
        swap_pss_bytes=_known([part.swap_pss_bytes for part in parts_]),
        huge_bytes=_known([part.huge_bytes for part in parts_]),
        ksm_bytes=_known([part.ksm_bytes for part in parts_]),
    )


def _known(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _with_neighbours(
    mappings: Iterable[Mapping],
) -> Iterator[tuple[Mapping | None, Mapping, Mapping | None]]:
    below: Mapping | None = None
    mapping: Mapping | None = None
    for above in mappings:
        if mapping is not None:
            yield below, mapping, above
        below, mapping = mapping, above
    if mapping is not None:
        yield below, mapping, None


class _Counted:
    """How many mappings went by."""

    def __init__(self) -> None:
        self.count = 0

    def each(self, mappings: Iterable[Mapping]) -> Iterator[Mapping]:
        for mapping in mappings:
            self.count += 1
            yield mapping
