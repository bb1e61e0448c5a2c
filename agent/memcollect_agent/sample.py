"""One request -> one wire.NodeSample: the whole measurement of a node.

For each pod: the memory files of the pod's cgroup and of its containers back to back, then the
processes of each container's whole subtree, then each memory.current again. What ends meanwhile is
normal and counted; what cannot be read is reported beside what could.
"""

import resource
import time

import msgspec
from msgspec import Struct

import memcollect_agent
from memcollect_agent import cgroupfs, pods, redact
from memcollect_agent.cgroupfs import CgroupDir, CgroupFs
from memcollect_agent.discover import Finder, Found
from memcollect_agent.errors import AgentError, DeniedError, GoneError, UnsupportedError
from memcollect_agent.measure_cgroup import CgroupReading
from memcollect_agent.measure_node import measure_node
from memcollect_agent.measure_processes import Budget, Processes, Tally, Wanted
from memcollect_agent.procfs import ProcFs
from memcollect_agent.redact import visible
from memcollect_agent.sandbox import (
    HOLDERS,
    MOST_LOOKED_AT,
    SandboxPlace,
    find_hints,
    find_keepers,
    looks_ordinary,
)
from memcollect_agent.wire import Cgroup, Container, Cost, Hint, NodeSample, Pod, Problem, SampleRequest

PAUSE_CHARGE_BYTES = 2 << 20
"""A pause container was seen with up to 0.9 MiB, when it paid for the first page cache."""
MAX_SUB_CGROUPS = 4096
"""Cgroups inside one container that are searched for processes."""


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
        self._refused_full = request.full_commands and not allow_full_commands
        self._cgroups = CgroupFs(roots.cgroup)
        self._budget = Budget(request.time_budget_seconds)
        self._boot_time: float | None = None
        self._problems: list[Problem] = []
        self._overheads: dict[str, Found] = {}
        """By sandbox id; a pod that claims one takes it out."""

    def run(self, node_name: str | None) -> NodeSample:
        sampled_at, wall, cpu = time.time(), time.monotonic(), time.thread_time()
        require_cgroup_v2(self._cgroups)
        node = measure_node(self._proc, self._cgroups, self._roots.sys, node_name)
        self._boot_time = node.boot_time
        if self._refused_full:
            self._problem("request", "full_commands", "denied", _REFUSED_FULL)
        found = self._found()
        measured = self._pods(found)
        return NodeSample(
            agent_version=memcollect_agent.__version__,
            sampled_at=sampled_at,
            finished_at=time.time(),
            node=node,
            pods=measured,
            pods_parents=self._parents(found) if self._request.pods_parents else None,
            keepers=self._keepers(),
            problems=self._problems,
            cost=Cost(
                wall_seconds=time.monotonic() - wall,
                cpu_seconds=time.thread_time() - cpu,
                max_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            ),
        )

    def _found(self) -> list[Found]:
        request = self._request
        finder = Finder(
            request.pod_uids, request.units, sandboxes=request.sandboxes, pods_parents=request.pods_parents
        )
        with self._cgroups.open() as top:
            found = list(finder.find(top))
        for place in found:
            if place.sandbox and place.sandbox.is_overhead:
                self._overheads[place.sandbox.id] = place
        for claimed in finder.other_ids:
            self._overheads.pop(claimed, None)
        self._problems += finder.problems + finder.not_found()
        return found

    def _pods(self, found: list[Found]) -> list[Pod]:
        pods_first = sorted(found, key=lambda place: place.pod is None)
        return [pod for place in pods_first if (pod := self._pod(place)) is not None]

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
                self._problem("node", place.path, _reason(error), str(error))
        return parents

    def _keepers(self) -> list[Hint] | None:
        if self._request.keeper_ids is None:
            return None
        try:
            keepers = find_keepers(self._proc, self._request.keeper_ids, lambda: self._budget.spent(2.0))
        except AgentError as error:
            self._problem("node", "keepers", _reason(error), str(error))
            return None
        if keepers is None:
            self._problem("node", "keepers", "budget", _KEEPERS_LATE)
        return keepers

    def _pod(self, place: Found) -> Pod | None:
        if place.is_pods_parent or (place.pod is None and place.unit is None and not self._is_podless(place)):
            return None
        name = place.pod.uid if place.pod else place.unit.name if place.unit else place.path
        if self._budget.spent(2.0):
            detail = (
                f"the time budget of {self._budget.seconds:g} s was spent before its turn: ask for fewer pods"
            )
            self._problem("pod", name, "budget", detail)
            return None
        try:
            with self._cgroups.open(place.path) as directory:
                if place.pod:
                    return self._measured_pod(place.pod, directory)
                if place.unit:
                    return self._measured_unit(place.unit, directory)
                return self._measured_sandbox(place, directory)
        except GoneError:
            self._problem("pod", name, "gone", "its cgroup was removed while the node was being measured")
        except DeniedError as error:
            self._problem("pod", name, "denied", str(error))
        except AgentError as error:
            self._problem("pod", name, "unreadable", str(error))
        return None

    def _measured_pod(self, place: pods.PodPlace, directory: CgroupDir) -> Pod:
        reading = CgroupReading(directory)
        reading.begin()
        children = _Children(directory, self._problems)
        try:
            for child in children.all:
                child.reading.details(numa=self._request.numa)
            reading.details(numa=self._request.numa)
            seen: set[tuple[int, int]] = set()
            containers = [self._container(child, seen) for child in children.all]
            own_pids = self._own_pids(directory)
            own = self._read_processes(reading, own_pids, seen)
            reading.again()
            own_hints: list[Hint] = []
            if not looks_ordinary(containers, own.listed):
                own_hints = self._hints(own_pids)
                containers = self._recognised(children.all, containers)
        finally:
            children.close()
        return Pod(
            uid=visible(place.uid),
            qos_class=place.qos_class,
            driver=place.driver,
            cgroup=reading.result(),
            containers=containers,
            own_sums=own.sums(),
            own_hints=own_hints,
            outside=self._outside(containers, seen),
        )

    def _recognised(self, children: "list[_Child]", containers: list[Container]) -> list[Container]:
        """Return the containers with the processes of a sandbox runtime named, and their roles by these."""
        named = [
            msgspec.structs.replace(each, hints=self._hints(self._subtree_pids(child.directory)))
            for child, each in zip(children, containers, strict=True)
        ]
        return [
            msgspec.structs.replace(each, role="sandbox") if _holds_sandbox(each, named) else each
            for each in named
        ]

    def _hints(self, pids: dict[int, str | None]) -> list[Hint]:
        return find_hints(self._proc, pids, self._budget.spent, self._request.process_ceiling_bytes)

    def _outside(self, containers: list[Container], seen: set[tuple[int, int]]) -> list[Container]:
        """Return the cgroups elsewhere that bear the id of one of the pod's own, which is its sandbox's."""
        places = [self._overheads.pop(each.id, None) for each in containers if each.id]
        return [each for place in places if place and (each := self._overhead(place, seen)) is not None]

    def _overhead(self, place: Found, seen: set[tuple[int, int]]) -> Container | None:
        runtime, id_ = (place.sandbox.runtime, place.sandbox.id) if place.sandbox else (None, None)
        as_container = pods.ContainerPlace(id=id_, runtime=runtime, role="overhead")
        try:
            with self._cgroups.open(place.path) as directory:
                return self._whole(as_container, directory, seen)
        except GoneError:
            return None
        except AgentError as error:
            self._problem("container", place.path, _reason(error), str(error))
            return None

    def _whole(
        self, place: pods.ContainerPlace, directory: CgroupDir, seen: set[tuple[int, int]]
    ) -> Container:
        """Return one cgroup with its whole subtree, and the sandbox runtime's processes in it."""
        reading = CgroupReading(directory)
        reading.begin()
        reading.details(numa=self._request.numa)
        container = self._container(_Child(place, directory, reading), seen)
        return msgspec.structs.replace(container, hints=self._hints(self._subtree_pids(directory)))

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

    def _measured_sandbox(self, place: Found, directory: CgroupDir) -> Pod:
        found = place.sandbox or SandboxPlace(id=place.path.rsplit("/", 1)[-1], runtime="")
        as_container = pods.ContainerPlace(id=found.id, runtime=found.runtime or None, role="container")
        container = self._whole(as_container, directory, set())
        return Pod(
            kind="sandbox", uid=visible(place.path), name=visible(found.id), cgroup=container.cgroup,
            containers=[container],
        )  # fmt: skip

    def _measured_unit(self, place: pods.UnitPlace, directory: CgroupDir) -> Pod:
        reading = CgroupReading(directory)
        reading.begin()
        reading.details(numa=self._request.numa)
        as_container = pods.ContainerPlace(id=place.id, runtime=place.runtime, role="container")
        container = self._container(_Child(as_container, directory, reading), set())
        return Pod(
            kind=place.kind,
            uid=visible(place.name),
            driver=place.driver,
            cgroup=container.cgroup,
            containers=[container],
        )

    def _container(self, child: "_Child", seen: set[tuple[int, int]]) -> Container:
        processes = self._processes(child.reading)
        tally = processes.read(self._subtree_pids(child.directory), seen)
        child.reading.again()
        described = processes.describe(tally)
        sums = tally.sums()
        self._report_denied(child.reading.path, tally)
        return Container(
            id=child.place.id,
            runtime=visible(child.place.runtime) if child.place.runtime else None,
            role=role_of(child.place, child.reading.current_bytes, tally),
            cgroup=child.reading.result(),
            sums=sums,
            processes=described,
        )

    def _read_processes(
        self, reading: CgroupReading, pids: dict[int, str | None], seen: set[tuple[int, int]]
    ) -> Tally:
        tally = self._processes(reading).read(pids, seen)
        self._report_denied(reading.path, tally)
        return tally

    def _processes(self, reading: CgroupReading) -> Processes:
        request = self._request
        wanted = Wanted(
            sums=request.sums,
            page_tables=not reading.itemises_page_tables or request.process_limit > 0,
            limit=request.process_limit,
            command_length=redact.FULL_LENGTH if self._full else redact.DEFAULT_LENGTH,
            ceiling_bytes=request.process_ceiling_bytes,
        )
        return Processes(self._proc, wanted, self._budget, self._boot_time)

    def _own_pids(self, directory: CgroupDir) -> dict[int, str | None]:
        try:
            return dict.fromkeys(directory.read_procs())
        except GoneError:
            return {}
        except AgentError as error:
            self._problem("pod", directory.path, _reason(error), str(error))
            return {}

    def _subtree_pids(self, directory: CgroupDir) -> dict[int, str | None]:
        """Return every pid of the subtree with the sub-cgroup it is in; a pid listed twice comes once."""
        pids: dict[int, str | None] = {}
        left = [MAX_SUB_CGROUPS]
        self._collect(directory, len(directory.path), pids, left)
        if left[0] < 0:
            detail = f"more than {MAX_SUB_CGROUPS} cgroups inside it: not all were searched for processes"
            self._problem("container", directory.path, "budget", detail)
        return pids

    def _collect(
        self, directory: CgroupDir, prefix: int, pids: dict[int, str | None], left: list[int]
    ) -> None:
        try:
            below = visible(directory.path[prefix:]) or None
            for pid in directory.read_procs():
                pids.setdefault(pid, below)
            names = directory.children()
        except GoneError:
            return
        except AgentError as error:
            self._problem("container", directory.path, _reason(error), str(error))
            return
        if names and directory.depth >= cgroupfs.MAX_DEPTH:
            detail = f"deeper than {cgroupfs.MAX_DEPTH} levels: what is below was not searched for processes"
            self._problem("container", directory.path, "unsupported", detail)
            return
        for name in names:
            left[0] -= 1
            if left[0] < 0:
                return
            try:
                with directory.child(name) as child:
                    self._collect(child, prefix, pids, left)
            except GoneError:
                continue
            except AgentError as error:
                self._problem("container", f"{directory.path}/{name}", _reason(error), str(error))

    def _report_denied(self, path: str, tally: Tally) -> None:
        if denied := tally.skipped_because("denied"):
            first = next(process for process in tally.skipped if process.reason == "denied")
            at_least = "at least " if tally.skipped_unlisted else ""
            detail = (
                f"{at_least}{denied} of its processes could not be read, e.g. {first.pid}: {first.detail}"
            )
            self._problem("process", path, "denied", detail)

    def _problem(self, kind: str, name: str, reason: str, detail: str) -> None:
        self._problems.append(Problem(kind=kind, name=visible(name), reason=reason, detail=visible(detail)))


_KEEPERS_LATE = "the time budget was spent before every process was looked at: ask for fewer pods"
_REFUSED_FULL = (
    "this agent was not started to give whole command lines (--allow-full-commands): they are cut short"
)


class _Child(Struct, frozen=True):
    place: pods.ContainerPlace
    directory: CgroupDir
    reading: CgroupReading


class _Children:
    """The cgroups directly below a pod's, each open and with its first numbers read."""

    def __init__(self, pod: CgroupDir, problems: list[Problem]) -> None:
        self.all: list[_Child] = []
        for name in pod.children():
            try:
                self._open(pod, name)
            except GoneError:
                # A container that ends between listing and reading is normal; the pod list knows it.
                continue
            except AgentError as error:
                path = visible(f"{pod.path}/{name}")
                problems.append(
                    Problem(kind="container", name=path, reason=_reason(error), detail=visible(str(error)))
                )

    def _open(self, pod: CgroupDir, name: str) -> None:
        directory = pod.child(name)
        try:
            reading = CgroupReading(directory)
            reading.begin()
        except AgentError:
            directory.close()
            raise
        self.all.append(_Child(pods.container_at(name), directory, reading))

    def close(self) -> None:
        for child in self.all:
            child.directory.close()


def role_of(place: pods.ContainerPlace, charge: int | None, tally: Tally) -> str:
    """Return wire.Container.role from the cgroup's name, its charge in bytes and its processes."""
    if place.role != "container":
        return place.role
    alone = tally.listed == 1 and tally.only_name == "pause"
    return "pause" if alone and charge is not None and charge < PAUSE_CHARGE_BYTES else "container"


def _holds_sandbox(container: Container, all_of_pod: list[Container]) -> bool:
    """Return whether a container's cgroup is in truth the sandbox's: its runtime there, no app elsewhere.

    gVisor under the systemd driver: the Sentry is in the pause container's scope, the apps' are empty. Kata
    with sandbox_cgroup_only: the shim sits beside the VMM. A VMM that is itself the app of an ordinary
    container (KubeVirt's) has a pause container beside it and no shim with it.
    """
    kinds = {hint.kind for hint in container.hints}
    if container.role != "container" or not kinds & HOLDERS:
        return False
    others = [each for each in all_of_pod if each is not container and each.role == "container"]
    all_empty = bool(others) and not any(each.sums.listed for each in others)
    return all_empty or bool(kinds & {"kata-shim", "cube-shim"})


def _reason(error: AgentError) -> str:
    return "denied" if isinstance(error, DeniedError) else "unreadable"
