"""The kernel's own rules of counting OOM kills (mm/memcontrol.c, mm/oom_kill.c), as a tree of counters."""

from __future__ import annotations

from dataclasses import dataclass, field

from memcollect.documents.snapshot import Container, Pod
from memcollect_agent.wire import Cgroup, Limit, ProcessSums

NAMES = ("low", "high", "max", "oom", "oom_kill", "oom_group_kill")


@dataclass
class Group:
    """A cgroup: its counters, and the one above it."""

    path: str
    above: Group | None = None
    limit: Limit = "max"
    oom_group: bool = False
    events: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NAMES, 0))
    local: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NAMES, 0))

    def count(self, event: str) -> None:
        """Count an event here, and in everything above."""
        self.local[event] += 1
        each: Group | None = self
        while each is not None:
            each.events[event] += 1
            each = each.above

    def reach_limit(self, victim: Group, members: int = 1) -> None:
        """Count what happens when this cgroup's limit is reached and `victim` is chosen to be ended."""
        self.count("max")
        self.count("oom")
        victim.die(members)

    def die(self, members: int = 1) -> None:
        """Count one process that is ended here, and its whole group where memory.oom.group is set."""
        self.count("oom_kill")
        if self.oom_group:
            self.count("oom_group_kill")
            for _ in range(members):
                self.count("oom_kill")

    def cgroup(self, peak: int | None = None) -> Cgroup:
        """Return the cgroup as an agent reads it."""
        return Cgroup(
            path=self.path,
            max_bytes=self.limit,
            peak_bytes=peak,
            oom_group=self.oom_group,
            events=dict(self.events),
            events_local=dict(self.local),
        )


@dataclass
class Machine:
    """A node with one pod of two containers; `app` may be replaced by a new one, as after a restart."""

    oom_group: bool = False
    limit: Limit = 64 << 20

    def __post_init__(self) -> None:
        self.pods = Group("/kubepods")
        self.qos = Group("/kubepods/burstable", self.pods)
        self.pod = Group("/kubepods/burstable/podX", self.qos)
        self.side = Group(f"{self.pod.path}/side", self.pod)
        self.restart()

    def restart(self) -> None:
        """Remove the app's cgroup and make another."""
        self.app = Group(f"{self.pod.path}/app", self.pod, limit=self.limit, oom_group=self.oom_group)

    def row(self, *, restarts: int = 0) -> Pod:
        """Return the pod as a document has it."""
        return Pod(
            uid="X",
            name="sandbox-1",
            phase="Running",
            cgroup=self.pod.cgroup(),
            own_sums=ProcessSums(),
            containers=[
                Container(
                    name=name,
                    state="running",
                    restarts=restarts if name == "app" else 0,
                    cgroup=group.cgroup(),
                    sums=ProcessSums(listed=1, read=1),
                )
                for name, group in (("app", self.app), ("side", self.side))
            ],
        )

    def ancestors(self) -> list[Cgroup]:
        """Return what the agent reads above the pod."""
        return [self.pods.cgroup(), self.qos.cgroup()]
