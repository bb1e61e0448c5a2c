"""Finding the pods, containers and services of a cgroup tree by the shape of their paths."""

from collections import Counter
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase

import msgspec
from msgspec import Struct

from memcollect_agent import pods
from memcollect_agent.errors import AgentError, GoneError
from memcollect_agent.read import cgroupfs
from memcollect_agent.read.cgroupfs import CgroupDir
from memcollect_agent.redact import visible
from memcollect_agent.sandbox.places import SandboxPlace, in_kata_overhead, sandbox_at
from memcollect_agent.wire import Problem


class Found(Struct, frozen=True, kw_only=True):
    """A cgroup that was asked for. At most one of `pod`, `stray`, `unit`, `sandbox`, `is_pods_parent` is set.

    None of them: a cgroup of no known shape, which only its processes can tell to be a sandbox's.
    """

    path: str
    pod: pods.PodPlace | None = None
    stray: pods.ContainerPlace | None = None
    """A container of a pod that was asked for, outside of that pod's own cgroup."""
    unit: pods.UnitPlace | None = None
    sandbox: SandboxPlace | None = None
    is_pods_parent: bool = False
    """Whether a kubelet puts all its pods into it."""
    within: str = ""
    """The path of the pod's cgroup around it."""
    twins: list[str] = []
    """Paths of further cgroups of the same pod's UID."""


class Finder:
    """One walk over a tree. `problems` tells what could not be looked into."""

    def __init__(  # noqa: PLR0913 - what may be asked for, all of it named
        self,
        pod_uids: list[str] | None,
        unit_patterns: list[str] | None,
        *,
        container_ids: list[str] | None = None,
        nested: bool = False,
        sandboxes: bool = False,
        pods_parents: bool = False,
        late: Callable[[], bool] = lambda: False,
    ) -> None:
        """Look for pods (None: all), their containers by id, units by pattern, sandboxes, pods' parents.

        What runtimes put beside a pod (SandboxPlace.is_overhead) is always found. Inside of pods is looked
        only for what was asked for by name and is nowhere else, or with `nested`. Ends when it is `late`.
        """
        self._sandboxes = sandboxes
        self._pods_parents = pods_parents
        self._nested = nested
        self.other_ids: set[str] = set()
        """Ids of the containers of pods that were not asked for; with `sandboxes` alone."""
        self.loose: list[Found] = []
        """Containers outside of every pod, by the shape of their paths."""
        self._uids = None if pod_uids is None else {_normal(uid) for uid in pod_uids}
        self._ids = set(container_ids or ())
        self._asked = list(pod_uids or [])
        self._patterns = list(unit_patterns or [])
        self._found_uids: set[str] = set()
        self._matched: set[str] = set()
        self._pod_paths: list[str] = []
        self._ids_of: dict[str, set[str]] = {}
        """Ids of the containers directly below each pod that was asked for, by its path."""
        self._within = ""
        self._visited = 0
        self._late = late
        self._cut = ""
        self._cut_reason = ""
        """Why the walk ended before its end; "" where it did not."""
        self.problems: list[Problem] = []

    def find(self, top: CgroupDir) -> list[Found]:
        """Return what was asked for below `top`, in the order of the paths."""
        found = [*self._below(top)]
        if self._nested or self._is_left(found):
            found += self._inside_pods(top.root)
        at_home: set[str] = set().union(*self._ids_of.values())
        found = [each for each in found if each.stray is None or each.stray.id not in at_home]
        return one_of_each(found, self._ids, self._ids_of, self._pod_paths)

    def _is_left(self, found: list[Found]) -> bool:
        """Return whether a pod or a container that was named was not found yet."""
        known = set().union(*self._ids_of.values(), (each.stray.id for each in found if each.stray))
        return bool((self._uids or set()) - self._found_uids or self._ids - known)

    def _inside_pods(self, root: str) -> list[Found]:
        found = []
        for path in list(self._pod_paths):
            try:
                with cgroupfs.CgroupFs(root).open(path) as pod:
                    self._within = path
                    found += [each for each in self._below(pod) if each.pod or each.stray]
            except AgentError:
                # It has ended, or was a problem already when it was found.
                continue
        self._within = ""
        return found

    def _below(self, top: CgroupDir) -> Iterator[Found]:
        """Yield what was asked for below `top`, and nothing below a pod: what a pod nests is that pod's."""
        try:
            names = top.children()
        except GoneError:
            return
        except AgentError as error:
            self._problem(top.path, "unreadable", str(error))
            return
        for name in names:
            if self._is_cut(top):
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

    def _is_cut(self, top: CgroupDir) -> bool:
        """Return whether no further cgroup may be visited; the first time, note why."""
        if self._cut:
            return True
        if self._visited >= cgroupfs.MAX_CGROUPS:
            self._cut_reason = "unsupported"
            self._cut = f"more than {cgroupfs.MAX_CGROUPS} cgroups: the rest was not visited"
        elif self._late():
            self._cut_reason = "budget"
            self._cut = f"the time budget was spent after {self._visited} cgroups: the rest was not visited"
        if self._cut:
            self._problem(top.path, self._cut_reason, self._cut)
        return bool(self._cut)

    def not_found(self) -> list[Problem]:
        """Return a problem for every uid and pattern that nothing answered to."""
        pods_missing = [
            Problem(
                kind="pod",
                name=visible(uid),
                reason=self._cut_reason or "not-found",
                detail=self._cut
                or f"no cgroup of pod {visible(uid)} is on this node: it is gone, was not started yet, "
                "or runs elsewhere",
            )
            for uid in self._asked
            if _normal(uid) not in self._found_uids
        ]
        units_missing = [
            Problem(
                kind="request",
                name=visible(pattern),
                reason=self._cut_reason or "not-found",
                detail=self._cut or f"no container or service of this machine matches {visible(pattern)}",
            )
            for pattern in self._patterns
            if pattern not in self._matched
        ]
        return pods_missing + units_missing

    def _at(self, directory: CgroupDir) -> Iterator[Found]:
        path = directory.path
        if self._pods_parents and pods.is_parent_of_pods(path):
            yield Found(path=path, is_pods_parent=True)
        in_overhead = in_kata_overhead(path)
        if not in_overhead and (pod := pods.pod_at(path)):
            yield from self._pod(pod, directory)
            return
        place = pods.container_at(path.rsplit("/", 1)[-1])
        if not in_overhead and self._is_wanted(place):
            if place.pod_uid:
                self._found_uids.add(_normal(place.pod_uid))
            yield Found(path=path, stray=place, within=self._within)
            return
        if self._sandboxes and not in_overhead and place.pod_uid and place.id:
            self.other_ids.add(place.id)
        if (sandbox := sandbox_at(path)) and (sandbox.is_overhead or self._sandboxes):
            yield Found(path=path, sandbox=sandbox)
            return
        yield from self._unit(directory, in_overhead=in_overhead)
        if directory.depth < cgroupfs.MAX_DEPTH:
            yield from self._below(directory)
        elif directory.children():
            detail = f"deeper than {cgroupfs.MAX_DEPTH} levels: what is below was not visited"
            self._problem(path, "unsupported", detail)

    def _unit(self, directory: CgroupDir, *, in_overhead: bool) -> Iterator[Found]:
        unit = pods.unit_at(directory.path)
        if unit and unit.kind == "container" and not self._within:
            self.loose.append(Found(path=directory.path, unit=unit))
        if unit and self._patterns and self._matches(unit, directory.path):
            yield Found(path=directory.path, unit=unit)
        elif unit is None and self._sandboxes and not in_overhead:
            yield Found(path=directory.path)

    def _pod(self, pod: pods.PodPlace, directory: CgroupDir) -> Iterator[Found]:
        uid = _normal(pod.uid)
        found = Found(path=directory.path, pod=pod, within=self._within)
        if not self._within:
            self._pod_paths.append(directory.path)
        if self._uids is not None and uid not in self._uids:
            if self._sandboxes:
                self.other_ids |= _ids_below(directory)
            return
        if not self._within or uid not in self._found_uids:
            if self._ids:
                self._ids_of[directory.path] = _ids_below(directory)
            self._found_uids.add(uid)
            yield found

    def _is_wanted(self, place: pods.ContainerPlace) -> bool:
        if place.role != "container" or place.id is None:
            return False
        uid = _normal(place.pod_uid) if place.pod_uid else None
        return place.id in self._ids or (uid is not None and (self._uids is None or uid in self._uids))

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


def one_of_each(
    found: list[Found], wanted_ids: set[str], ids_of: dict[str, set[str]], pod_paths: list[str]
) -> list[Found]:
    """Return `found` with one cgroup for each pod's UID and each stray's id; the others are its `twins`.

    It is the kubelet's own that stays: outside of other pods, with a container that was asked for, below
    the parent that most pods have, the least deep.
    """
    siblings = Counter(parent_of_pods(path) for path in pod_paths)

    def rank(each: Found) -> tuple[bool, bool, int, int, str]:
        has_wanted = bool(ids_of.get(each.path, set()) & wanted_ids)
        of_parent = siblings[parent_of_pods(each.path)]
        return bool(each.within), not has_wanted, -of_parent, each.path.count("/"), each.path

    by_identity: dict[tuple[str, str], list[Found]] = {}
    for each in found:
        if key := _identity(each):
            by_identity.setdefault(key, []).append(each)
    kept = []
    for each in found:
        key = _identity(each)
        same = by_identity[key] if key else [each]
        if each is not min(same, key=rank):
            continue
        twins = [other.path for other in same if other is not each]
        kept.append(msgspec.structs.replace(each, twins=twins) if twins else each)
    return kept


def _identity(found: Found) -> tuple[str, str] | None:
    if found.pod is not None:
        return "pod", _normal(found.pod.uid)
    if found.stray is not None and found.stray.id is not None:
        return "stray", found.stray.id
    return None


def parent_of_pods(path: str) -> str:
    """Return the path of the kubelet's cgroup of all pods that `path` is below."""
    parts = path.split("/")
    ends = [end for end in range(1, len(parts)) if pods.is_parent_of_pods("/".join(parts[:end]))]
    return "/".join(parts[: ends[-1]]) if ends else path.rsplit("/", 1)[0]


def _ids_below(pod: CgroupDir) -> set[str]:
    try:
        return {id_ for name in pod.children() if (id_ := pods.container_at(name).id)}
    except AgentError:
        return set()


def _normal(uid: str) -> str:
    return uid.lower().replace("_", "-")
