"""What a Sentry or a VMM maps, by where it comes from: the one place that reads /proc/PID/smaps.

smaps walks the page tables as smaps_rollup does and writes some hundred bytes for every mapping, so it is
read only of processes that are known to hold a guest's memory, and only so many bytes of it.
"""

import os
from collections.abc import Iterable

from memcollect_agent.errors import read_error
from memcollect_agent.parse import smaps
from memcollect_agent.parse.smaps import Mapping
from memcollect_agent.read import files
from memcollect_agent.read.hanging import reading
from memcollect_agent.read.procfs import ProcessDir
from memcollect_agent.redact import visible
from memcollect_agent.wire import Region

READ_LIMIT = 2 << 20
"""Bytes of smaps: about 2800 mappings. A VMM has some hundred, a Sentry a few thousand at most."""
MOST_REGIONS = 12
LARGE_ANON_BYTES = 32 << 20
"""Address space of one unnamed private mapping from which it may be a guest's RAM: more than a thread's
stack (8 MiB) or a page of an allocator's; an arena of malloc is 64 MiB, but mostly without access."""
SMALL_BYTES = 1 << 20
"""A named region with less address space than this is added to the rest."""
_DELETED = " (deleted)"
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_SHARED_MEMORY = ("/dev/shm/", "/SYSV", "/dev/zero", "/run/kata-containers/")  # noqa: S108 - names in smaps


def read_regions(process: ProcessDir) -> tuple[list[Region], str]:
    """Return the largest regions, what is left under "rest", and why that is not all ("" if it is).

    Raises ReadError or one of its kinds, or ParseError.
    """
    data, whole = _read(process)
    found = regions(smaps.parse(data if whole else smaps.whole_mappings(data), f"{process.path}/smaps"))
    reason = "" if whole else f"it has more mappings than {READ_LIMIT >> 20} MiB of smaps describe"
    return found, reason


def regions(mappings: Iterable[Mapping]) -> list[Region]:
    """Return the mappings added up by backing and name: the largest by RSS, and the rest as one."""
    groups: dict[tuple[str, str, bool, bool], Region] = {}
    for mapping in mappings:
        backing, name = _place(mapping)
        letters = mapping.permissions if backing != "rest" else "---p"
        key = backing, name, letters[3] == "p", letters[1] == "w"
        empty = Region(backing=backing, name=name, private=key[2], writable=key[3])
        groups[key] = _added(groups.get(key, empty), mapping)
    rest = groups.pop(("rest", "", True, False), None)
    ordered = sorted(groups.values(), key=lambda each: -(each.rss_bytes + (each.hugetlb_bytes or 0)))
    left = ordered[MOST_REGIONS:] + ([rest] if rest else [])
    return ordered[:MOST_REGIONS] + ([_merged(left)] if left else [])


def _place(mapping: Mapping) -> tuple[str, str]:
    """Return the backing and the name of one mapping."""
    size = mapping.end - mapping.start
    path = mapping.path.removesuffix(_DELETED)
    if "Private_Hugetlb" in mapping.sizes and _is_huge(mapping):
        return "hugetlb", visible(path)
    if not path or path.startswith("[anon"):
        large = size >= LARGE_ANON_BYTES and "w" in mapping.permissions
        return ("anon", "") if large else ("rest", "")
    if size < SMALL_BYTES or path.startswith("["):
        return "rest", ""
    if path.startswith("/memfd:"):
        return "memfd", visible(path.removeprefix("/memfd:"))
    if path.startswith(_SHARED_MEMORY):
        return "shm", visible(path)
    return "file", visible(path)


def _is_huge(mapping: Mapping) -> bool:
    sizes = mapping.sizes
    return bool(sizes.get("Shared_Hugetlb", 0) + sizes["Private_Hugetlb"])


def _added(region: Region, mapping: Mapping) -> Region:
    sizes = mapping.sizes
    huge = [sizes[key] for key in ("Shared_Hugetlb", "Private_Hugetlb") if key in sizes]
    return Region(
        backing=region.backing,
        name=region.name,
        private=region.private,
        writable=region.writable,
        mappings=region.mappings + 1,
        size_bytes=region.size_bytes + mapping.end - mapping.start,
        rss_bytes=region.rss_bytes + sizes["Rss"],
        pss_bytes=region.pss_bytes + sizes["Pss"],
        anon_bytes=_plus(region, region.anon_bytes, sizes.get("Anonymous")),
        hugetlb_bytes=_plus(region, region.hugetlb_bytes, sum(huge) if len(huge) == 2 else None),
    )


def _plus(region: Region, known: int | None, more: int | None) -> int | None:
    if region.mappings == 0:
        return more
    return None if known is None or more is None else known + more


def _merged(parts: list[Region]) -> Region:
    return Region(
        backing="rest",
        private=True,
        mappings=sum(part.mappings for part in parts),
        size_bytes=sum(part.size_bytes for part in parts),
        rss_bytes=sum(part.rss_bytes for part in parts),
        pss_bytes=sum(part.pss_bytes for part in parts),
        anon_bytes=_sum_of_known([part.anon_bytes for part in parts]),
        hugetlb_bytes=_sum_of_known([part.hugetlb_bytes for part in parts]),
    )


def _sum_of_known(amounts: list[int | None]) -> int | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if len(known) == len(amounts) else None


def _read(process: ProcessDir) -> tuple[bytes, bool]:
    path = f"{process.path}/smaps"
    chunks: list[bytes] = []
    size = 0
    try:
        fd = os.open("smaps", _FLAGS, dir_fd=process.fd)
        try:
            with reading(path):
                while size < READ_LIMIT and (chunk := os.read(fd, min(1 << 16, READ_LIMIT - size))):
                    chunks.append(chunk)
                    size += len(chunk)
        finally:
            os.close(fd)
    except OSError as error:
        raise read_error(path, error) from error
    data = b"".join(chunks)
    files.tell(path, data)
    return data, size < READ_LIMIT
