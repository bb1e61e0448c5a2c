"""What one look at the node found: plain structs between reading and writing."""

from msgspec import Struct, field

from memcollect_agent.metrics.parts import Parts
from memcollect_agent.metrics.whole import WholeNode
from memcollect_agent.wire import Problem


class ContainerReading(Struct, frozen=True, kw_only=True):
    """One cgroup below a pod's."""

    id: str
    """The runtime's container id; of a cgroup of unknown shape its name, escaped and cut."""
    role: str
    """As wire.Container.role."""
    inode: int | None
    parts: Parts
    swap: int | None
    """memory.swap.current in bytes."""
    limit: int | None = None
    """memory.max in bytes; None also where it is "max"."""


class PodReading(Struct, frozen=True, kw_only=True):
    """One pod's cgroup with its children."""

    uid: str
    qos_class: str
    current: int | None
    working_set: int | None
    lasting: int | None
    """Of the working set what cannot be dropped."""
    limit: int | None
    """memory.max in bytes; None also where it is "max"."""
    dying_cgroups: int | None
    """nr_dying_descendants of cgroup.stat: removed cgroups that still hold charges."""
    containers: list[ContainerReading]
    oom_kills: int | None = None
    """oom_kill of memory.events, which counts for all that is or was below the pod's cgroup."""
    unread_containers: int = 0
    """Children that could not be opened at all."""

    @property
    def outside_containers(self) -> int | None:
        """The pod's memory.current less that of its children; None unless all of them are known."""
        children = [container.parts.current for container in self.containers]
        known = [current for current in children if current is not None]
        if self.current is None or self.unread_containers or len(known) < len(children):
            return None
        return self.current - sum(known)


class LeftOut(Struct, kw_only=True):
    """Whole pods that are on the node and not on the page, by reason, with their containers."""

    pods: dict[str, int] = field(default_factory=dict)
    containers: dict[str, int] = field(default_factory=dict)
    """Only of pods that were looked into; a "ceiling" counts what would have come."""

    def add(self, reason: str, containers: int = 0) -> None:
        """Count a pod."""
        self.pods[reason] = self.pods.get(reason, 0) + 1
        self.containers[reason] = self.containers.get(reason, 0) + containers


class NodeReading(Struct, frozen=True, kw_only=True):
    """The node, whole or in part; `problems` says what is missing and why."""

    readable: bool
    """False: there is no cgroup v2 tree with a memory controller; the problem says what to do."""
    pods: list[PodReading] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)
    vanished: int = 0
    """Cgroups that were removed between being listed and being read: normal."""
    whole: WholeNode | None = None
    """What the node holds as a whole; None where its tree could not be read."""
    problems: list[Problem] = field(default_factory=list)
