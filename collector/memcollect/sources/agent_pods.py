"""Which pod is the agent of which node."""

from collections import defaultdict
from collections.abc import Collection, Iterator

import msgspec
from msgspec import Struct

from memcollect.kubernetes.objects import ContainerStatus, Pod
from memcollect.sources.api import Api
from memcollect.sources.evictions import Eviction, eviction_of
from memcollect.sources.names import checked
from memcollect.sources.pages import Listing, Report, items
from memcollect.sources.plain import plain
from memcollect.sources.pods import pods_path
from memcollect.sources.rights import AGENT_NAMESPACE, Right
from memcollect_agent.wire import DEFAULT_PORT

AGENT_SELECTOR = "app.kubernetes.io/name=memcollect-agent"
FEW = 10
"""For up to this many nodes each is asked for alone; for more, the whole list is."""


BETWEEN_TRIES = "CrashLoopBackOff"
OWN_ENDS = ("StartError", "OOMKilled")
"""Ends that say more than that the program ended: it was never started, or the kernel ended it."""


AGENT_PORT = DEFAULT_PORT
"""Where `memcollect-agent serve` listens unless told otherwise."""


class Deployment(Struct, frozen=True, kw_only=True):
    """Where the agents are, as deploy/ puts them."""

    namespace: str = AGENT_NAMESPACE
    selector: str = AGENT_SELECTOR
    port: int = AGENT_PORT
    """On the loopback of each agent's pod."""


class AgentPod(Struct, frozen=True, kw_only=True):
    """The agent of one node, fit to be asked where `problem` is empty."""

    node: str
    name: str
    namespace: str = AGENT_NAMESPACE
    port: int = AGENT_PORT
    image: str = ""
    uid: str = ""
    """What its own cgroup is named by."""
    restarts: int = 0
    """How often its container had been started again when it was listed."""
    problem: str = ""
    """Why it cannot be asked now, in words."""
    waits: str = ""
    """Kubernetes' own word for what keeps it: "ErrImagePull", "CreateContainerError", "Unschedulable", …"""
    said: str = ""
    """What Kubernetes says of that."""
    eviction: Eviction | None = None
    """Of one that cannot be asked: its own, or that of the one before it on its node."""


def find_agents(
    api: Api, report: Report, nodes: Collection[str] | None = None, deployment: Deployment | None = None
) -> dict[str, AgentPod]:
    """Return the agents of `nodes` (None: all) by node; a node that has none is not in it.

    Of two on one node, as during a roll-out, the ready one is taken, then the younger. Raises a ClusterError.
    """
    deployment = deployment or Deployment()
    found: defaultdict[str, list[Pod]] = defaultdict(list)
    for pod in _listed(api, report, nodes, deployment):
        node = pod.spec.node_name
        if node and (nodes is None or node in nodes):
            found[node].append(pod)
    return {node: _agent(node, pods, deployment.port) for node, pods in found.items()}


def after(agent: AgentPod, eviction: Eviction | None) -> AgentPod:
    """Return the agent that cannot be asked as the follower of one that was evicted."""
    if eviction is None or not agent.problem or agent.eviction is not None:
        return agent
    problem = f"{agent.problem}, and the one before it was {eviction.told}"
    return msgspec.structs.replace(agent, eviction=eviction, problem=problem)


def read_agent(api: Api, namespace: str, name: str) -> Pod | None:
    """Return the pod of an agent as it is now; None where there is none. Raises a ClusterError.

    It is listed by its name, for the right to list is the only one that is needed there otherwise.
    """
    right = Right("list", "pods", namespace=namespace)
    query = [("fieldSelector", f"metadata.name={checked('pod', name)}")]
    return next(items(api, Listing(pods_path(namespace), right, Pod, query), lambda _missing: None), None)


def _listed(api: Api, report: Report, nodes: Collection[str] | None, deployment: Deployment) -> Iterator[Pod]:
    namespace = checked("namespace", deployment.namespace)
    right = Right("list", "pods", namespace=namespace)
    labels = [("labelSelector", deployment.selector)]
    if nodes is None or len(nodes) > FEW:
        yield from items(api, Listing(pods_path(namespace), right, Pod, labels), report)
        return
    for node in nodes:
        of_node = [*labels, ("fieldSelector", f"spec.nodeName={checked('node', node)}")]
        yield from items(api, Listing(pods_path(namespace), right, Pod, of_node), report)


def _fitness(pod: Pod) -> tuple[bool, bool, str]:
    return pod.is_ready, pod.metadata.deletion_timestamp is None, pod.metadata.creation_timestamp or ""


def _agent(node: str, pods: list[Pod], port: int) -> AgentPod:
    pod = max(pods, key=_fitness)
    evicted = [each for each in pods if each is not pod and eviction_of(each) is not None]
    before = max(evicted, key=_fitness, default=None)
    return after(_as_listed(node, pod, port), eviction_of(before) if before is not None else None)


def _as_listed(node: str, pod: Pod, port: int) -> AgentPod:
    waits, said = _waits(pod)
    return AgentPod(
        node=node,
        name=pod.metadata.name,
        namespace=pod.metadata.namespace,
        port=port,
        image=pod.spec.containers[0].image if pod.spec.containers else "",
        uid=pod.cgroup_uid,
        restarts=max((each.restart_count for each in pod.status.container_statuses), default=0),
        problem=_problem(pod),
        waits=waits,
        said=said,
        eviction=eviction_of(pod),
    )


def _waits(pod: Pod) -> tuple[str, str]:
    """Return the word and the words for what keeps a pod from running; empty where nothing is said."""
    if pod.is_ready:
        return "", ""
    if pod.status.reason:
        return pod.status.reason, plain(pod.status.message or "")
    stuck = [each for each in pod.status.container_statuses if each.state.waiting or each.state.terminated]
    return _of_container(stuck[0]) if stuck else ("", "")


def _of_container(status: ContainerStatus) -> tuple[str, str]:
    """Return the word and the words for why a container does not run.

    Between two tries the kubelet says only that there will be another; how the last one ended stands in
    the state before.
    """
    waiting, ended = status.state.waiting, status.state.terminated
    if waiting is not None and waiting.reason == BETWEEN_TRIES:
        ended = status.last_state.terminated
    if ended is None:
        return (waiting.reason or "", plain(waiting.message or "")) if waiting else ("", "")
    word = ended.reason if ended.reason in OWN_ENDS else BETWEEN_TRIES
    return word, plain(ended.message or "") or f"it last ended with exit code {ended.exit_code}"


def _problem(pod: Pod) -> str:
    if pod.is_ready:
        return ""
    eviction = eviction_of(pod)
    if eviction is not None:
        return f"it was {eviction.told}"
    if pod.metadata.deletion_timestamp is not None:
        return "it is being deleted"
    waiting = [status.state.waiting for status in pod.status.container_statuses if status.state.waiting]
    if waiting and waiting[0].reason:
        return f"it waits: {waiting[0].reason}"
    if pod.status.phase == "Running":
        return "it is not ready"
    why = f", {plain(pod.status.reason)}" if pod.status.reason else ""
    said = f" ({plain(pod.status.message).rstrip('. ')})" if pod.status.message else ""
    return f"it is {pod.status.phase or 'Unknown'}{why}{said}"
