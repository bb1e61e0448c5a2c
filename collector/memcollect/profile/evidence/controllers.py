"""The pods that run a system of sandboxes: provisioners, controllers, node daemons; and what they weigh."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from memcollect.errors import DeniedError
from memcollect.kubernetes.objects import Pod
from memcollect.profile.evidence.beside import SANDBOX_SYSTEMS
from memcollect.profile.tools import Tools
from memcollect.sources.agent_pods import Deployment, find_agents
from memcollect.sources.agents import Limits, Target, fetch_sample
from memcollect.sources.pods import Selection, list_pods
from memcollect.units import human_bytes
from memcollect_agent.wire import SampleRequest

_KEEPERS = frozenset({"ReplicaSet", "DaemonSet", "StatefulSet"})


def controllers(tools: Tools, deployment: Deployment, limits: Limits, namespace: str) -> list[str]:
    """Return each pod of a Deployment, DaemonSet or StatefulSet that is named like such a system.

    With what its cgroup is charged, or that it is not known. Raises a ClusterError where pods cannot be
    listed; where not all namespaces may be, that of the sandboxes is.
    """
    pods = [each for each in _listed(tools, namespace) if _is_controller(each)]
    charged = _charged(tools, deployment, limits, pods)
    return [
        f"{pod.qualified_name} {_weight(charged.get(pod.cgroup_uid))}"
        for pod in sorted(pods, key=lambda pod: pod.qualified_name)
    ]


def _listed(tools: Tools, namespace: str) -> list[Pod]:
    try:
        return list(list_pods(tools.api, Selection(), lambda _missing: None))
    except DeniedError:
        return list(list_pods(tools.api, Selection(namespaces=[namespace]), lambda _missing: None))


def _is_controller(pod: Pod) -> bool:
    kept = any(owner.kind in _KEEPERS for owner in pod.metadata.owner_references)
    return kept and bool(SANDBOX_SYSTEMS.search(pod.qualified_name))


def _charged(
    tools: Tools, deployment: Deployment, limits: Limits, pods: Iterable[Pod]
) -> dict[str, int | None]:
    by_node: defaultdict[str, list[str]] = defaultdict(list)
    for pod in pods:
        if pod.spec.node_name:
            by_node[pod.spec.node_name].append(pod.cgroup_uid)
    if not by_node:
        return {}
    agents = find_agents(tools.api, lambda _missing: None, list(by_node), deployment)
    found: dict[str, int | None] = {}
    for node, uids in by_node.items():
        target = Target(node=node, agent=agents.get(node), pod_uids=uids)
        answer = fetch_sample(target, SampleRequest(sums=False), tools.transport, limits)
        if answer.sample is not None:
            found |= {each.uid: each.cgroup.current_bytes for each in answer.sample.pods}
    return found


def _weight(charged: int | None) -> str:
    return "(memory not known)" if charged is None else human_bytes(charged)
