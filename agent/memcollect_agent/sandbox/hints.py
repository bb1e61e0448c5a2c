"""Which processes of a cgroup belong to a sandbox runtime.

An ordinary pod is told by its cgroups alone and costs nothing here: one pause container of one process,
and processes in every other. Of any other pod a few processes of each cgroup are looked at by name, and
only those that hold a guest's memory by their mappings.
"""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from memcollect_agent.errors import AgentError, GoneError
from memcollect_agent.read.procfs import ProcessDir, ProcFs
from memcollect_agent.redact import visible
from memcollect_agent.sandbox.kinds import HOLDERS, VISITORS, Recognised, is_known, recognise, sandbox_id
from memcollect_agent.sandbox.regions import read_regions
from memcollect_agent.wire import Container, Hint, Region

MOST_LOOKED_AT = 24
"""Processes of one cgroup whose names are read; a Sentry's stubs may be hundreds, and come after it."""

MOST_MAPPED = 6
"""Processes of one cgroup whose mappings are read: a Sentry and a few stubs, or a VMM and its helpers."""

Budgeted = Callable[[], bool]
"""Whether the time for processes is used up."""


def looks_ordinary(containers: Sequence[Container], own_processes: int) -> bool:
    """Return whether the cgroups are those of an ordinary pod: nothing below it is a sandbox runtime's."""
    if own_processes or not containers:
        return False
    apps = [each for each in containers if each.role == "container"]
    pauses = [each for each in containers if each.role == "pause"]
    others = [each for each in containers if each.role == "unknown"]
    # Without a pause process the one container may be the sandbox's own: CRI-O's pods that share no
    # namespace have none either, and pay for a look at their names.
    return not others and len(pauses) == 1 and bool(apps) and all(each.sums.listed for each in apps)


def find_hints(
    proc: ProcFs,
    pids: Iterable[int],
    late: Budgeted,
    ceiling_bytes: int,
    stop: Budgeted = lambda: False,
) -> list[Hint]:
    """Return the processes among the first of `pids` that belong to a sandbox runtime.

    One that has ended meanwhile, or whose names are refused, is none. The mappings of one above the ceiling
    (RSS in bytes) are not read, nor any once `late` says so; the hint then says why. Once `stop` says so not
    even names are read.
    """
    hints: list[Hint] = []
    for count, pid in enumerate(pids):
        if count >= MOST_LOOKED_AT or stop():
            break
        try:
            with proc.process(pid) as process:
                enough = sum(bool(each.regions) for each in hints) >= MOST_MAPPED
                hint = _hint(process, _Reading(late, ceiling_bytes, enough), hints)
        except AgentError:
            continue
        if hint is not None:
            hints.append(hint)
    return hints


class _Reading(Struct, frozen=True):
    """Whether and how mappings may still be read."""

    late: Budgeted
    ceiling_bytes: int
    enough: bool


def _hint(process: ProcessDir, reading: _Reading, known: list[Hint]) -> Hint | None:
    exe = _exe(process)
    if exe and not is_known(exe):
        return None
    arguments = _arguments(process)
    recognised = recognise(process.comm(), arguments, exe)
    if recognised is None:
        return None
    parent = process.stat().ppid
    kind = _stub_or(recognised, next((each for each in known if each.pid == parent), None))
    found: list[Region] = []
    reason = ""
    if kind in HOLDERS | VISITORS:
        found, reason = _regions(process, reading)
    return Hint(
        kind=kind,
        pid=process.pid,
        program=visible(recognised.program[:64]),
        by=recognised.by,
        sandbox_id=sandbox_id(arguments),
        rss_bytes=sum(each.rss_bytes for each in found) if found and not reason else None,
        pss_bytes=sum(each.pss_bytes for each in found) if found and not reason else None,
        regions=found,
        regions_missing=reason,
    )


def _stub_or(recognised: Recognised, parent: Hint | None) -> str:
    # Systrap's stubs are forked and never start a program of their own, so they look like the Sentry
    # (pkg/sentry/platform/systrap/subprocess.go); the Sentry itself is no Sentry's child.
    is_stub = recognised.kind == "sentry" and parent is not None and parent.kind.startswith("sentry")
    return "sentry-stub" if is_stub else recognised.kind


def _regions(process: ProcessDir, reading: _Reading) -> tuple[list[Region], str]:
    if reading.enough:
        return [], f"the mappings of {MOST_MAPPED} processes beside it were read, which suffices"
    if reading.late():
        return [], "the time budget was spent before its turn"
    try:
        if (process.status().sizes.get("VmRSS") or 0) > reading.ceiling_bytes:
            return [], f"its RSS is above the ceiling of {reading.ceiling_bytes} bytes per process"
        return read_regions(process)
    except GoneError:
        return [], "it ended while it was looked at"
    except AgentError as error:
        return [], visible(f"its mappings could not be read: {error}")


def _arguments(process: ProcessDir) -> list[str]:
    try:
        return process.cmdline()
    except AgentError:
        return []


def _exe(process: ProcessDir) -> str | None:
    try:
        return process.exe()
    except AgentError:
        return None
