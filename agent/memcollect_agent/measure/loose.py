"""Containers outside of every pod, by the process that started them.

Docker or podman inside a pod may put its containers at the root of the node's tree (/docker/ID), where
neither the pod's limit nor kubectl top counts them. Their first process is a child of a shim or monitor
that runs in the pod, and who is whose parent is the kernel's word, not the container's.
"""

from memcollect_agent.errors import AgentError
from memcollect_agent.measure.discover import Found
from memcollect_agent.read.cgroupfs import CgroupFs
from memcollect_agent.read.procfs import ProcFs

MOST_LOOKED_AT = 500
"""Containers whose parents are looked up, and processes of each: one of them is the first."""


class Loose:
    """Looks the parents up at the first question: where every container is a pod's, nothing is read."""

    def __init__(self, found: list[Found], cgroups: CgroupFs, proc: ProcFs) -> None:
        self._found = found[:MOST_LOOKED_AT]
        self._cgroups = cgroups
        self._proc = proc
        self._parents: dict[str, set[int]] | None = None

    def started_by(self, pids: set[int]) -> list[Found]:
        """Return those whose first process is a child of one of `pids`; each is returned once."""
        if self._parents is None:
            self._parents = {each.path: self._parents_of(each) for each in self._found}
        started = [each for each in self._found if self._parents[each.path] & pids]
        self._found = [each for each in self._found if each not in started]
        return started

    def _parents_of(self, place: Found) -> set[int]:
        try:
            with self._cgroups.open(place.path) as directory:
                pids = directory.read_procs()[:MOST_LOOKED_AT]
        except AgentError:
            return set()
        return {parent for pid in pids if pid and (parent := self._parent(pid))} - set(pids)

    def _parent(self, pid: int) -> int | None:
        try:
            with self._proc.process(pid) as process:
                return process.stat().ppid
        except AgentError:
            return None
