"""Rows, answers and pods of a live view, small enough to read."""

from collections.abc import Sequence

from memcollect.join import ClusterFacts
from memcollect.kubernetes import objects as kube
from memcollect.kubernetes.usage import Metrics
from memcollect.live.nodes import NodeView, answered, listed
from memcollect.live.parts import Part, Parts
from memcollect.live.rows import Row, Use
from memcollect.live.trend import Growth
from memcollect_agent import wire
from worlds.join_builders import NODE, NOW, Described
from worlds.join_builders import pod as described_pod

MIB = 1 << 20
FACTS = ClusterFacts(metrics=Metrics())


def exactly(size_bytes: int) -> Part:
    """Return a part that is known."""
    return Part(size_bytes, size_bytes, size_bytes)


def parts(working_set: int, **more: Part) -> Parts:
    """Return the parts of a working set: all of it anonymous, but for what `more` says."""
    rest = sum(part.bytes or 0 for part in more.values())
    known = {"shmem": exactly(0), "hot_cache": exactly(0), "kernel": exactly(0), **more}
    anon = known.pop("anon", exactly(working_set - rest))
    other = working_set - sum(part.bytes or 0 for part in (anon, *known.values()))
    return Parts(working_set_bytes=working_set, anon=anon, **known, other_bytes=other)


def row(name: str = "sandbox-1", working_set: int | None = 100 * MIB, **more: object) -> Row:
    """Return a row; `working_set` of None: not measured."""
    fields: dict[str, object] = {
        "uid": f"uid-{name}",
        "name": name,
        "namespace": "deer-flow",
        "node": "node-1",
        "read_at": 1000.0,
        "parts": parts(working_set) if working_set is not None else None,
        "use": Use(current_bytes=working_set, limit="max"),
        "oom_kills": 0,
    }
    return Row(**{**fields, **more})  # type: ignore[arg-type]


def growth(change: int, over: float = 60.0, trend: Sequence[int | None] = ()) -> Growth:
    """Return a change."""
    return Growth(change_bytes=change, over_seconds=over, trend=tuple(trend))


def view(*rows: Row, name: str = "node-1", **more: object) -> NodeView:
    """Return a node that has answered with these rows at second 100."""
    fields: dict[str, object] = {"name": name, "rows": rows, "received": 100.0}
    return NodeView(**{**fields, **more})  # type: ignore[arg-type]


def pod(number: int, **more: object) -> kube.Pod:
    """Return a running pod of one container."""
    fields: dict[str, object] = {"name": f"sandbox-{number}", "uid": f"uid-{number}"}
    return described_pod([Described("app", f"c{number}")], **{**fields, **more})  # type: ignore[arg-type]


def wire_cgroup(number: int, size_bytes: int, at: float = NOW) -> wire.Cgroup:
    """Return a cgroup of anonymous memory alone, whose counters an older kernel has, too."""
    stat = dict.fromkeys(("file", "shmem", "kernel", "sock", "inactive_file", "active_file"), 0)
    stat |= {"anon": size_bytes, "inactive_anon": size_bytes, "active_anon": 0, "unevictable": 0}
    stat |= dict.fromkeys(("slab_reclaimable", "slab_unreclaimable", "kernel_stack", "pagetables"), 0)
    return wire.Cgroup(
        path=f"/kubepods/pod{number}/c{number}",
        inode=number,
        read_at=at,
        current_bytes=size_bytes,
        current_read_at=at,
        max_bytes="max",
        stat=stat,
        events={"oom_kill": 0},
    )


def sample(sizes: dict[int, int], at: float = NOW, history: wire.History | None = None) -> wire.NodeSample:
    """Return an answer about pods by number, each of one container of so many bytes."""
    pods = [
        wire.Pod(
            uid=f"uid-{number}",
            cgroup=wire.Cgroup(path=f"/kubepods/pod{number}", inode=1000 + number, current_bytes=size),
            containers=[wire.Container(id=f"c{number}", cgroup=wire_cgroup(number, size, at))],
        )
        for number, size in sizes.items()
    ]
    node = wire.Node(name=NODE, cpus=2, page_size_bytes=4096)
    return wire.NodeSample(sampled_at=at, finished_at=at, node=node, pods=pods, history=history)


def ring(number: int, points: dict[float, int | None]) -> wire.CgroupHistory:
    """Return a container's history: working sets by time."""
    return wire.CgroupHistory(
        path=f"/kubepods/pod{number}/c{number}",
        inode=number,
        pod_uid=f"uid-{number}",
        container_id=f"c{number}",
        times=list(points),
        current_bytes=list(points.values()),
        inactive_file_bytes=[0] * len(points),
    )


def history(*rings: wire.CgroupHistory) -> wire.History:
    """Return these rings as an agent answers them."""
    return wire.History(interval_seconds=2.0, depth=61, cgroups=list(rings))


def node_of(*pods: kube.Pod, facts: ClusterFacts = FACTS) -> NodeView:
    """Return a node with pods, which nobody has asked yet."""
    return listed(NodeView(name=NODE), pods, facts)


def answering(node: NodeView, answer: wire.NodeSample, now: float = 100.0) -> NodeView:
    """Return the node with an answer to the question for all its pods."""
    return answered(node, answer, node.uids, now, FACTS)
