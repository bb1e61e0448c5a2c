"""Pods as Kubernetes describes them, and as an agent measured them, small enough to read."""

from collections.abc import Sequence

from memcollect.join import ClusterFacts
from memcollect.kubernetes import objects as kube
from memcollect.kubernetes.usage import Metrics, PodUsage, Usage
from memcollect_agent.wire import (
    Cgroup,
    CgroupHistory,
    Container,
    History,
    Node,
    NodeSample,
    Pod,
    Problem,
    ProcessSums,
)

MIB = 1 << 20
NODE = "node-1"
UID = "476ef1fb-90cb-446a-989f-e9a1ed217abf"
NOW = 1_800_000_000.0
"""When the agent read, on the node's clock."""
PAGE = 4096
SLACK = 64 * 2 * PAGE
"""Of a node with two CPUs."""


def running(since: str | None = None) -> kube.ContainerState:
    return kube.ContainerState(running=kube.Running(started_at=since))


def ended(exit_code: int = 0, reason: str = "Completed", at: str | None = None) -> kube.ContainerState:
    return kube.ContainerState(terminated=kube.Terminated(exit_code=exit_code, reason=reason, finished_at=at))


def waiting(reason: str = "ContainerCreating") -> kube.ContainerState:
    return kube.ContainerState(waiting=kube.Waiting(reason=reason))


class Described:
    """One container of a pod in the making: its spec and its status."""

    def __init__(
        self,
        name: str,
        id_: str | None = None,
        state: kube.ContainerState | None = None,
        *,
        restart_policy: str | None = None,
    ) -> None:
        self.spec = kube.ContainerSpec(name=name, image=f"image/{name}", restart_policy=restart_policy)
        state = state or running()
        written = f"containerd://{id_}" if id_ else ""
        self.status = kube.ContainerStatus(name=name, container_id=written, state=state)


def pod(  # noqa: PLR0913 - a pod is this many facts, all with a default
    containers: Sequence[Described] = (),
    *,
    init: Sequence[Described] = (),
    ephemeral: Sequence[Described] = (),
    name: str = "sandbox-1",
    uid: str = UID,
    node: str | None = NODE,
    phase: str = "Running",
    metadata: kube.Metadata | None = None,
    runtime_class: str | None = None,
    start_time: str | None = None,
    conditions: Sequence[kube.Condition] = (),
) -> kube.Pod:
    metadata = metadata or kube.Metadata(name=name, namespace="deer-flow", uid=uid)
    return kube.Pod(
        metadata=metadata,
        spec=kube.PodSpec(
            node_name=node,
            runtime_class_name=runtime_class,
            containers=[each.spec for each in containers],
            init_containers=[each.spec for each in init],
            ephemeral_containers=[each.spec for each in ephemeral],
        ),
        status=kube.PodStatus(
            phase=phase,
            start_time=start_time,
            conditions=list(conditions),
            container_statuses=[each.status for each in containers],
            init_container_statuses=[each.status for each in init],
            ephemeral_container_statuses=[each.status for each in ephemeral],
        ),
    )


def cgroup(path: str, working_set: int = MIB, *, inactive: int = 0, inode: int | None = None) -> Cgroup:
    return Cgroup(
        path=path,
        inode=inode,
        read_at=NOW,
        current_bytes=working_set + inactive,
        current_read_at=NOW,
        stat={"anon": working_set, "inactive_file": inactive},
    )


def measured(
    id_: str | None,
    role: str = "container",
    working_set: int = MIB,
    *,
    inactive: int = 0,
    inode: int | None = None,
) -> Container:
    path = f"/kubepods/pod{UID}/{role}-{id_}"
    return Container(
        id=id_,
        role=role,
        cgroup=cgroup(path, working_set, inactive=inactive, inode=inode),
        sums=ProcessSums(listed=1, read=1),
    )


def pause() -> Container:
    return measured("pause", "pause", MIB // 4)


def measured_pod(*containers: Container, uid: str = UID) -> Pod:
    size = sum(each.cgroup.current_bytes or 0 for each in containers)
    return Pod(
        uid=uid,
        driver="cgroupfs",
        cgroup=cgroup(f"/kubepods/pod{uid}", size),
        containers=list(containers),
    )


def answer(
    *pods: Pod, problems: Sequence[Problem] = (), history: Sequence[CgroupHistory] | None = None
) -> NodeSample:
    return NodeSample(
        sampled_at=NOW,
        finished_at=NOW,
        node=Node(name="as-the-agent-calls-it", cpus=2, page_size_bytes=PAGE),
        pods=list(pods),
        problems=list(problems),
        history=None if history is None else History(interval_seconds=2.0, depth=61, cgroups=list(history)),
    )


def ring(inode: int, points: Sequence[tuple[float, int | None]]) -> CgroupHistory:
    """Return a history; its times are seconds before NOW, its numbers working sets."""
    return CgroupHistory(
        path="/c",
        inode=inode,
        pod_uid=UID,
        times=[NOW - before for before, _ in points],
        current_bytes=[size for _, size in points],
        inactive_file_bytes=[0 for _ in points],
    )


def usage(before: float = 10.0, name: str = "sandbox-1", **bytes_: int | None) -> ClusterFacts:
    """Return the metrics API's answer for one pod, sampled `before` seconds ago; containers by name."""
    found = PodUsage(
        namespace="deer-flow",
        name=name,
        timestamp=NOW - before,
        containers=[Usage(name=each, memory_bytes=size) for each, size in bytes_.items()],
    )
    return ClusterFacts(metrics=Metrics(pods={("deer-flow", name): found}))


NO_METRICS = ClusterFacts(metrics=Metrics())
