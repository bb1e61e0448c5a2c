"""Finding the pods, containers and services of a cgroup tree by the shape of their paths."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from msgspec import Struct

from memcollect_agent import pods
from memcollect_agent.errors import AgentError, GoneError
from memcollect_agent.read import cgroupfs
from memcollect_agent.read.cgroupfs import CgroupDir
from memcollect_agent.redact import visible
from memcollect_agent.sandbox.places import SandboxPlace, in_kata_overhead, sandbox_at
from memcollect_agent.wire import Problem


class Found(Struct, frozen=True, kw_only=True):
    """A cgroup that was asked for. At most one of `pod`, `unit`, `sandbox` and `is_pods_parent` is set.

    None of them: a cgroup of no known shape, which only its processes can tell to be a sandbox's.
    """

    path: str
    pod: pods.PodPlace | None = None
    unit: pods.UnitPlace | None = None
    sandbox: SandboxPlace | None = None
    is_pods_parent: bool = False
    """Whether a kubelet puts all its pods into it."""


class Finder:
    """One walk over a tree. `problems` tells what could not be looked into."""

    def __init__(
        self,
        pod_uids: list[str] | None,
        unit_patterns: list[str] | None,
        *,
        sandboxes: bool = False,
        pods_parents: bool = False,
    ) -> None:
        """Look for pods (None: all), units by pattern, `sandboxes` without a Pod, and cgroups of all pods.

        What runtimes put beside a pod (SandboxPlace.is_overhead) is always found.
        """
        self._sandboxes = sandboxes
        self._pods_parents = pods_parents
        self.other_ids: set[str] = set()
        """Ids of the cgroups below pods that were not asked for; with `sandboxes` alone."""
        self._uids = None if pod_uids is None else {_normal(uid) for uid in pod_uids}
        self._asked = list(pod_uids or [])
        self._patterns = list(unit_patterns or [])
        self._found_uids: set[str] = set()
        self._matched: set[str] = set()
        self._visited = 0
        self.problems: list[Problem] = []

    def find(self, top: CgroupDir) -> Iterator[Found]:
        """Yield what was asked for below `top`, in the order of the paths.

        Below a pod nothing more is looked for: whatever a pod's container nests belongs to that pod.
        """
        try:
            names = top.children()
        except GoneError:
            return
        except AgentError as error:
            self._problem(top.path, "unreadable", str(error))
            return
        for name in names:
            if self._visited >= cgroupfs.MAX_CGROUPS:
                self._problem(
                    top.path, "budget", f"more than {cgroupfs.MAX_CGROUPS} cgroups: the rest was not visited"
                )
                return
            self._visited += 1
            try:
                child = top.child(name)
            except GoneError:
                continue
            except AgentError as error:
                self._problem(f"{top.path.rstrip('/')}/{name}", "unreadable", str(error))
                continue
            with child:
                yield from self._at(child)

    def not_found(self) -> list[Problem]:
        """Return a problem for every uid and pattern that nothing answered to."""
        pods_missing = [
            Problem(
                kind="pod",
                name=visible(uid),
                reason="not-found",
                detail=f"no cgroup of pod {visible(uid)} is on this node: it is gone, was not started yet, "
                "or runs elsewhere",
            )
            for uid in self._asked
            if _normal(uid) not in self._found_uids
        ]
        units_missing = [
            Problem(
                kind="request",
                name=visible(pattern),
                reason="not-found",
                detail=f"no container or service of this machine matches {visible(pattern)}",
            )
            for pattern in self._patterns
            if pattern not in self._matched
        ]
        return pods_missing + units_missing

    def _at(self, directory: CgroupDir) -> Iterator[Found]:
        if self._pods_parents and pods.is_parent_of_pods(directory.path):
            yield Found(path=directory.path, is_pods_parent=True)
        in_overhead = in_kata_overhead(directory.path)
        if not in_overhead and (pod := pods.pod_at(directory.path)):
            if self._uids is None or _normal(pod.uid) in self._uids:
                self._found_uids.add(_normal(pod.uid))
                yield Found(path=directory.path, pod=pod)
            elif self._sandboxes:
                self._note_ids(directory)
            return
        if (sandbox := sandbox_at(directory.path)) and (sandbox.is_overhead or self._sandboxes):
            yield Found(path=directory.path, sandbox=sandbox)
            return
        unit = pods.unit_at(directory.path) if self._patterns or self._sandboxes else None
        if unit and self._patterns and self._matches(unit, directory.path):
            yield Found(path=directory.path, unit=unit)
        elif unit is None and self._sandboxes and not in_overhead:
            yield Found(path=directory.path)
        if directory.depth < cgroupfs.MAX_DEPTH:
            yield from self.find(directory)
        elif directory.children():
            detail = f"deeper than {cgroupfs.MAX_DEPTH} levels: what is below was not visited"
            self._problem(directory.path, "unsupported", detail)

    def _note_ids(self, pod: CgroupDir) -> None:
        try:
            names = pod.children()
        except AgentError:
            return
        self.other_ids |= {id_ for name in names if (id_ := pods.container_at(name).id)}

    def _matches(self, unit: pods.UnitPlace, path: str) -> bool:
        last = path.rsplit("/", 1)[-1]
        hits = {
            pattern
            for pattern in self._patterns
            if any(fnmatchcase(name, pattern) for name in (unit.name, last, f"{unit.runtime}-{unit.name}"))
        }
        self._matched |= hits
        return bool(hits)

    def _problem(self, name: str, reason: str, detail: str) -> None:
        self.problems.append(Problem(kind="node", name=visible(name), reason=reason, detail=visible(detail)))


def _normal(uid: str) -> str:
    return uid.lower().replace("_", "-")
