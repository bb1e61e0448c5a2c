"""The accounts of nodes: ask their agents for the tree, then the API server which pods it knows there.

The pods are listed after the tree was read, so that one which came meanwhile is no orphan; and where a
cgroup's pod is unknown, its agent is asked once more, for the processes that live there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from memcollect.documents.snapshot import Missing, NodeAccount
from memcollect.errors import ClusterError, DeniedError
from memcollect.explain.node import explain_account
from memcollect.join import NodeKnowledge, account_of, unknown_uids
from memcollect.kubernetes import objects as kube
from memcollect.sources.agent_pods import AgentPod, Deployment, find_agents
from memcollect.sources.agents import Answer, Limits, Target, fetch_sample, fetch_samples
from memcollect.sources.api import Api
from memcollect.sources.node_metrics import NodeMetricsAnswer, node_usage
from memcollect.sources.nodes import list_nodes
from memcollect.sources.pods import Selection, list_pods
from memcollect.sources.quantities import QuantityError, whole
from memcollect.sources.transport import TransportFactory
from memcollect_agent import wire

FEW = 20
"""Up to this many nodes have their pods listed one node at a time; for more, all pods are listed at once."""
HISTORY_MARGIN_SECONDS = 10.0
ORPHAN_PROCESSES = 5
MOST_ORPHANS = 50
"""Whose processes are looked at; of the others only the charge is told."""
TOO_OLD = "Its agent is too old to tell of the whole node: upgrade it (deploy/)."


@dataclass(frozen=True, kw_only=True)
class NodePlan:
    """Which nodes (none named: every node that has an agent), and how much it may take."""

    names: Sequence[str] = ()
    deployment: Deployment = field(default_factory=Deployment)
    limits: Limits = field(default_factory=Limits)


Progress = Callable[[str, int, int], None]
"""Called with what is being done, how far it is, and of how many (0: not known)."""


class NodeCollection:
    """Accounts in the making: `accounts` hands them on, the rest is complete when it has ended."""

    def __init__(
        self,
        api: Api,
        plan: NodePlan,
        transports: TransportFactory,
        progress: Progress = lambda *_: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """Ask nothing yet. Once `stopped`, which is looked at while agents are waited for, no more are."""
        self._api = api
        self._plan = plan
        self._transports = transports
        self._progress = progress
        self._stopped = stopped
        self.missing: list[Missing] = []
        self.nodes: list[wire.Node] = []
        self.interrupted = False

    def accounts(self) -> Iterator[NodeAccount]:
        """Yield the account of every node, explained, as the agents answer.

        Raises a ClusterError where the agents cannot be listed at all.
        """
        named = list(dict.fromkeys(self._plan.names))
        self._progress("looking at nodes", 0, 0)
        described = self._described(named)
        names = [name for name in named if described is None or name in described]
        agents = find_agents(self._api, self.missing.append, names if named else None, self._plan.deployment)
        names = names if named else sorted(agents)
        if not names:
            self.missing += [] if self.missing else [_no_agents(self._plan.deployment)]
            return
        usage = self._usage(names)
        pods = _Pods(self._api, len(names))
        targets = [Target(node=name, agent=agents.get(name), pod_uids=[]) for name in names]
        left = set(names)
        for answer in self._answers(targets, usage):
            left.discard(answer.target.node)
            account = self._account(answer, (described or {}).get(answer.target.node), usage, pods)
            if account is not None:
                yield account
        self.interrupted = bool(left)
        self.missing += [_stopped(name) for name in sorted(left)]

    def _described(self, named: Sequence[str]) -> dict[str, kube.Node] | None:
        """Return what the API says of the nodes; None where it does not say, which loses only allocatable."""
        try:
            found = list_nodes(self._api, named or None, self.missing.append)
            return {node.metadata.name: node for node in found}
        except ClusterError as error:
            self.missing.append(
                Missing(
                    kind="node", name="*", reason=_word(error), detail=f"{error} (allocatable is not known)"
                )
            )
            return None

    def _usage(self, names: Sequence[str]) -> NodeMetricsAnswer:
        self._progress("asking the metrics API", 0, 0)
        try:
            usage = node_usage(self._api, names, self.missing.append)
        except ClusterError as error:
            gap = Missing(kind="metrics", name="nodes", reason="metrics-unavailable", detail=str(error))
            usage = NodeMetricsAnswer(gap=gap)
        self.missing += [usage.gap] if usage.gap else []
        return usage

    def _answers(self, targets: Sequence[Target], usage: NodeMetricsAnswer) -> Iterator[Answer]:
        earliest = min((each.timestamp for each in usage.nodes.values()), default=None)
        request = wire.SampleRequest(
            sums=False,
            tree=True,
            history=True,
            history_since=None if earliest is None else earliest - HISTORY_MARGIN_SECONDS,
            time_budget_seconds=self._plan.limits.timeout,
        )
        self._progress("asking agents", 0, len(targets))
        return fetch_samples(
            targets, request, self._transports, self._plan.limits, self._asked, stopped=self._stopped
        )

    def _asked(self, done: int, of: int) -> None:
        self._progress("asking agents", done, of)

    def _account(
        self, answer: Answer, described: kube.Node | None, usage: NodeMetricsAnswer, pods: _Pods
    ) -> NodeAccount | None:
        name, sample = answer.target.node, answer.sample
        if sample is None:
            self.missing += [answer.failure] if answer.failure else []
            return None
        if sample.tree is None:
            self.missing.append(_no_tree(name, sample))
            return None
        known, why = pods.of(name, sample.tree)
        uids = unknown_uids(sample.tree, known) if known is not None else []
        account = account_of(
            name,
            sample,
            NodeKnowledge(
                pods=known,
                pods_unknown=why,
                usage=usage.nodes.get(name),
                no_usage=usage.gap.detail if usage.gap else "",
                allocatable_bytes=_memory(described.status.allocatable if described else {}),
                capacity_bytes=_memory(described.status.capacity if described else {}),
                orphan_pods=self._orphans(answer.target.agent, name, uids),
            ),
        )
        if why:
            self.missing.append(Missing(kind="pods", name="*", node=name, reason="denied", detail=why))
        self.nodes.append(_renamed(sample.node, name))
        return explain_account(account, sample.node) if account is not None else None

    def _orphans(self, agent: AgentPod | None, node: str, uids: Sequence[str]) -> list[wire.Pod]:
        """Return what lives in the cgroups of pods that nobody knows; nothing where that cannot be had."""
        if not uids:
            return []
        target = Target(node=node, agent=agent, pod_uids=list(uids[:MOST_ORPHANS]))
        request = wire.SampleRequest(
            process_limit=ORPHAN_PROCESSES, time_budget_seconds=self._plan.limits.timeout
        )
        transport = self._transports()
        try:
            answer = fetch_sample(target, request, transport, self._plan.limits)
        finally:
            transport.close()
        return list(answer.sample.pods) if answer.sample is not None else []


class _Pods:
    """The pods of each node, as the API server has them."""

    def __init__(self, api: Api, nodes: int) -> None:
        self._api = api
        self._at_once = nodes > FEW
        self._all: dict[str, list[kube.Pod]] | None = None
        self._unknown = ""

    def of(self, node: str, tree: wire.CgroupTree) -> tuple[list[kube.Pod] | None, str]:
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

    def _listed_once(self) -> dict[str, list[kube.Pod]]:
        if self._all is None:
            self._all = defaultdict(list)
            for pod in list_pods(self._api, Selection(), lambda _: None):
                self._all[pod.spec.node_name or ""].append(pod)
        return self._all

    def _listed(self, node: str) -> list[kube.Pod]:
        on_node = Selection(field_selector=f"spec.nodeName={node}")
        return list(list_pods(self._api, on_node, lambda _: None))


def _memory(quantities: dict[str, str]) -> int | None:
    try:
        return whole(quantities["memory"])
    except (KeyError, QuantityError):
        return None


def _renamed(node: wire.Node, name: str) -> wire.Node:
    return msgspec.structs.replace(node, name=name)


def _word(error: ClusterError) -> str:
    return "denied" if isinstance(error, DeniedError) else "unavailable"


def _no_tree(name: str, sample: wire.NodeSample) -> Missing:
    problem = next((each for each in sample.problems if each.name == "tree"), None)
    known = problem is not None and problem.reason not in {"unsupported", "unknown"}
    detail = problem.detail if known and problem is not None else TOO_OLD
    return Missing(kind="node", name=name, node=name, reason="unsupported", detail=detail)


def _stopped(name: str) -> Missing:
    detail = "Ctrl-C came before its agent had answered."
    return Missing(kind="node", name=name, node=name, reason="interrupted", detail=detail)


def _no_agents(deployment: Deployment) -> Missing:
    return Missing(
        kind="node",
        name="*",
        reason="no-agent",
        detail=f"No node has an agent in namespace {deployment.namespace}: see `memcollect doctor`.",
    )
