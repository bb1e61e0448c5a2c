"""One joined pod -> its row of the live view. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from memcollect.documents.snapshot import Pod, Undecided
from memcollect.join import FINISHED
from memcollect.join.roles import app_containers
from memcollect.live.parts import Parts, composition_of, parts_of, undecided_parts
from memcollect.live.trend import Growth, Memory, growth_of
from memcollect_agent.wire import Cgroup, Limit, Node


class Use(Struct, frozen=True, kw_only=True):
    """memory.current against memory.max, of the pod or of that container which is nearest to its own."""

    current_bytes: int | None = None
    limit: Limit = None
    """Bytes; "max": there is none; None: not known."""
    container: str = ""
    """Whose it is, where it is that of one of several."""

    @property
    def share(self) -> float | None:
        """The used share of the limit; None where there is no limit, or either is not known."""
        if self.current_bytes is None or not isinstance(self.limit, int) or self.limit <= 0:
            return None
        return self.current_bytes / self.limit


class Row(Struct, frozen=True, kw_only=True):
    """What is known of one pod by its node's last answer."""

    uid: str
    name: str
    namespace: str | None = None
    node: str | None = None
    finished: bool = False
    unmeasured: str = ""
    """Why there is no working set, as a sentence."""
    read_at: float | None = None
    """On the node's clock."""
    parts: Parts | None = None
    growth: Growth | None = None
    top_bytes: int | None = None
    top_at: float | None = None
    """When kubectl top's number was sampled, on the node's clock."""
    top_detail: str = ""
    use: Use = Use()
    oom_kills: int | None = None
    open: tuple[tuple[str, Undecided], ...] = ()
    """By part: what its kernel did not give."""

    @property
    def full_name(self) -> str:
        """NAMESPACE/NAME; the name alone outside Kubernetes."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def row_of(pod: Pod, node: Node | None, memory: Memory) -> Row:
    """Return a pod's row; `memory` holds the points of its cgroups, by inode."""
    composition, why_none = composition_of(pod, node)
    top = pod.top
    return Row(
        uid=pod.uid,
        name=pod.name,
        namespace=pod.namespace,
        node=pod.node,
        finished=pod.phase in FINISHED,
        unmeasured=why_none,
        read_at=_read_at(pod),
        parts=parts_of(composition) if composition is not None else None,
        growth=_growth(pod, memory) if composition is not None else None,
        top_bytes=top.memory_bytes if top is not None else None,
        top_at=top.timestamp if top is not None else None,
        top_detail=top.detail if top is not None and top.memory_bytes is None else "",
        use=_use(pod),
        oom_kills=(pod.cgroup.events or {}).get("oom_kill") if pod.cgroup is not None else None,
        open=tuple(undecided_parts(composition)) if composition is not None else (),
    )


def _growth(pod: Pod, memory: Memory) -> Growth | None:
    inodes = [cgroup.inode for cgroup in _app_cgroups(pod)]
    series = [memory[inode] for inode in inodes if inode is not None and inode in memory]
    return growth_of(series) if len(series) == len(inodes) else None


def _app_cgroups(pod: Pod) -> Iterator[Cgroup]:
    return (each.cgroup for each in app_containers(pod) if each.cgroup is not None)


def _read_at(pod: Pod) -> float | None:
    cgroups = ([pod.cgroup] if pod.cgroup is not None else []) + list(_app_cgroups(pod))
    return max((each.current_read_at for each in cgroups if each.current_read_at is not None), default=None)


def _use(pod: Pod) -> Use:
    """Return the use of whichever limit is nearest; without any, what the pod's own file says."""
    if pod.cgroup is None:
        return Use()
    own = Use(current_bytes=pod.cgroup.current_bytes, limit=pod.cgroup.max_bytes)
    apps = [each for each in app_containers(pod) if each.cgroup is not None]
    others = [
        Use(
            current_bytes=each.cgroup.current_bytes,
            limit=each.cgroup.max_bytes,
            container=each.name if len(apps) > 1 else "",
        )
        for each in apps
        if each.cgroup is not None
    ]
    # Of equals the first, which is the pod's.
    return max((own, *others), key=lambda use: use.share if use.share is not None else -1.0)
