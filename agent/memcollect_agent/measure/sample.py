"""One request -> one wire.NodeSample: the whole measurement of a node.

What is asked for is found by the shape of cgroup paths and measured one after the other. What ends
meanwhile is normal and counted; what cannot be read is reported beside what could.
"""

import time

import msgspec
from msgspec import Struct

import memcollect_agent
from memcollect_agent.errors import AgentError, GoneError, UnsupportedError
from memcollect_agent.measure.ancestors import measure_ancestors
from memcollect_agent.measure.cgroup import CgroupReading
from memcollect_agent.measure.discover import Finder, Found
from memcollect_agent.measure.files.finder import FileFinder
from memcollect_agent.measure.loose import Loose
from memcollect_agent.measure.node import measure_node
from memcollect_agent.measure.own import Meter
from memcollect_agent.measure.pod import PodMeasurer, Sources
from memcollect_agent.measure.problems import Problems
from memcollect_agent.measure.processes import Budget
from memcollect_agent.measure.subtree import Subtrees
from memcollect_agent.measure.tree import MOST_CGROUPS, NO_ROOT_STAT, read_tree
from memcollect_agent.read.cgroupfs import CgroupDir, CgroupFs
from memcollect_agent.read.procfs import ProcFs
from memcollect_agent.redact import visible
from memcollect_agent.sandbox import HOLDERS, MOST_LOOKED_AT, find_hints, find_keepers
from memcollect_agent.wire import (
    Cgroup,
    CgroupTree,
    Container,
    Hint,
    Node,
    NodeSample,
    Pod,
    SampleRequest,
)

_NEEDED_OF_ALL = ("meminfo", "memory.stat")
"""Files without which nobody can say how much a whole node has, or its cgroups hold."""
_KEEPERS_LATE = "the time budget was spent before every process was looked at: ask for fewer pods"
_STRAY_LATE = "the time budget was spent before its turn: ask for fewer pods"
_REFUSED_FULL = (
    "this agent was not started to give whole command lines (--allow-full-commands): they are cut short"
)


class Roots(Struct, frozen=True, kw_only=True):
    """Where the three kernel file systems of the measured machine are mounted."""

    proc: str = "/proc"
    cgroup: str = "/sys/fs/cgroup"
    sys: str = "/sys"


def sample_node(
    request: SampleRequest,
    roots: Roots | None = None,
    *,
    node_name: str | None = None,
    allow_full_commands: bool = False,
) -> NodeSample:
    """Measure the node as `request` asks.

    `allow_full_commands` is the agent's own permission: without it a request for whole command lines
    gets short ones and a Problem. Raises UnsupportedError where the memory controller is not on
    cgroup v2, and ReadError where a root cannot be opened. Everything smaller is a Problem in the
    sample.
    """
    roots = roots or Roots()
    with ProcFs(roots.proc) as proc:
        return _NodeSampling(request, roots, proc, allow_full_commands=allow_full_commands).run(node_name)


def require_cgroup_v2(cgroups: CgroupFs) -> None:
    """Raise UnsupportedError with what to do where the memory controller is not on cgroup v2."""
    version = cgroups.version()
    where = cgroups.root or "/"
    if version is None:
        raise UnsupportedError(f"{where} holds no cgroup tree: name the place where cgroup v2 is mounted")
    if version != "v2":
        raise UnsupportedError(
            f"the memory controller of this machine is on cgroup v1 ({where} is {version}), and memcollect "
            "reads cgroup v2: boot with systemd.unified_cgroup_hierarchy=1, or try `memcollect demo`"
        )
    with cgroups.open() as top:
        if "memory" not in top.read_controllers():
            raise UnsupportedError(
                f"the cgroup v2 tree at {where} has no memory controller: boot with cgroup_enable=memory, "
                "or name another tree"
            )


class _NodeSampling:
    def __init__(
        self, request: SampleRequest, roots: Roots, proc: ProcFs, *, allow_full_commands: bool
    ) -> None:
        self._request = request
        self._roots = roots
        self._proc = proc
        self._full = request.full_commands and allow_full_commands
        self._cgroups = CgroupFs(roots.cgroup)
        self._budget = Budget(request.time_budget_seconds)
        self._problems = Problems()
        self._overheads: dict[str, list[Found]] = {}
        """By sandbox id; a pod that claims some takes them out."""
        self._astray: dict[str, list[str]] = {}
        self._loose = Loose([], self._cgroups, proc)
        self._files: FileFinder | None = None

    def run(self, node_name: str | None) -> NodeSample:
        sampled_at, meter = time.time(), Meter()
        require_cgroup_v2(self._cgroups)
        node = measure_node(self._proc, self._cgroups, self._roots.sys, node_name)
        if self._request.full_commands and not self._full:
            self._problems.add("request", "full_commands", "denied", _REFUSED_FULL)
        found = self._found()
        measurer = self._measurer(node)
        self._files = self._file_finder(node)
        try:
            measured = self._pods(found, measurer)
        finally:
            if self._files is not None:
                self._files.close()
        node = msgspec.structs.replace(node, ancestors=self._ancestors(found))
        return NodeSample(
            agent_version=memcollect_agent.__version__,
            sampled_at=sampled_at,
            finished_at=time.time(),
            node=node,
            pods=measured,
            strays=self._strays(found, measurer),
            pods_parents=self._parents(found) if self._request.pods_parents else None,
            keepers=self._keepers(),
            tree=self._tree(node) if self._request.tree else None,
            problems=self._problems.all,
            cost=meter.read(),
        )

    def _found(self) -> list[Found]:
        request = self._request
        finder = Finder(
            request.pod_uids,
            request.units,
            container_ids=request.container_ids,
            nested=request.nested,
            sandboxes=request.sandboxes,
            pods_parents=request.pods_parents,
            late=self._is_late,
        )
        with self._cgroups.open() as top:
            found = finder.find(top)
        self._loose = Loose(finder.loose, self._cgroups, self._proc)
        for place in found:
            if place.sandbox and place.sandbox.is_overhead:
                self._overheads.setdefault(place.sandbox.id, []).append(place)
            if place.stray and place.stray.pod_uid and place.stray.id:
                self._astray.setdefault(place.stray.pod_uid.lower(), []).append(place.stray.id)
        for claimed in finder.other_ids:
            self._overheads.pop(claimed, None)
        self._problems.all += finder.problems + finder.not_found()
        return found

    def _measurer(self, node: Node) -> PodMeasurer:
        return PodMeasurer(
            Sources(
                request=self._request,
                proc=self._proc,
                cgroups=self._cgroups,
                budget=self._budget,
                boot_time=node.boot_time,
                full_commands=self._full,
                problems=self._problems,
                overheads=self._overheads,
                astray=self._astray,
                loose=self._loose,
            )
        )

    def _pods(self, found: list[Found], measurer: PodMeasurer) -> list[Pod]:
        scopes = (place for place in found if not place.is_pods_parent and place.stray is None)
        pods_first = sorted(scopes, key=lambda place: place.pod is None)
        return [pod for place in pods_first if (pod := self._pod(place, measurer)) is not None]

    def _pod(self, place: Found, measurer: PodMeasurer) -> Pod | None:
        if place.pod is None and place.unit is None and not self._is_podless(place):
            return None
        name = place.pod.uid if place.pod else place.unit.name if place.unit else place.path
        if self._budget.spent(2.0):
            detail = (
                f"the time budget of {self._budget.seconds:g} s was spent before its turn: ask for fewer pods"
            )
            self._problems.add("pod", name, "budget", detail)
            return None
        try:
            with self._cgroups.open(place.path) as directory:
                return self._with_files(self._measured(place, measurer, directory), directory)
        except GoneError:
            self._problems.add(
                "pod", name, "gone", "its cgroup was removed while the node was being measured"
            )
        except AgentError as error:
            self._problems.add_error("pod", name, error)
        return None

    def _measured(self, place: Found, measurer: PodMeasurer, directory: CgroupDir) -> Pod:
        if place.pod:
            pod = measurer.pod(place.pod, directory)
            twins = [visible(twin) for twin in place.twins]
            return msgspec.structs.replace(pod, within=visible(place.within), twins=twins)
        if place.unit:
            return measurer.unit(place.unit, directory)
        return measurer.sandbox(place, directory)

    def _file_finder(self, node: Node) -> FileFinder | None:
        limit = self._request.file_limit
        if limit <= 0:
            return None
        return FileFinder(self._proc, limit=limit, seconds=self._budget.seconds, swaps=node.swap_devices != 0)

    def _with_files(self, pod: Pod, directory: CgroupDir) -> Pod:
        if self._files is None:
            return pod
        # Its processes were listed before, and whatever is wrong with that was told then.
        pids = [pid for pid in Subtrees(Problems()).all(directory) if pid]
        return msgspec.structs.replace(pod, files=self._files.of(directory, pids))

    def _is_podless(self, place: Found) -> bool:
        """Return whether the cgroup is to be told as a sandbox without a Pod.

        One beside a pod's (overhead) is, once every pod of the node was looked at and none claimed it.
        """
        if not self._request.sandboxes:
            return False
        if place.sandbox is not None:
            unclaimed = place.sandbox.id in self._overheads
            return unclaimed or not place.sandbox.is_overhead
        try:
            with self._cgroups.open(place.path) as directory:
                pids = dict.fromkeys(directory.read_procs()[:MOST_LOOKED_AT])
        except AgentError:
            return False
        return any(hint.kind in HOLDERS for hint in find_hints(self._proc, pids, lambda: True, 0))

    def _is_late(self) -> bool:
        """Return whether even what is cheap has to end: twice the budget is used up."""
        return self._budget.spent(2.0)

    def _ancestors(self, found: list[Found]) -> list[Cgroup]:
        paths = [place.path for place in found if place.pod or place.unit]
        return measure_ancestors(self._cgroups, paths, self._problems, self._is_late)

    def _strays(self, found: list[Found], measurer: PodMeasurer) -> list[Container]:
        strays = []
        for place in found:
            if place.stray is None or place.stray.id is None:
                continue
            if self._is_late():
                self._problems.add("container", place.stray.id, "budget", _STRAY_LATE)
                continue
            try:
                with self._cgroups.open(place.path) as directory:
                    strays.append(measurer.stray(place.stray, directory))
            except GoneError:
                continue
            except AgentError as error:
                self._problems.add_error("container", place.stray.id, error)
        return strays

    def _parents(self, found: list[Found]) -> list[Cgroup]:
        parents = []
        for place in (place for place in found if place.is_pods_parent):
            try:
                with self._cgroups.open(place.path) as directory:
                    reading = CgroupReading(directory)
                    reading.begin()
                    reading.details()
                    parents.append(reading.result())
            except GoneError:
                continue
            except AgentError as error:
                self._problems.add_error("node", place.path, error)
        return parents

    def _tree(self, node: Node) -> CgroupTree | None:
        try:
            page_size = node.page_size_bytes or 4096
            tree = read_tree(self._proc, self._cgroups, page_size, self._is_late)
        except AgentError as error:
            self._problems.add_error("node", "tree", error)
            return None
        self._tell_gaps(tree)
        return tree

    def _tell_gaps(self, tree: CgroupTree) -> None:
        """Tell what the account of the whole node lacks, so that no page ends as if it had all."""
        for name in _NEEDED_OF_ALL:
            why = tree.absent.get(name, NO_ROOT_STAT)
            if why != NO_ROOT_STAT:
                self._problems.add("node", name, "unreadable", why)
        if tree.left_out and self._is_late():
            detail = f"the time budget was spent before {tree.left_out} cgroups or more were read"
            self._problems.add("node", "tree", "budget", detail)
        elif tree.left_out:
            detail = f"of this node's cgroups {MOST_CGROUPS} were read and {tree.left_out} or more left out"
            self._problems.add("node", "tree", "unsupported", detail)

    def _keepers(self) -> list[Hint] | None:
        if self._request.keeper_ids is None:
            return None
        try:
            keepers = find_keepers(self._proc, self._request.keeper_ids, lambda: self._budget.spent(2.0))
        except AgentError as error:
            self._problems.add_error("node", "keepers", error)
            return None
        if keepers is None:
            self._problems.add("node", "keepers", "budget", _KEEPERS_LATE)
        return keepers
