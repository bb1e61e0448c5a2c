"""The cgroup tree -> NodeReading: every pod's memory files, back to back, and nothing of its processes.

The one exception is a cgroup so small that it may be a pause container's: its list of processes, and the
name of the only one in it, tell, exactly as they do in a sample.
"""

import os

from msgspec import Struct

from memcollect_agent import pods
from memcollect_agent.errors import AgentError, DeniedError, GoneError
from memcollect_agent.measure.cgroup import CgroupReading
from memcollect_agent.measure.discover import Finder, Found
from memcollect_agent.measure.pod import PAUSE_CHARGE_BYTES, role_of
from memcollect_agent.measure.processes import Budget, Processes, Tally, Wanted
from memcollect_agent.measure.sample import Roots, require_cgroup_v2
from memcollect_agent.measure.tree import read_tree
from memcollect_agent.metrics.parts import parts_of
from memcollect_agent.metrics.readings import ContainerReading, LeftOut, NodeReading, PodReading
from memcollect_agent.metrics.whole import WholeNode, whole_node
from memcollect_agent.read.cgroupfs import CgroupDir, CgroupFs
from memcollect_agent.read.procfs import ProcFs
from memcollect_agent.redact import visible
from memcollect_agent.wire import Problem

MAX_NAME = 64
"""Characters of the name of a cgroup of unknown shape; a container's id has as many."""
MAX_PROBLEMS = 100


class Limits(Struct, frozen=True, kw_only=True):
    """How much one look may find, and how long it may take."""

    max_containers: int = 1000
    """Nine times 110 pods, a kubelet's default; the first in the order of the paths, so they stay."""
    seconds: float = 5.0


def read_node(roots: Roots, limits: Limits | None = None) -> NodeReading:
    """Return what the node's cgroups say now. Whatever cannot be read is a problem in the reading."""
    try:
        with ProcFs(roots.proc) as proc:
            require_cgroup_v2(CgroupFs(roots.cgroup))
            return _Look(CgroupFs(roots.cgroup), proc, limits or Limits()).run()
    except AgentError as error:
        return unreadable(roots, error)


def unreadable(roots: Roots, error: AgentError) -> NodeReading:
    """Return what is told of a node that cannot be read at all."""
    return NodeReading(readable=False, problems=[_problem("node", roots.cgroup, error)])


class _Look:
    def __init__(self, cgroups: CgroupFs, proc: ProcFs, limits: Limits) -> None:
        self._cgroups = cgroups
        self._proc = proc
        self._limits = limits
        self._budget = Budget(limits.seconds)
        # No PSS and no budget of their own: at most a name is wanted of them.
        self._processes = Processes(proc, Wanted(sums=False), Budget(limits.seconds), None)
        self._left_out = LeftOut()
        self._containers = 0
        self._full = False
        self._vanished = 0
        self._problems: list[Problem] = []

    def run(self) -> NodeReading:
        finder = Finder(None, None)
        with self._cgroups.open() as top:
            places = [found for found in finder.find(top) if found.pod]
        found = {place.path: self._pod(place) for place in places}
        return NodeReading(
            readable=True,
            pods=[pod for pod in found.values() if pod is not None],
            left_out=self._left_out,
            vanished=self._vanished,
            whole=self._whole(),
            problems=(finder.problems + self._problems)[:MAX_PROBLEMS],
        )

    def _whole(self) -> WholeNode | None:
        try:
            page_size = os.sysconf("SC_PAGE_SIZE")
            late = self._budget.spent
            return whole_node(read_tree(self._proc, self._cgroups, page_size, late, charges_alone=True))
        except AgentError as error:
            self._problems.append(_problem("node", "/", error))
            return None

    def _pod(self, place: Found) -> PodReading | None:
        if self._budget.spent():
            self._left_out.add("budget")
            return None
        try:
            with self._cgroups.open(place.path) as directory:
                names = directory.children()
                # Whole pods only, and none after the first that did not fit: sums over what is shown are
                # never of a part of a pod, and the same pods are shown at every scrape.
                self._full = self._full or self._containers + len(names) > self._limits.max_containers
                if self._full:
                    self._left_out.add("ceiling", len(names))
                    return None
                self._containers += len(names)
                return self._read_pod(place, directory, names)
        except GoneError:
            self._vanished += 1
        except AgentError as error:
            self._left_out.add("unreadable")
            self._problems.append(_problem("pod", place.path, error))
        return None

    def _read_pod(self, place: Found, directory: CgroupDir, names: list[str]) -> PodReading:
        assert place.pod is not None  # noqa: S101 - run() asked for pods alone
        reading = CgroupReading(directory)
        reading.begin()
        children: dict[str, ContainerReading] = {}
        unread = 0
        for name in names:
            try:
                child = self._child(directory, name)
            except GoneError:
                self._vanished += 1
                continue
            except AgentError as error:
                unread += 1
                self._problems.append(_problem("container", f"{directory.path}/{name}", error))
                continue
            if child.id in children:
                unread += 1
                self._left_out.containers["duplicate"] = self._left_out.containers.get("duplicate", 0) + 1
            else:
                children[child.id] = child
        cgroup = reading.result()
        parts = parts_of(cgroup.stat, cgroup.current_bytes)
        return PodReading(
            uid=visible(place.pod.uid),
            qos_class=place.pod.qos_class,
            current=parts.current,
            working_set=parts.working_set,
            lasting=parts.lasting,
            limit=self._limit(directory, "pod"),
            dying_cgroups=self._counts(directory, "cgroup.stat").get("nr_dying_descendants"),
            oom_kills=self._counts(directory, "memory.events").get("oom_kill"),
            containers=list(children.values()),
            unread_containers=unread,
        )

    def _child(self, pod: CgroupDir, name: str) -> ContainerReading:
        place = pods.container_at(name)
        with pod.child(name) as directory:
            reading = CgroupReading(directory)
            reading.begin()
            cgroup = reading.result()
            return ContainerReading(
                id=place.id or visible(name)[:MAX_NAME],
                role=self._role(place, directory, cgroup.current_bytes),
                inode=cgroup.inode,
                parts=parts_of(cgroup.stat, cgroup.current_bytes),
                swap=self._number(directory, "memory.swap.current"),
                limit=self._limit(directory, "container"),
            )

    def _role(self, place: pods.ContainerPlace, directory: CgroupDir, charge: int | None) -> str:
        if charge is None or charge >= PAUSE_CHARGE_BYTES:
            return role_of(place, charge, Tally(0, 0))
        try:
            pids = directory.read_procs()
        except AgentError:
            pids = []
        tally = self._processes.read(dict.fromkeys(pids), set()) if len(pids) == 1 else Tally(len(pids), 0)
        return role_of(place, charge, tally)

    def _counts(self, directory: CgroupDir, name: str) -> dict[str, int]:
        try:
            return directory.read_counts(name) if directory.has(name) else {}
        except AgentError as error:
            self._note("pod", directory.path, error)
            return {}

    def _limit(self, directory: CgroupDir, kind: str) -> int | None:
        try:
            limit = directory.read_limit("memory.max") if directory.has("memory.max") else None
        except AgentError as error:
            self._note(kind, directory.path, error)
            return None
        return limit if isinstance(limit, int) else None

    def _number(self, directory: CgroupDir, name: str) -> int | None:
        try:
            return directory.read_number(name) if directory.has(name) else None
        except AgentError as error:
            self._note("container", directory.path, error)
            return None

    def _note(self, kind: str, path: str, error: AgentError) -> None:
        if not isinstance(error, GoneError):
            self._problems.append(_problem(kind, path, error))


def _problem(kind: str, path: str, error: AgentError) -> Problem:
    reason = "denied" if isinstance(error, DeniedError) else "unreadable"
    return Problem(kind=kind, name=visible(path), reason=reason, detail=visible(str(error))[:300])
