"""Accounts from samples: what Kubernetes knows of a node, joined to what its agent read of it.

The pods are listed after the tree was read, so that one which came meanwhile is no orphan; and where a
cgroup's pod is unknown, its agent is asked once more, for the processes that live there: a cgroup that is
gone by then was a pod's that ended meanwhile.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from memcollect.documents.snapshot import KnownPod, Missing, NodeAccount
from memcollect.errors import ClusterError, DeniedError
from memcollect.explain.node import explain_account
from memcollect.join import NodeKnowledge, account_of, unknown_uids
from memcollect.kubernetes import objects as kube
from memcollect.sources.agent_pods import AgentPod
from memcollect.sources.agents import Limits, Target, fetch_sample, gone_pods
from memcollect.sources.api import Api
from memcollect.sources.kubelet_config import KubeletConfigs
from memcollect.sources.node_metrics import NodeMetricsAnswer, node_usage
from memcollect.sources.nodes import list_nodes
from memcollect.sources.pages import Report
from memcollect.sources.pods import Selection, list_pods
from memcollect.sources.quantities import QuantityError, whole
from memcollect.sources.transport import TransportFactory
from memcollect.taking.known_pods import known_pod
from memcollect.taking.thresholds import with_kubelet
from memcollect_agent import wire

FEW = 20
"""Up to this many nodes have their pods listed one node at a time; for more, all pods are listed at once."""
ORPHAN_PROCESSES = 5
MOST_ORPHANS = 50
"""Whose processes are looked at; of the others only the charge is told."""
TOO_OLD = "Its agent is too old to tell of the whole node: upgrade it (deploy/)."


class Accounts:
    """What is known of the nodes beside their agents' answers. What cannot be had is told to `report`."""

    def __init__(self, api: Api, transports: TransportFactory, limits: Limits, report: Report) -> None:
        """Ask nothing yet."""
        self._api = api
        self._transports = transports
        self._limits = limits
        self._report = report
        self._described: dict[str, kube.Node] = {}
        self._usage = NodeMetricsAnswer()
        self._pods = _Pods(api, 0)
        self._configs = KubeletConfigs(api)

    def describe(self, named: Sequence[str]) -> list[str]:
        """Ask what the API says of the nodes (none named: of all); return the named ones that there are.

        Where it does not say, all are returned: only what pods may have of a node is then unknown.
        """
        try:
            found = list_nodes(self._api, named or None, self._report)
            self._described = {node.metadata.name: node for node in found}
        except ClusterError as error:
            detail = f"{error} (what pods may have of a node is not known)"
            self._report(Missing(kind="node", name="*", reason=_word(error), detail=detail))
            return list(named)
        return [name for name in named if name in self._described]

    def ask_top(self, names: Sequence[str]) -> float | None:
        """Ask for kubectl top's numbers of these nodes; return the time of the earliest, if any."""
        try:
            self._usage = node_usage(self._api, names, self._report)
        except ClusterError as error:
            gap = Missing(kind="metrics", name="nodes", reason="metrics-unavailable", detail=str(error))
            self._usage = NodeMetricsAnswer(gap=gap)
        if self._usage.gap:
            self._report(self._usage.gap)
        self._pods = _Pods(self._api, len(names))
        times = [each.timestamp for each in self._usage.nodes.values() if each.timestamp is not None]
        return min(times, default=None)

    def account(self, name: str, agent: AgentPod | None, sample: wire.NodeSample) -> NodeAccount | None:
        """Return the node's account, explained; None where its agent told no tree, which is reported."""
        if sample.tree is None:
            self._report(_no_tree(name, sample))
            return None
        known, why = self._pods.of(name, sample.tree)
        if why:
            self._report(Missing(kind="pods", name="*", node=name, reason="denied", detail=why))
        uids = unknown_uids(sample.tree, known) if known is not None else []
        again = self._again(agent, name, uids)
        gone_uids = gone_pods(again) if again is not None else set()
        gone = [_deleted_meanwhile(uid) for uid in uids if uid in gone_uids]
        known = None if known is None else [*known, *gone]
        knowledge = self._knowledge(name, known, why, again.pods if again is not None else [])
        account = account_of(name, sample, with_kubelet(knowledge, sample.tree))
        return explain_account(account, sample.node) if account is not None else None

    def _knowledge(
        self, name: str, known: list[KnownPod] | None, why: str, orphans: Sequence[wire.Pod]
    ) -> NodeKnowledge:
        described = self._described.get(name)
        capacity = _memory(described.status.capacity if described else {})
        thresholds = self._configs.thresholds(described, capacity) if described is not None else ""
        return NodeKnowledge(
            pods=known,
            pods_unknown=why,
            usage=self._usage.nodes.get(name),
            no_usage=self._usage.gap.detail if self._usage.gap else "",
            allocatable_bytes=_memory(described.status.allocatable if described else {}),
            capacity_bytes=capacity,
            memory_pressure=_pressure(described),
            thresholds=None if isinstance(thresholds, str) else thresholds,
            thresholds_unknown=thresholds if isinstance(thresholds, str) else "",
            orphan_pods=orphans,
        )

    def _again(self, agent: AgentPod | None, node: str, uids: Sequence[str]) -> wire.NodeSample | None:
        """Return what lives in the cgroups of pods that nobody knows; where that cannot be had, report it."""
        if not uids:
            return None
        target = Target(node=node, agent=agent, pod_uids=list(uids[:MOST_ORPHANS]))
        request = wire.SampleRequest(process_limit=ORPHAN_PROCESSES, time_budget_seconds=self._limits.timeout)
        transport = self._transports()
        try:
            answer = fetch_sample(target, request, transport, self._limits)
        finally:
            transport.close()
        if answer.failure is not None:
            self._report(answer.failure)
        return answer.sample


class _Pods:
    """The pods of each node, as the API server has them."""

    def __init__(self, api: Api, nodes: int) -> None:
        self._api = api
        self._at_once = nodes > FEW
        self._all: dict[str, list[KnownPod]] | None = None
        self._unknown = ""

    def of(self, node: str, tree: wire.CgroupTree) -> tuple[list[KnownPod] | None, str]:
        """Return the node's pods, or None and why; listed anew where `tree` holds a pod not among them."""
        if self._unknown:
            return None, self._unknown
        try:
            if self._at_once:
                known = self._listed_once().get(node, [])
                return (self._listed(node) if unknown_uids(tree, known) else known), ""
            return self._listed(node), ""
        except DeniedError as error:
            self._unknown = str(error)
        except ClusterError as error:
            return None, str(error)
        return None, self._unknown

    def _listed_once(self) -> dict[str, list[KnownPod]]:
        if self._all is None:
            self._all = defaultdict(list)
            for pod in list_pods(self._api, Selection(), lambda _: None):
                self._all[pod.spec.node_name or ""].append(known_pod(pod))
        return self._all

    def _listed(self, node: str) -> list[KnownPod]:
        on_node = Selection(field_selector=f"spec.nodeName={node}")
        return [known_pod(pod) for pod in list_pods(self._api, on_node, lambda _: None)]


def _deleted_meanwhile(uid: str) -> KnownPod:
    """Return a pod whose cgroup was there with the tree, and neither it nor the pod a moment later."""
    return KnownPod(uid=uid, namespace="", name=f"{uid} (deleted meanwhile)", phase="Failed")


def _pressure(node: kube.Node | None) -> bool | None:
    conditions = node.status.conditions if node is not None else []
    found = next((each for each in conditions if each.type == "MemoryPressure"), None)
    return None if found is None or found.status == "Unknown" else found.status == "True"


def _memory(quantities: dict[str, str]) -> int | None:
    try:
        return whole(quantities["memory"])
    except (KeyError, QuantityError):
        return None


def _word(error: ClusterError) -> str:
    return "denied" if isinstance(error, DeniedError) else "unavailable"


def _no_tree(name: str, sample: wire.NodeSample) -> Missing:
    problem = next((each for each in sample.problems if each.name == "tree"), None)
    known = problem is not None and problem.reason not in {"unsupported", "unknown"}
    detail = problem.detail if known and problem is not None else TOO_OLD
    return Missing(kind="node", name=name, node=name, reason="unsupported", detail=detail)
