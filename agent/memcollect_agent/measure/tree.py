"""The charges of a whole node in one pass -> wire.CgroupTree: every cgroup once, none of its processes.

A pod, a service and a container are the leaves: what is nested in one belongs to it. Of each only the
files that an account needs are read, through its descriptor, in cAdvisor's order (memory.stat first).
"""

import time
from collections.abc import Callable
from typing import TypeVar

import msgspec

from memcollect_agent import pods
from memcollect_agent.errors import AgentError, GoneError
from memcollect_agent.measure import kubelet
from memcollect_agent.measure.starters import Starters
from memcollect_agent.parse import flat_keyed, single_value
from memcollect_agent.parse.stat_fields import StatFields
from memcollect_agent.read import cgroupfs, files
from memcollect_agent.read.cgroupfs import CgroupDir, CgroupFs
from memcollect_agent.read.procfs import ProcFs
from memcollect_agent.redact import visible
from memcollect_agent.wire import CgroupTree, CgroupUse

_T = TypeVar("_T")

STAT_FIELDS = (
    "anon",
    "file",
    "shmem",
    "inactive_file",
    "active_file",
    "unevictable",
    "kernel",
    "sock",
    "slab_reclaimable",
    "slab_unreclaimable",
    "kernel_stack",
    "pagetables",
    "percpu",
    "vmalloc",
)
NO_ROOT_STAT = "this kernel keeps no memory.stat of the root cgroup"
"""A term that this kernel does not have, and no failed read."""
MOST_CGROUPS = 5000
"""Told at most, each about 400 bytes on the wire; a node has some hundreds."""
_STAT_LIMIT = 16384
_SMALL_LIMIT = 4096
_AFTER_SIZES = b"\nslab "
_stat_fields = StatFields(STAT_FIELDS)
_populated = StatFields(("populated",))


def read_tree(
    proc: ProcFs,
    cgroups: CgroupFs,
    page_size_bytes: int,
    late: Callable[[], bool] = lambda: False,
    *,
    charges_alone: bool = False,
) -> CgroupTree:
    """Return the charges of the node's cgroups; those whose turn comes when it is `late` are left out.

    Unless these are wanted `charges_alone`, also when the kubelet evicts, and which pod's process started a
    container outside Kubernetes: all pods' processes are listed for that. Raises AgentError where the tree's
    root cannot be read.
    """
    walk = _Walk(proc, cgroups, page_size_bytes, late)
    tree = walk.run(starters=not charges_alone)
    if charges_alone or not walk.kubelets_cgroup:
        return tree
    return msgspec.structs.replace(tree, kubelet=kubelet.read_kubelet(proc, cgroups, walk.kubelets_cgroup))


class _Walk:
    def __init__(
        self, proc: ProcFs, cgroups: CgroupFs, page_size_bytes: int, late: Callable[[], bool]
    ) -> None:
        self._late = late
        self._proc = proc
        self._cgroups = cgroups
        self._page_size_bytes = page_size_bytes
        self._absent: dict[str, str] = {}
        self._found: list[CgroupUse] = []
        self._outside: list[CgroupUse] = []
        self._pods: list[str] = []
        self.kubelets_cgroup = ""
        """Of its service; "" where there is none."""
        self._left_out = 0
        self._vanished = 0

    def run(self, *, starters: bool) -> CgroupTree:
        began = time.time()
        with self._cgroups.open() as top:
            meminfo = self._known("meminfo", self._proc.meminfo)
            root = self._known("memory.stat", top.read_stat, gone=NO_ROOT_STAT)
            root_read_at = time.time()
            meminfo_again = self._known("meminfo", self._proc.meminfo)
            self._below(top)
        if starters:
            self._tie_containers()
        free = self._known("free_percpu", self._proc.free_percpu_pages)
        return CgroupTree(
            read_at=began,
            finished_at=time.time(),
            root=root,
            root_read_at=root_read_at if root is not None else None,
            meminfo=meminfo,
            meminfo_again=meminfo_again,
            cgroups=self._found,
            left_out=self._left_out,
            vanished=self._vanished,
            free_percpu_bytes=None if free is None else free * self._page_size_bytes,
            absent=self._absent,
        )

    def _known(self, name: str, read: Callable[[], _T], gone: str = "") -> _T | None:
        try:
            return read()
        except GoneError as error:
            self._absent[name] = gone or f"there is no {visible(error.path)}"
        except AgentError as error:
            self._absent[name] = visible(str(error))
        return None

    def _below(self, directory: CgroupDir) -> None:
        try:
            names = directory.children()
        except GoneError:
            return
        for name in names:
            if len(self._found) >= MOST_CGROUPS or self._late():
                self._left_out += 1
                continue
            try:
                child = directory.child(name)
            except GoneError:
                self._vanished += 1
                continue
            except AgentError as error:
                path = f"{directory.path.rstrip('/')}/{name}"
                self._found.append(CgroupUse(path=visible(path), absent=visible(str(error))))
                continue
            with child:
                self._visit(child)

    def _visit(self, directory: CgroupDir) -> None:
        pod = pods.pod_at(directory.path)
        unit = None if pod else pods.unit_at(directory.path)
        if pod is None and unit is None:
            self._append(self._use(directory, holds_others=True))
            if directory.depth < cgroupfs.MAX_DEPTH:
                self._below(directory)
            return
        is_service = unit is not None and unit.kind == "service"
        use = self._append(self._use(directory, holds_others=False, is_service=is_service))
        if unit is not None and is_service and unit.name == kubelet.SERVICE:
            self.kubelets_cgroup = directory.path
        if pod:
            self._pods.append(directory.path)
        elif use is not None and not is_service:
            self._outside.append(use)

    def _append(self, use: CgroupUse | None) -> CgroupUse | None:
        if use is None:
            self._vanished += 1
        else:
            self._found.append(use)
        return use

    def _use(self, directory: CgroupDir, *, holds_others: bool, is_service: bool = False) -> CgroupUse | None:
        """Return one cgroup's numbers; None where it was removed meanwhile."""
        problems: list[str] = []
        stat = _read(directory, "memory.stat", _stat, problems)
        current = _read(directory, "memory.current", single_value.parse_number, problems)
        dying = populated = None
        if holds_others:
            counts = _read(directory, "cgroup.stat", flat_keyed.parse, problems)
            dying = counts.get("nr_dying_descendants") if counts else None
        elif not is_service:
            events = _read(directory, "cgroup.events", _populated.parse, []) or [None]
            populated = None if events[0] is None else bool(events[0])
        if current is None and _is_gone(directory):
            return None
        return CgroupUse(
            path=visible(directory.path),
            current_bytes=current,
            stat=stat or {},
            dying=dying,
            populated=populated,
            absent="; ".join(problems),
        )

    def _tie_containers(self) -> None:
        """Say of containers outside Kubernetes which pod's process started them."""
        if not self._outside:
            return
        starters = Starters(self._proc, self._cgroups, self._pods)
        places = {use.path: place for place, use in enumerate(self._found)}
        for use in self._outside:
            started_by = starters.pod_of(use.path)
            if started_by:
                place = places[use.path]
                self._found[place] = msgspec.structs.replace(use, started_by=visible(started_by))


def _stat(data: bytes, source: str) -> dict[str, int]:
    # Half of the file are event counts, which come after all sizes: `slab` is the last (mm/memcontrol.c).
    sizes_end = data.find(_AFTER_SIZES) + 1
    values = _stat_fields.parse(data[:sizes_end] if sizes_end else data, source)
    return {name: value for name, value in zip(STAT_FIELDS, values, strict=True) if value is not None}


def _read(
    directory: CgroupDir, name: str, parse: Callable[[bytes, str], _T], problems: list[str]
) -> _T | None:
    path = f"{directory.root}{directory.path}/{name}"
    limit = _STAT_LIMIT if name == "memory.stat" else _SMALL_LIMIT
    try:
        return parse(files.read_record(name, directory.fd, path, limit), path)
    except GoneError:
        problems.append(f"there is no {name}")
    except AgentError as error:
        problems.append(visible(str(error)))
    return None


def _is_gone(directory: CgroupDir) -> bool:
    """Return whether the cgroup was removed; one without the memory controller has files all the same."""
    try:
        directory.listing()
    except AgentError:
        return True
    return False
