"""Which cgroups there are to follow: each pod's own, and those directly below it."""

from collections.abc import Iterator

from msgspec import Struct

from memcollect_agent import pods
from memcollect_agent.errors import AgentError, GoneError
from memcollect_agent.history.followed import Followed
from memcollect_agent.history.standing import NotedDir, Standing
from memcollect_agent.measure.discover import Finder
from memcollect_agent.read.cgroupfs import CgroupFs
from memcollect_agent.redact import visible
from memcollect_agent.wire import Problem

MAX_PROBLEMS = 20
"""Of one scan that are kept; a tree that cannot be read fails everywhere in the same way."""


class Place(Struct, frozen=True, kw_only=True):
    """A cgroup to follow."""

    path: str
    pod_uid: str
    container_id: str | None = None
    is_pod: bool = False


class Scan:
    """One walk over the whole tree. `problems` tells what could not be looked into."""

    def __init__(self, cgroups: CgroupFs) -> None:
        self._cgroups = cgroups
        self.standing = Standing()
        """What was seen."""
        self.problems: list[Problem] = []

    def places(self, known: dict[str, Followed]) -> Iterator[Place]:
        """Yield every place in the order of the paths.

        `known` are the open cgroups by path: their directories are listed without being opened again.
        """
        finder = Finder(None, None)
        try:
            with NotedDir(self._cgroups.open(), self.standing) as top:
                for found in finder.find(top):
                    if found.pod:
                        yield from self._pod(found.path, found.pod.uid, known.get(found.path))
                    elif found.stray:
                        uid = found.stray.pod_uid or ""
                        yield Place(path=found.path, pod_uid=uid, container_id=found.stray.id)
        except AgentError as error:
            self.note("/", error)
        self.problems = (finder.problems + self.problems)[:MAX_PROBLEMS]

    def _pod(self, path: str, uid: str, known: Followed | None) -> Iterator[Place]:
        yield Place(path=path, pod_uid=uid, is_pod=True)
        try:
            names = self._children(path, known)
        except GoneError:
            return
        except AgentError as error:
            self.note(path, error)
            return
        for name in names:
            container = pods.container_at(name)
            yield Place(path=f"{path}/{name}", pod_uid=uid, container_id=container.id)

    def _children(self, path: str, known: Followed | None) -> list[str]:
        if known is None:
            with self._cgroups.open(path) as directory:
                names = directory.children()
        else:
            # Not children(): a CgroupDir keeps its first answer.
            names = known.directory.children_now()
        self.standing.listed(path, names)
        return names

    def note(self, path: str, error: AgentError) -> None:
        """Add a problem, as long as there are not too many."""
        if len(self.problems) >= MAX_PROBLEMS:
            return
        detail = visible(str(error))
        self.problems.append(Problem(kind="node", name=visible(path), reason="unreadable", detail=detail))
