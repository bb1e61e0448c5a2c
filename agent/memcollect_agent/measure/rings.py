"""Memory of the kernel's that processes map, and that is no file of anybody's -> wire.Rings.

Events of perf, packets of a socket (AF_PACKET, AF_XDP), io_uring's queues and BPF's maps lie in pages of the
kernel that it puts into a process's page tables. smaps_rollup counts these as pages of files, and so they
look like files that another cgroup pays for. /proc/PID/maps names them by what was mapped, which no file can
imitate, for a file's path begins with a slash.

Looked for only where something points to them: more file pages are mapped than are charged, or the kernel
counts memory of no kind.
"""

import re
from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from memcollect_agent.errors import AgentError, GoneError
from memcollect_agent.read.procfs import ProcessDir, ProcFs
from memcollect_agent.read.smaps import SmapsReading
from memcollect_agent.wire import ProcessSums, Rings

LEAST_BYTES = 1 << 20
"""What points to rings, and what a process must map of files for its mappings to be looked through."""
MOST_PROCESSES = 32
"""Of one cgroup whose mappings are looked through, the largest first."""
_IN_KERNEL_STAT = ("kernel_stack", "pagetables", "sec_pagetables", "percpu", "slab", "zswap")
"""Kinds that `kernel` of memory.stat holds and that no process can map."""
_RING = re.compile(
    rb"^[^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ +"
    rb"(?:anon_inode:\[perf_event\]|anon_inode:\[io_uring\]|anon_inode:bpf-map|socket:\[)",
    re.MULTILINE,
)
_KINDS = (
    ("anon_inode:[perf_event]", "perf_bytes"),
    ("anon_inode:[io_uring]", "io_uring_bytes"),
    ("anon_inode:bpf-map", "bpf_bytes"),
    ("socket:[", "socket_bytes"),
)


class Mapper(Struct, frozen=True):
    """A process that maps pages of files, or what looks like such."""

    pid: int
    start_ticks: int
    pss_file_bytes: int


def points_to_rings(stat: Mapping[str, int] | None, sums: ProcessSums) -> bool:
    """Return whether a cgroup's numbers leave room for rings worth telling."""
    if stat is None or sums.pss_file_bytes is None or sums.pss_file_bytes < LEAST_BYTES:
        return False
    mapped = sums.pss_file_bytes + (sums.pss_shmem_bytes or 0)
    named = sum(stat.get(key, 0) for key in _IN_KERNEL_STAT)
    beyond = mapped - stat.get("file_mapped", mapped)
    return beyond >= LEAST_BYTES or stat.get("kernel", named) - named >= LEAST_BYTES


def find_rings(proc: ProcFs, mappers: Iterable[Mapper], late: Callable[[], bool]) -> Rings:
    """Return what the processes map of rings; what could not be looked at is counted in `unread`."""
    large = [each for each in mappers if each.pss_file_bytes >= LEAST_BYTES]
    large.sort(key=lambda each: -each.pss_file_bytes)
    amounts = dict.fromkeys((field for _, field in _KINDS), 0)
    looked_at, unread = 0, max(0, len(large) - MOST_PROCESSES)
    for mapper in large[:MOST_PROCESSES]:
        if late():
            unread += 1
            continue
        try:
            found = _of_process(proc, mapper)
        except GoneError:
            continue
        except AgentError:
            unread += 1
            continue
        looked_at += 1
        for field, size in found.items():
            amounts[field] += size
    return Rings(looked_at=looked_at, unread=unread, **amounts)


def _of_process(proc: ProcFs, mapper: Mapper) -> dict[str, int]:
    with proc.process(mapper.pid) as process:
        if process.stat().start_ticks != mapper.start_ticks:
            raise GoneError(process.path, "its number is another process's by now")
        return ring_bytes(process) if _RING.search(process.maps()) else {}


def ring_bytes(process: ProcessDir) -> dict[str, int]:
    """Return the PSS of a process's rings, by the field of wire.Rings. Raises AgentError's kinds."""
    found: dict[str, int] = {}
    for mapping in SmapsReading(process).mappings():
        field = next((field for start, field in _KINDS if mapping.path.startswith(start)), None)
        if field:
            # A ring that is mapped twice to be read across its end shows half of each page in both places.
            found[field] = found.get(field, 0) + mapping.sizes["Pss"] - mapping.sizes.get("Anonymous", 0)
    return found
