"""What the API server is asked each round: pods, the agents of their nodes, handlers of runtime classes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from memcollect.documents.snapshot import Missing
from memcollect.errors import ClusterError
from memcollect.kubernetes import objects as kube
from memcollect.sources.agent_pods import AgentPod, find_agents
from memcollect.sources.api import Api
from memcollect.sources.pods import list_pods, missing
from memcollect.sources.runtime_classes import runtime_classes
from memcollect.taking.cluster import Plan
from memcollect.taking.nobody import nobody

ByNode = Mapping[str | None, Sequence[kube.Pod]]


class Lister:
    """Asks the API server. After the first time its refusals are problems, and what was known stays."""

    def __init__(self, api: Api, plan: Plan) -> None:
        self._api = api
        self._plan = plan
        self._pods: ByNode | None = None
        self._agents: dict[str, AgentPod] | None = None
        self._handlers: dict[str, str] | None = None
        self._nobody: Missing | None = None
        """What was found out when the selection began to hold no pod: who is there instead is not asked anew
        in every round."""
        self.problems: list[Missing] = []
        """Of the last round."""

    def pods(self) -> ByNode:
        """Return the selected pods by node; None for those on no node. Raises a ClusterError at first."""
        self.problems = []
        by_node: defaultdict[str | None, list[kube.Pod]] = defaultdict(list)
        try:
            for pod in list_pods(self._api, self._plan.selection, self.problems.append):
                by_node[pod.spec.node_name].append(pod)
        except ClusterError as error:
            if self._pods is None:
                raise
            self.problems.append(missing(error, "pods", "*"))
            return self._pods
        if by_node:
            self._nobody = None
        elif not self.problems and not self._plan.nodes:
            self._nobody = self._nobody or nobody(self._api, self._plan.selection)
            self.problems.append(self._nobody)
        self._pods = dict(by_node)
        return self._pods

    def agents(self, nodes: Collection[str], again: Collection[str]) -> dict[str, AgentPod]:
        """Return the agents of the nodes (with --nodes: of all), looked up anew while `again` names some.

        Raises a ClusterError at first.
        """
        known = self._agents
        if known is not None and not again and not self._plan.nodes and set(nodes) <= set(known):
            return known
        wanted = None if self._plan.nodes else list(nodes)
        try:
            self._agents = find_agents(self._api, self.problems.append, wanted, self._plan.deployment)
        except ClusterError as error:
            if known is None:
                raise
            self.problems.append(missing(error, "agents", "*"))
        return self._agents or {}

    def handlers(self, by_node: ByNode) -> dict[str, str]:
        """Return handlers by RuntimeClass; asked once, and only where a pod names one."""
        named = any(pod.spec.runtime_class_name for pods in by_node.values() for pod in pods)
        if self._handlers is None and named:
            try:
                classes = runtime_classes(self._api, self.problems.append)
            except ClusterError as error:
                self.problems.append(missing(error, "runtimeclasses", "*"))
                return {}
            self._handlers = {name: each.handler for name, each in classes.items()}
        return self._handlers or {}
