"""What every document says of itself, and how an agent's problem becomes an entry of `missing`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from memcollect.documents.snapshot import Missing, Pod, Scope
from memcollect_agent import wire
from memcollect_agent.pods import pod_at

REMEDIES = {
    "denied": "run as root, or give the agent SYS_PTRACE",
    "budget": "raise --timeout",
    "ceiling": "raise --process-ceiling",
    "not-found": "check that it runs on this node",
}
_SAYS_ITSELF = re.compile("SYS_PTRACE|--timeout|--process-ceiling")
"""An agent's sentence that names the remedy needs it no second time."""


@dataclass(frozen=True, kw_only=True)
class Capture:
    """When, by what and for whom a document was taken."""

    label: str
    captured_at: str
    finished_at: str
    version: str = ""
    scope: Scope = field(default_factory=Scope)
    notes: list[str] = field(default_factory=list)


def missing_from_problem(problem: wire.Problem, node: str) -> Missing:
    """Return a problem that an agent reported, as the document lists it, with the remedy in its sentence."""
    return Missing(
        kind=problem.kind,
        name=problem.name,
        node=node,
        reason=problem.reason,
        detail=_with_remedy(problem.detail, problem.reason),
    )


def missing_of_node(problems: Iterable[wire.Problem], rows: Sequence[Pod], node: str) -> list[Missing]:
    """Return what a node's agent reported, by the pods' names where it names a cgroup or a UID.

    Of one pod's processes each reason is one entry; what is the same of all pods, reports can say once.
    """
    sums = _sums_by_path(rows)
    names = _Names(rows)
    told = [_of_processes(each, sums, node) or names.missing(each, node) for each in problems]
    merged: dict[tuple[str, str, str, str], Missing] = {}
    for each in told:
        key = (each.kind, each.name, each.reason, each.detail)
        merged[key] = _together(merged[key], each) if key in merged else each
    return list(merged.values())


def _with_remedy(detail: str, reason: str) -> str:
    remedy = REMEDIES.get(reason)
    return f"{detail}; {remedy}" if remedy and not _SAYS_ITSELF.search(detail) else detail


class _Names:
    """What people call the cgroups and UIDs of a node's pods."""

    def __init__(self, rows: Sequence[Pod]) -> None:
        self._by_uid = {row.uid: row.full_name for row in rows if row.kind == "pod"}
        self._by_path: dict[str, str] = {}
        for row in rows:
            if row.cgroup is not None:
                self._by_path[row.cgroup.path] = row.full_name
            inside = ((each.cgroup, f"{row.full_name}/{each.name}") for each in row.containers)
            self._by_path |= {cgroup.path: name for cgroup, name in inside if cgroup is not None}

    def missing(self, problem: wire.Problem, node: str) -> Missing:
        """Return the problem as the document lists it; what is of no pod that is known keeps its name."""
        known = (problem.name, *_upwards(problem.name))
        found = next(filter(None, map(self._of, known)), "")
        told = missing_from_problem(problem, node)
        return msgspec.structs.replace(told, name=found) if found else told

    def _of(self, path: str) -> str | None:
        """Return the name of a cgroup, or of a UID."""
        place = pod_at(path)
        return self._by_path.get(path) or self._by_uid.get(place.uid if place is not None else path)


def _upwards(path: str) -> Iterator[str]:
    """Yield the path of a cgroup and of those it is in; nothing for what is no path."""
    while "/" in path:
        yield path
        path = path.rpartition("/")[0]


def _sums_by_path(rows: Sequence[Pod]) -> dict[str, tuple[str, wire.ProcessSums]]:
    """Return the pod's name and the processes of each cgroup that has any."""
    found: dict[str, tuple[str, wire.ProcessSums]] = {}
    for row in rows:
        cgroups = [(row.cgroup, row.own_sums), *((each.cgroup, each.sums) for each in row.containers)]
        for cgroup, sums in cgroups:
            if cgroup is not None and sums is not None:
                found.setdefault(cgroup.path, (row.full_name, sums))
    return found


def _of_processes(
    problem: wire.Problem, by_path: Mapping[str, tuple[str, wire.ProcessSums]], node: str
) -> Missing | None:
    """Return the entry of a cgroup's unread processes; None where the problem is another."""
    if problem.kind != "process" or problem.name not in by_path:
        return None
    name, sums = by_path[problem.name]
    of_reason = [each for each in sums.skipped if each.reason == problem.reason]
    if not of_reason:
        return None
    detail = _with_remedy(of_reason[0].detail or problem.detail, problem.reason)
    return Missing(
        kind="process", name=name, node=node, reason=problem.reason, detail=detail, processes=len(of_reason)
    )


def _together(one: Missing, other: Missing) -> Missing:
    return msgspec.structs.replace(one, processes=(one.processes or 0) + (other.processes or 0) or None)
