"""One pod, container, service or sandbox -> wire.Pod.

The memory files of the pod's cgroup and of its containers back to back, then the processes of each
container's whole subtree, then each memory.current again.
"""

import msgspec
from msgspec import Struct

from memcollect_agent import pods, redact
from memcollect_agent.errors import AgentError, GoneError
from memcollect_agent.measure import blocks
from memcollect_agent.measure import rings as rings_
from memcollect_agent.measure.cgroup import CgroupReading
from memcollect_agent.measure.discover import Found
from memcollect_agent.measure.loose import Loose
from memcollect_agent.measure.mappings import Mappings
from memcollect_agent.measure.problems import Problems
from memcollect_agent.measure.processes import Budget, Processes, Tally, Wanted
from memcollect_agent.measure.subtree import Pids, Subtrees
from memcollect_agent.read.cgroupfs import CgroupDir, CgroupFs
from memcollect_agent.read.procfs import ProcFs
from memcollect_agent.redact import visible
from memcollect_agent.sandbox import HOLDERS, SandboxPlace, find_hints, looks_ordinary
from memcollect_agent.wire import Cgroup, Container, Hint, Pod, ProcessSums, SampleRequest

PAUSE_CHARGE_BYTES = 2 << 20
"""A pause container was seen with up to 0.9 MiB, when it paid for the first page cache."""

MOST_CHILDREN = 512
"""Cgroups directly in a pod that are read, each open meanwhile. A pod has some ten; runtimes leak them."""


class Sources(Struct, frozen=True, kw_only=True):
    """What all pods of one sample are measured with."""

    request: SampleRequest
    proc: ProcFs
    cgroups: CgroupFs
    budget: Budget
    boot_time: float | None
    full_commands: bool
    """Asked for, and allowed."""
    problems: Problems
    overheads: dict[str, list[Found]]
    """Cgroups beside pods by sandbox id; a pod that claims some takes them out."""
    astray: dict[str, list[str]]
    """Ids of containers outside of their pod's cgroup whose names say which pod that is, by its UID."""
    loose: Loose


class PodMeasurer:
    """Measures one after the other. Methods raise GoneError and AgentError for the cgroup itself alone."""

    def __init__(self, sources: Sources) -> None:
        self._of = sources
        self._subtrees = Subtrees(sources.problems, lambda: sources.budget.spent(2.0))
        self._mappings = Mappings(sources.proc, sources.budget.spent, sources.problems)
        self._kernel_lacks_rollup = False

    def pod(self, place: pods.PodPlace, directory: CgroupDir) -> Pod:
        """Measure a pod with its containers."""
        numa = self._of.request.numa
        reading = CgroupReading(directory)
        reading.begin()
        children = _Children(directory, self._of.problems)
        try:
            for child in children.all:
                child.reading.details(numa=numa)
            reading.details(numa=numa)
            seen: set[tuple[int, int]] = set()
            listed = [self._container(child, seen) for child in children.all]
            containers = [each for each, _ in listed]
            own_pids = self._subtrees.own(directory)
            own = self._read_processes(reading, own_pids, seen)
            reading.again()
            self._report_unread("pod", reading)
            own_hints: list[Hint] = []
            if not looks_ordinary(containers, own.listed):
                own_hints = self._hints(own_pids)
                containers = self._recognised(listed)
        finally:
            children.close()
        return Pod(
            uid=visible(place.uid),
            qos_class=place.qos_class,
            driver=place.driver,
            cgroup=reading.result(),
            containers=[*containers, *children.unread],
            own_sums=self._sums(reading, own),
            own_hints=own_hints,
            outside=self._outside(place.uid, containers, seen),
        )

    def stray(self, place: pods.ContainerPlace, directory: CgroupDir) -> Container:
        """Measure a container outside of its pod's cgroup."""
        uid = visible(place.pod_uid) if place.pod_uid else None
        return msgspec.structs.replace(self._whole(place, directory, set()), pod_uid=uid)

    def unit(self, place: pods.UnitPlace, directory: CgroupDir) -> Pod:
        """Measure a container or a service outside Kubernetes."""
        as_container = pods.ContainerPlace(id=place.id, runtime=place.runtime, role="container")
        container, pids = self._alone(as_container, directory, set())
        if place.kind == "container":
            hints = self._hints(pids)
            # A VMM or any other of these programs may be a container's own; a Sentry is a runtime's.
            if any(hint.kind == "sentry" for hint in hints):
                container = msgspec.structs.replace(container, hints=hints)
        return Pod(
            kind=place.kind,
            uid=visible(place.name),
            driver=place.driver,
            cgroup=container.cgroup,
            containers=[container],
        )

    def sandbox(self, place: Found, directory: CgroupDir) -> Pod:
        """Measure a sandbox that has no Pod."""
        found = place.sandbox or SandboxPlace(id=place.path.rsplit("/", 1)[-1], runtime="")
        as_container = pods.ContainerPlace(id=found.id, runtime=found.runtime or None, role="container")
        container = self._whole(as_container, directory, set())
        return Pod(
            kind="sandbox", uid=visible(place.path), name=visible(found.id), cgroup=container.cgroup,
            containers=[container],
        )  # fmt: skip

    def _recognised(self, listed: list[tuple[Container, Pids]]) -> list[Container]:
        """Return the containers with the processes of a sandbox runtime named, and their roles by these."""
        named = [msgspec.structs.replace(each, hints=self._hints(pids)) for each, pids in listed]
        return [
            msgspec.structs.replace(each, role="sandbox") if _holds_sandbox(each, named) else each
            for each in named
        ]

    def _hints(self, pids: Pids) -> list[Hint]:
        ceiling = self._of.request.process_ceiling_bytes
        return find_hints(
            self._of.proc, pids, self._of.budget.spent, ceiling, lambda: self._of.budget.spent(2.0)
        )

    def _outside(self, uid: str, containers: list[Container], seen: set[tuple[int, int]]) -> list[Container]:
        """Return the cgroups elsewhere that are this pod's: its sandbox's by the id, or started from here."""
        ids = [*(each.id for each in containers if each.id), *self._of.astray.get(uid.lower(), [])]
        places = [place for id_ in ids for place in self._of.overheads.pop(id_, [])]
        places += self._of.loose.started_by({pid for pid, _ in seen})
        return [each for place in places if (each := self._elsewhere(place, seen)) is not None]

    def _elsewhere(self, place: Found, seen: set[tuple[int, int]]) -> Container | None:
        if place.sandbox:
            known = pods.ContainerPlace(id=place.sandbox.id, runtime=place.sandbox.runtime, role="overhead")
        else:
            unit = place.unit
            known = pods.ContainerPlace(
                id=unit.id if unit else None, runtime=unit.runtime if unit else None, role="started"
            )
        try:
            with self._of.cgroups.open(place.path) as directory:
                return self._whole(known, directory, seen)
        except GoneError:
            return None
        except AgentError as error:
            self._of.problems.add_error("container", place.path, error)
            return None

    def _whole(
        self, place: pods.ContainerPlace, directory: CgroupDir, seen: set[tuple[int, int]]
    ) -> Container:
        """Return one cgroup with its whole subtree, and the sandbox runtime's processes in it."""
        container, pids = self._alone(place, directory, seen)
        return msgspec.structs.replace(container, hints=self._hints(pids))

    def _alone(
        self, place: pods.ContainerPlace, directory: CgroupDir, seen: set[tuple[int, int]]
    ) -> tuple[Container, Pids]:
        reading = CgroupReading(directory)
        reading.begin()
        reading.details(numa=self._of.request.numa)
        return self._container(_Child(place, directory, reading), seen)

    def _container(self, child: "_Child", seen: set[tuple[int, int]]) -> tuple[Container, Pids]:
        """Return a container, and the processes that were listed in it."""
        processes = self._processes(child.reading)
        pids = self._subtrees.all(child.directory)
        tally = processes.read(pids, seen)
        child.reading.again()
        self._report_unread("container", child.reading)
        described = processes.describe(tally)
        if processes.untold:
            detail = f"the time budget was spent before {processes.untold} of its command lines were read"
            self._of.problems.add("process", child.reading.path, "budget", detail)
        if self._of.request.mappings:
            described = self._mappings.told(described, child.reading.path)
        self._report_skipped(child.reading.path, tally)
        container = Container(
            id=child.place.id,
            runtime=visible(child.place.runtime) if child.place.runtime else None,
            role=role_of(child.place, child.reading.current_bytes, tally),
            cgroup=child.reading.result(),
            sums=self._sums(child.reading, tally),
            processes=described,
        )
        return container, pids

    def _sums(self, reading: CgroupReading, tally: Tally) -> ProcessSums:
        """Return the sums, with what only a look at single processes tells, where the numbers ask for it."""
        sums, budget, pid = tally.sums(), self._of.budget, tally.first_pid
        rings = block = None
        if rings_.points_to_rings(reading.stat, sums):
            rings = rings_.find_rings(self._of.proc, tally.mappers(), budget.spent)
        if pid is not None and blocks.is_worth_asking(reading.stat) and not budget.spent():
            block = blocks.smallest_block_bytes(self._of.proc, pid)
        return msgspec.structs.replace(sums, rings=rings, block_bytes=block)

    def _read_processes(self, reading: CgroupReading, pids: Pids, seen: set[tuple[int, int]]) -> Tally:
        tally = self._processes(reading).read(pids, seen)
        self._report_skipped(reading.path, tally)
        return tally

    def _processes(self, reading: CgroupReading) -> Processes:
        request = self._of.request
        wanted = Wanted(
            sums=request.sums,
            descriptors=reading.has_many_objects,
            page_tables=not reading.itemises_page_tables or request.process_limit > 0,
            limit=request.process_limit,
            command_length=redact.FULL_LENGTH if self._of.full_commands else redact.DEFAULT_LENGTH,
            ceiling_bytes=request.process_ceiling_bytes,
        )
        return Processes(self._of.proc, wanted, self._of.budget, self._of.boot_time)

    def _report_unread(self, kind: str, reading: CgroupReading) -> None:
        if why := reading.unread_charge():
            self._of.problems.add(kind, reading.path, *why)

    def _report_skipped(self, path: str, tally: Tally) -> None:
        """Add a problem for each reason; a file that the kernel lacks is one for the whole node."""
        at_least = "at least " if tally.skipped_unlisted else ""
        for reason, first in tally.first_skipped().items():
            count = f"{at_least}{tally.skipped_because(reason)}"
            if reason != "unsupported":
                detail = f"{count} of its processes could not be read, e.g. {first.pid}: {first.detail}"
                self._of.problems.add("process", path, reason, detail)
            elif not self._kernel_lacks_rollup:
                self._kernel_lacks_rollup = True
                detail = f"{first.detail}: of its processes RSS is known, and no PSS"
                self._of.problems.add("node", "smaps_rollup", reason, detail)


class _Child(Struct, frozen=True):
    place: pods.ContainerPlace
    directory: CgroupDir
    reading: CgroupReading


class _Children:
    """The cgroups directly below a pod's, each open and with its first numbers read."""

    def __init__(self, pod: CgroupDir, problems: Problems) -> None:
        self.all: list[_Child] = []
        self.unread: list[Container] = []
        """Without numbers: the pod's own less its children's would else be what gone containers left."""
        names = sorted(pod.children(), key=lambda name: pods.container_at(name).id is None)
        for name in names[:MOST_CHILDREN]:
            try:
                self._open(pod, name)
            except GoneError:
                # A container that ends between listing and reading is normal; the pod list knows it.
                continue
            except AgentError as error:
                problems.add_error("container", f"{pod.path}/{name}", error)
                self.unread.append(_unread(pod, name, str(error)))
        left = names[MOST_CHILDREN:]
        if left:
            detail = f"more than {MOST_CHILDREN} cgroups are directly in it, and {len(left)} were not read"
            problems.add("container", pod.path, "unsupported", detail)
            self.unread.append(_unread(pod, left[0], detail))

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


def _unread(pod: CgroupDir, name: str, why: str) -> Container:
    place = pods.container_at(name)
    absent = dict.fromkeys(("memory.stat", "memory.current"), visible(why))
    return Container(
        id=place.id,
        runtime=visible(place.runtime) if place.runtime else None,
        role=place.role,
        cgroup=Cgroup(path=visible(f"{pod.path}/{name}"), absent=absent),
    )


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
    # A Sentry is no app: alone in its pod it is the sandbox, whose containers have no cgroup at all.
    all_empty = bool(others or "sentry" in kinds) and not any(each.sums.listed for each in others)
    return all_empty or bool(kinds & {"kata-shim", "cube-shim"})
