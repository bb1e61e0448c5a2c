"""One request -> one wire.NodeSample: the whole measurement of a node.

For each pod: the memory files of the pod's cgroup and of its containers back to back, then the
processes of each container's whole subtree, then each memory.current again. What ends meanwhile is
normal and counted; what cannot be read is reported beside what could.
"""

import resource
import time

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
from memcollect_agent.wire import Container, Cost, NodeSample, Pod, Problem, SampleRequest

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

    def run(self, node_name: str | None) -> NodeSample:
        sampled_at, wall, cpu = time.time(), time.monotonic(), time.thread_time()
        require_cgroup_v2(self._cgroups)
        node = measure_node(self._proc, self._cgroups, self._roots.sys, node_name)
        self._boot_time = node.boot_time
        if self._refused_full:
            self._problem("request", "full_commands", "denied", _REFUSED_FULL)
        measured = self._pods()
        return NodeSample(
            agent_version=memcollect_agent.__version__,
            sampled_at=sampled_at,
            finished_at=time.time(),
            node=node,
            pods=measured,
            problems=self._problems,
            cost=Cost(
                wall_seconds=time.monotonic() - wall,
                cpu_seconds=time.thread_time() - cpu,
                max_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            ),
        )

    def _pods(self) -> list[Pod]:
        finder = Finder(self._request.pod_uids, self._request.units)
        with self._cgroups.open() as top:
            found = list(finder.find(top))
        measured = [pod for place in found if (pod := self._pod(place)) is not None]
        self._problems += finder.problems + finder.not_found()
        return measured

    def _pod(self, place: Found) -> Pod | None:
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
            own = self._read_processes(reading, self._own_pids(directory), seen)
            reading.again()
        finally:
            children.close()
        return Pod(
            uid=visible(place.uid),
            qos_class=place.qos_class,
            driver=place.driver,
            cgroup=reading.result(),
            containers=containers,
            own_sums=own.sums(),
        )

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


def _reason(error: AgentError) -> str:
    return "denied" if isinstance(error, DeniedError) else "unreadable"
