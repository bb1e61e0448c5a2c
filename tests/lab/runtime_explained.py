"""The explained rows of a scene, with kubectl top's numbers as each runtime's provider would make them."""

from lab.runtime_truth import Played
from memcollect.documents.snapshot import Finding, Pod
from memcollect.explain import explain_pod
from memcollect.join import ClusterFacts, NodeJoin, join_node
from memcollect.kubernetes import objects as kube
from memcollect.kubernetes.usage import Metrics, PodUsage, Usage
from memcollect_agent.wire import NodeSample

CLASSES = {"gvisor": ("gvisor", "runsc"), "kata": ("kata-qemu", "kata-qemu")}


def sample_of(played: Played) -> NodeSample:
    """Return the scene's sample; a scene that failed shows its traceback."""
    assert played.sample is not None, played.error
    return played.sample


def gvisor_split(played: Played) -> dict[str, int]:
    """Return gVisor's numbers: what the Sentry counts as its guest's, in equal parts, none for pause."""
    each = played.scene.sizes["guest"] // len(played.scene.containers)
    return dict.fromkeys(played.scene.containers, each)


def kata_guest(played: Played) -> dict[str, int]:
    """Return Kata's numbers: what the guest's own cgroups count, which only the guest knows."""
    return dict.fromkeys(played.scene.containers, played.scene.sizes["top"])


def joined(played: Played, family: str | None, numbers: dict[str, int] | None = None) -> NodeJoin:
    """Return the join of the scene's sample with what Kubernetes would say of its pod."""
    sample, scene = sample_of(played), played.scene
    runtime_class, handler = CLASSES[family] if family else (None, "")
    pods = [_described(played, runtime_class)] if scene.pod else []
    usage = PodUsage(
        namespace="lab",
        name=scene.pod or "",
        timestamp=sample.sampled_at - 8,
        containers=[Usage(name=name, memory_bytes=size) for name, size in (numbers or {}).items()],
    )
    metrics = Metrics(pods={("lab", scene.pod or ""): usage} if numbers else {})
    handlers = {runtime_class: handler} if runtime_class else {}
    return join_node("lab", pods, sample, ClusterFacts(metrics=metrics, handlers=handlers))


def explained(played: Played, family: str | None, numbers: dict[str, int] | None = None) -> list[Pod]:
    """Return the scene's rows, explained."""
    rows = joined(played, family, numbers)
    return [explain_pod(pod, rows.node) for pod in rows.pods]


def finding(pod: Pod, cause: str, scope: str | None = None) -> Finding:
    """Return the one finding of that cause."""
    found = [each for each in pod.findings if each.cause == cause and scope in {None, each.scope}]
    assert len(found) == 1, f"{cause}: {[(each.cause, each.scope) for each in pod.findings]}"
    return found[0]


def _described(played: Played, runtime_class: str | None) -> kube.Pod:
    scene = played.scene
    return kube.Pod(
        metadata=kube.Metadata(name=scene.pod or "", namespace="lab", uid=scene.uid or ""),
        spec=kube.PodSpec(
            node_name="lab",
            runtime_class_name=runtime_class,
            containers=[kube.ContainerSpec(name=name) for name in scene.containers],
        ),
        status=kube.PodStatus(
            phase="Running",
            container_statuses=[
                kube.ContainerStatus(
                    name=name,
                    container_id=f"containerd://{id_}",
                    state=kube.ContainerState(running=kube.Running()),
                )
                for name, id_ in scene.containers.items()
            ],
        ),
    )
