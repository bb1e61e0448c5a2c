"""What this machine says of itself, before `memcollect snapshot --local` is tried on it."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TypeVar

from msgspec import Struct

from memcollect_agent.errors import AgentError, DeniedError, GoneError
from memcollect_agent.read.cgroupfs import CgroupDir, CgroupFs
from memcollect_agent.read.procfs import ProcFs

MOST_TRIED = 20
"""Processes whose smaps_rollup is tried; a snapshot reads them all."""
MOST_LOOKED_AT = 2000
LARGEST_TRIED_PAGES = 16384
"""64 MiB with pages of 4 KiB: reading a larger process takes its mmap lock for a while."""
T = TypeVar("T")


class Reading(Struct, frozen=True, kw_only=True):
    """Which cgroup tree is there, and what it says."""

    version: str | None = None
    """"v2", "hybrid", "v1"; None: no cgroup tree there."""
    has_memory: bool = False
    """Whether the memory controller is on this tree."""
    stat: dict[str, int] | None = None
    """A memory.stat of the tree."""
    has_swap_files: bool = False
    """Whether cgroups have memory.swap.current."""
    pressure_problem: str | None = None
    """Why memory.pressure cannot be read; None where it can."""


class Tried(Struct, frozen=True, kw_only=True):
    """What came of reading smaps_rollup of processes of other users."""

    read: int = 0
    denied: int = 0


class LocalFacts(Struct, frozen=True, kw_only=True):
    """Everything the checks of a machine judge."""

    cgroup_root: str
    proc_root: str
    user_id: int
    """Effective; 0 is root."""
    cgroups: Reading
    tried: Tried | None = None
    """None where there is no /proc to read."""
    swap_devices: int | None = None
    swap_total_bytes: int | None = None
    swap_free_bytes: int | None = None
    kernel: str | None = None
    system: str = ""
    """This machine's operating system and what it is like, by os-release(5); empty: it does not say."""


def local_facts(
    cgroup_root: str = "/sys/fs/cgroup", proc_root: str = "/proc", user_id: int | None = None
) -> LocalFacts:
    """Return what can be known of this machine; raises nothing for what cannot."""
    me = os.geteuid() if user_id is None else user_id
    cgroups = _known(lambda: _reading(CgroupFs(cgroup_root))) or Reading()
    try:
        proc = ProcFs(proc_root)
    except AgentError:
        return LocalFacts(
            cgroup_root=cgroup_root, proc_root=proc_root, user_id=me, cgroups=cgroups, system=_system()
        )
    with proc:
        meminfo = _known(proc.meminfo) or {}
        return LocalFacts(
            cgroup_root=cgroup_root,
            proc_root=proc_root,
            user_id=me,
            cgroups=cgroups,
            tried=_tried(proc, me),
            swap_devices=_known(proc.swap_devices),
            swap_total_bytes=meminfo.get("SwapTotal"),
            swap_free_bytes=meminfo.get("SwapFree"),
            kernel=_known(proc.kernel_release),
            system=_system(),
        )


def _system() -> str:
    try:
        told = platform.freedesktop_os_release()
    except OSError:
        return ""
    return " ".join(told.get(key, "") for key in ("NAME", "ID", "ID_LIKE")).strip()


def _known(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except AgentError:
        return None


def _reading(cgroups: CgroupFs) -> Reading:
    version = cgroups.version()
    if version != "v2":
        return Reading(version=version)
    with cgroups.open() as top:
        measured = next(_with_memory(top), None)
        if measured is None:
            return Reading(version=version, has_memory="memory" in top.read_controllers())
        with measured:
            return Reading(
                version=version,
                has_memory=True,
                stat=_known(measured.read_stat),
                has_swap_files=measured.has("memory.swap.current"),
                pressure_problem=_pressure_problem(measured),
            )


def _with_memory(top: CgroupDir) -> Iterator[CgroupDir]:
    """Yield the children that have the controller's files; the root itself has only a few of them."""
    for name in top.children():
        child = _known(lambda name=name: top.child(name))  # type: ignore[misc]  # bound now
        if child is None:
            continue
        if _known(lambda child=child: child.has("memory.current")):  # type: ignore[misc]  # bound now
            yield child
        else:
            child.close()


def _pressure_problem(cgroup: CgroupDir) -> str | None:
    try:
        cgroup.read_pressure()
    except AgentError as error:
        return str(error)
    return None


def _tried(proc: ProcFs, me: int) -> Tried:
    outcomes = list(islice(_outcomes(proc, me), MOST_TRIED))
    return Tried(read=sum(outcomes), denied=len(outcomes) - sum(outcomes))


def _outcomes(proc: ProcFs, me: int) -> Iterator[bool]:
    """Yield for each process of another user whether its smaps_rollup could be read."""
    for pid in (_known(proc.pids) or [])[:MOST_LOOKED_AT]:
        try:
            with proc.process(pid) as process:
                if os.fstat(process.fd).st_uid == me or process.stat().rss_pages > LARGEST_TRIED_PAGES:
                    continue
                process.smaps_rollup()
                yield True
        except DeniedError:
            yield False
        except GoneError:
            # Ended meanwhile, or a kernel thread, which has no memory map.
            continue
        except AgentError:
            continue
