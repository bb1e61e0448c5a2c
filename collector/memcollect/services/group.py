"""Processes put together by service, so that their sums and what is left over come to the whole. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from memcollect.documents.snapshot import Container, Pod, Service
from memcollect.services.price import Price, kernel_bytes, price_of
from memcollect.services.table import Entry
from memcollect_agent.wire import Process, ProcessSums

OTHER = "other"
UNLISTED = "unlisted"
AMOUNTS = ("pss_bytes", "pss_anon_bytes", "pss_file_bytes", "pss_shmem_bytes")


def with_services(pod: Pod, table: Sequence[Entry]) -> Pod:
    """Return the pod with its containers' listed processes by service; containers without any as they are."""
    containers = [_with_services(each, table) for each in pod.containers]
    return msgspec.structs.replace(pod, containers=containers)


def _with_services(container: Container, table: Sequence[Entry]) -> Container:
    if not container.processes or container.role == "pause":
        return container
    cgroup = container.cgroup
    kernel = kernel_bytes(cgroup.stat, cgroup.current_bytes) if cgroup is not None else None
    services = group(container.processes, container.sums, table, kernel)
    return msgspec.structs.replace(container, services=services)


def group(
    processes: Sequence[Process],
    sums: ProcessSums | None,
    table: Sequence[Entry],
    kernel: int | None = None,
) -> list[Service]:
    """Return the services, the largest first, then "other" and "unlisted".

    "other": no entry matches. "unlisted": what the sums hold beyond the processes that are listed. `kernel`:
    bytes of the container that may be any service's; None: not known, and so is the upper end of each price.
    """
    members: dict[str, list[Process]] = {}
    by_pid = {each.pid: each for each in processes}
    for process in processes:
        members.setdefault(_service_of(process, by_pid, table), []).append(process)
    other = members.pop(OTHER, [])
    switches = {entry.name: entry.switch for entry in reversed(table) if entry.switch}
    is_whole = sums is None or sums.read <= sum(not each.skipped for each in processes)
    services = [
        _priced(
            _added(name, group_),
            price_of(group_, _beside(group_, processes) if is_whole else None),
            switches.get(name, ""),
            kernel if is_whole else None,
        )
        for name, group_ in members.items()
    ]
    services.sort(key=lambda each: -(each.pss_bytes or 0))
    if other:
        services.append(_added(OTHER, other))
    rest = _unlisted(processes, sums)
    return [*services, rest] if rest else services


def _service_of(process: Process, by_pid: dict[int, Process], table: Sequence[Entry]) -> str:
    own = _entry(process, table)
    if own is not None:
        return own.name
    seen = {process.pid}
    parent = by_pid.get(process.ppid)
    while parent is not None and parent.pid not in seen:
        entry = _entry(parent, table)
        if entry is not None:
            return OTHER if entry.supervises else entry.name
        seen.add(parent.pid)
        parent = by_pid.get(parent.ppid)
    return OTHER


def _entry(process: Process, table: Sequence[Entry]) -> Entry | None:
    words = (process.command or "").split()
    programs = {_base(name) for name in (words[0] if words else process.comm, process.exe) if name}
    arguments = {*words[1:], *map(_base, words[1:])}
    for entry in table:
        if _any(programs, entry.programs) or _any(arguments, entry.words):
            return entry
    return None


def _any(names: set[str], patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)


def _base(path: str) -> str:
    return path.removesuffix(" (deleted)").rstrip(":").rsplit("/", 1)[-1]


def _beside(some: Sequence[Process], processes: Sequence[Process]) -> list[Process]:
    pids = {each.pid for each in some}
    return [each for each in processes if each.pid not in pids]


def _added(name: str, processes: Sequence[Process]) -> Service:
    sizes: dict[str, Any] = {key: _counted(processes, key) for key in AMOUNTS}
    return Service(name=name, processes=len(processes), **sizes)


def _priced(service: Service, price: Price | None, switch: str, kernel: int | None) -> Service:
    return msgspec.structs.replace(
        service,
        saves_low_bytes=price.low_bytes if price else None,
        saves_high_bytes=price.high_bytes + kernel if price and kernel is not None else None,
        saves_kernel_bytes=kernel if price else None,
        switch=switch,
    )


def _unlisted(processes: Sequence[Process], sums: ProcessSums | None) -> Service | None:
    read = sum(not each.skipped for each in processes)
    if sums is None or sums.read <= read:
        return None
    rest: dict[str, Any] = {}
    for key in AMOUNTS:
        whole, listed = getattr(sums, key), _counted([each for each in processes if not each.skipped], key)
        rest[key] = None if whole is None or listed is None else max(0, whole - listed)
    return Service(name=UNLISTED, processes=sums.read - read, **rest)


def _counted(processes: Sequence[Process], key: str) -> int | None:
    """Return the sum in which an address space that several share counts once, as in ProcessSums."""
    return _sum([getattr(each, key) for each in processes if each.shares_with is None])


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
