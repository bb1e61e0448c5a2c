"""The processes of a cgroup and of every cgroup below it."""

from collections.abc import Callable

from memcollect_agent.errors import AgentError, GoneError
from memcollect_agent.measure.problems import Problems
from memcollect_agent.read import cgroupfs
from memcollect_agent.read.cgroupfs import CgroupDir
from memcollect_agent.redact import visible

MAX_SUB_CGROUPS = 4096
"""Cgroups inside one container that are searched for processes."""

Pids = dict[int, str | None]
"""Pid -> the path below the cgroup that was asked for, e.g. "/init.scope"; None: that cgroup itself."""


class Subtrees:
    """Lists processes; what cannot be listed is a problem, what has gone meanwhile is none."""

    def __init__(self, problems: Problems, late: Callable[[], bool] = lambda: False) -> None:
        """`late` tells whether the time is used up; what is left is then not searched, and a problem."""
        self._problems = problems
        self._late = late

    def own(self, pod: CgroupDir) -> Pids:
        """Return the processes that sit in the pod's cgroup itself."""
        try:
            return dict.fromkeys(pod.read_procs())
        except GoneError:
            return {}
        except AgentError as error:
            self._problems.add_error("pod", pod.path, error)
            return {}

    def all(self, directory: CgroupDir) -> Pids:
        """Return every process of the subtree; a pid listed twice comes once."""
        pids: Pids = {}
        left = [MAX_SUB_CGROUPS]
        self._collect(directory, len(directory.path), pids, left)
        if left[0] < 0:
            reason, why = (
                ("budget", "the time budget was spent")
                if self._late()
                else ("unsupported", f"more than {MAX_SUB_CGROUPS} cgroups inside it")
            )
            detail = f"{why}: not all of its cgroups were searched for processes"
            self._problems.add("container", directory.path, reason, detail)
        return pids

    def _collect(self, directory: CgroupDir, prefix: int, pids: Pids, left: list[int]) -> None:
        try:
            below = visible(directory.path[prefix:]) or None
            for pid in directory.read_procs():
                pids.setdefault(pid, below)
            names = directory.children()
        except GoneError:
            return
        except AgentError as error:
            self._problems.add_error("container", directory.path, error)
            return
        if names and directory.depth >= cgroupfs.MAX_DEPTH:
            detail = f"deeper than {cgroupfs.MAX_DEPTH} levels: what is below was not searched for processes"
            self._problems.add("container", directory.path, "unsupported", detail)
            return
        for name in names:
            left[0] = -1 if self._late() else left[0] - 1
            if left[0] < 0:
                return
            try:
                with directory.child(name) as child:
                    self._collect(child, prefix, pids, left)
            except GoneError:
                continue
            except AgentError as error:
                self._problems.add_error("container", f"{directory.path}/{name}", error)
