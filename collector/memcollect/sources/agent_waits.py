"""Why an agent is not there: pods that no node has taken yet, and pods that could not even be made."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from msgspec import Struct, field

from memcollect.errors import ClusterError
from memcollect.kubernetes.objects import Metadata, PodStatus
from memcollect.sources.agent_pods import AgentPod, Deployment
from memcollect.sources.api import Api
from memcollect.sources.evictions import EVICTED, Eviction
from memcollect.sources.pages import Listing, items
from memcollect.sources.plain import plain
from memcollect.sources.pods import pods_path
from memcollect.sources.rights import Right

UNSCHEDULABLE = "Unschedulable"
FAILED_CREATE = "FailedCreate"
"""The event of a controller whose pod the API server did not take."""
_AGGREGATED = "(combined from similar events): "
"""What client-go puts before the message from the tenth on (tools/record/events_cache.go)."""


class _Spec(Struct, frozen=True, rename="camel"):
    node_name: str | None = None
    affinity: dict[str, Any] = field(default_factory=dict)


class _Waiting(Struct, frozen=True, rename="camel"):
    metadata: Metadata
    spec: _Spec = field(default_factory=_Spec)
    status: PodStatus = field(default_factory=PodStatus)


class _Named(Struct, frozen=True):
    name: str = ""


class _Source(Struct, frozen=True):
    host: str = ""


class _Event(Struct, frozen=True, rename="camel"):
    metadata: Metadata
    reason: str | None = None
    message: str | None = None
    involved_object: _Named = field(default_factory=_Named)
    source: _Source = field(default_factory=_Source)
    last_timestamp: str | None = None


def unscheduled_agents(api: Api, deployment: Deployment) -> dict[str, AgentPod]:
    """Return the agents that wait for their node, by its name. Raises a ClusterError.

    A DaemonSet's controller says by metadata.name which node a pod is meant for.
    """
    namespace = deployment.namespace
    labels = [("labelSelector", deployment.selector), ("fieldSelector", "status.phase=Pending")]
    listing = Listing(pods_path(namespace), Right("list", "pods", namespace=namespace), _Waiting, labels)
    found: dict[str, AgentPod] = {}
    for pod in items(api, listing, lambda _missing: None):
        node = next(_meant_for(pod.spec.affinity), None)
        if node is None or pod.spec.node_name:
            continue
        said = next((each.message for each in pod.status.conditions if each.type == "PodScheduled"), None)
        found[node] = AgentPod(
            node=node,
            name=pod.metadata.name,
            namespace=namespace,
            uid=pod.metadata.uid,
            problem="it finds no place on the node",
            waits=UNSCHEDULABLE,
            said=plain(said or "the scheduler has not said why"),
        )
    return found


def failed_creations(api: Api, namespace: str) -> list[str]:
    """Return what was said of agents' pods that could not be made, the newest last.

    Empty, too, where events may not be listed: that is no right that a snapshot needs.
    """
    said = (each.message for each in _events(api, namespace, FAILED_CREATE) if each.message)
    return [plain(message.removeprefix(_AGGREGATED)) for message in said]


def told_evictions(api: Api, namespace: str, makers: Collection[str]) -> dict[str, Eviction]:
    """Return the last eviction of a pod that one of the `makers` had made, by node, as events tell.

    A DaemonSet's controller deletes a pod that has failed, so that no more than this may be left of it.
    """
    ours = [each for each in _events(api, namespace, EVICTED) if _maker(each.involved_object.name) in makers]
    ours.sort(key=lambda each: each.last_timestamp or "")
    return {
        each.source.host: Eviction(each.last_timestamp or "", plain(each.message or ""))
        for each in ours
        if each.source.host
    }


def makers_of(agents: Iterable[AgentPod]) -> set[str]:
    """Return the names of the DaemonSets that made these pods: all of each name but its random end."""
    return {_maker(agent.name) for agent in agents}


def _maker(pod: str) -> str:
    return pod.rpartition("-")[0]


def _events(api: Api, namespace: str, reason: str) -> list[_Event]:
    """Return the events of one reason; none, too, where events may not be listed."""
    path = f"/api/v1/namespaces/{namespace}/events"
    query = [("fieldSelector", f"reason={reason}")]
    listing = Listing(path, Right("list", "events", namespace=namespace), _Event, query)
    try:
        return [each for each in items(api, listing, lambda _missing: None) if each.reason == reason]
    except ClusterError:
        return []


def _meant_for(affinity: dict[str, Any]) -> Iterator[str]:
    """Yield the nodes that a pod's affinity names; nothing for an affinity of another shape."""
    try:
        required = affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        fields = [field for term in required["nodeSelectorTerms"] for field in term.get("matchFields", [])]
        yield from (str(name) for each in fields if each["key"] == "metadata.name" for name in each["values"])
    except (KeyError, TypeError, AttributeError):
        return
