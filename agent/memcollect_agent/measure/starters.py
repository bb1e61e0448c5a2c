"""Which pod's process started a container that lies outside every pod: a Docker daemon's, say.

The parent of a container's first process is the shim of its runtime (or the runtime's daemon), and that
one lives in the cgroup it was started in. The kernel's own lists (cgroup.procs) say which cgroup holds an
ancestor: names and command lines, which anybody may choose, are not asked.
"""

from collections.abc import Iterator

from memcollect_agent.errors import AgentError
from memcollect_agent.read.cgroupfs import CgroupDir, CgroupFs
from memcollect_agent.read.procfs import ProcFs

MOST_PODS_CGROUPS = 2000
"""Of pods, whose lists of processes are read at most; only where a container outside was found."""
MOST_CONTAINERS = 200
_DEEPEST = 16


class Starters:
    """The processes of the node's pods, listed when they are first needed."""

    def __init__(self, proc: ProcFs, cgroups: CgroupFs, pod_paths: list[str]) -> None:
        self._proc = proc
        self._cgroups = cgroups
        self._pod_paths = pod_paths
        self._listed: dict[int, str] | None = None
        self._asked = 0

    def pod_of(self, path: str) -> str:
        """Return the pod's cgroup that holds an ancestor of the first process of `path`; "" for none."""
        self._asked += 1
        if self._asked > MOST_CONTAINERS or not self._pod_paths:
            return ""
        pid = self._first_process(path)
        owners = self._owners()
        for _ in range(_DEEPEST):
            if pid <= 1:
                return ""
            if pid in owners:
                return owners[pid]
            pid = self._parent(pid)
        return ""

    def _first_process(self, path: str) -> int:
        try:
            with self._cgroups.open(path) as directory:
                return next(_processes(directory, [1]), 0)
        except AgentError:
            return 0

    def _parent(self, pid: int) -> int:
        try:
            with self._proc.process(pid) as process:
                return process.stat().ppid
        except AgentError:
            return 0

    def _owners(self) -> dict[int, str]:
        if self._listed is None:
            self._listed = {}
            room = [MOST_PODS_CGROUPS]
            for path in self._pod_paths:
                try:
                    with self._cgroups.open(path) as directory:
                        for pid in _processes(directory, room):
                            self._listed[pid] = path
                except AgentError:
                    continue
        return self._listed


def _processes(directory: CgroupDir, room: list[int]) -> Iterator[int]:
    """Yield the processes of a subtree, as long as `room`, a count of cgroups, lasts."""
    if room[0] <= 0:
        return
    try:
        found = directory.read_procs()
        names = directory.children()
    except AgentError:
        return
    if found:
        room[0] -= 1
        yield from found
    for name in names:
        try:
            child = directory.child(name)
        except AgentError:
            continue
        with child:
            yield from _processes(child, room)
