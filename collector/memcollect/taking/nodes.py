"""The accounts of nodes: ask their agents for the tree, and Kubernetes for what it knows of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from memcollect.documents.snapshot import Missing, NodeAccount
from memcollect.join import missing_of_node
from memcollect.sources.agent_pods import Deployment, find_agents
from memcollect.sources.agents import Answer, Limits, Target, fetch_samples, history_since
from memcollect.sources.api import Api
from memcollect.sources.transport import TransportFactory
from memcollect.taking.accounts import Accounts
from memcollect_agent import wire


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
        self._accounts = Accounts(api, transports, plan.limits, self.missing.append)
        self.nodes: list[wire.Node] = []
        self.interrupted = False

    def accounts(self) -> Iterator[NodeAccount]:
        """Yield the account of every node, explained, as the agents answer.

        Raises a ClusterError where the agents cannot be listed at all.
        """
        named = list(dict.fromkeys(self._plan.names))
        self._progress("looking at nodes", 0, 0)
        names = self._accounts.describe(named)
        wanted = names if named else None
        agents = find_agents(self._api, self.missing.append, wanted, self._plan.deployment)
        names = names if named else sorted(agents)
        if not names:
            self.missing += [] if self.missing else [_no_agents(self._plan.deployment)]
            return
        self._progress("asking the metrics API", 0, 0)
        earliest = self._accounts.ask_top(names)
        targets = [Target(node=name, agent=agents.get(name), pod_uids=[]) for name in names]
        left = set(names)
        for answer in self._answers(targets, earliest):
            left.discard(answer.target.node)
            account = self._account(answer)
            if account is not None:
                yield account
        self.interrupted = bool(left)
        self.missing += [_stopped(name) for name in sorted(left)]

    def _account(self, answer: Answer) -> NodeAccount | None:
        name, sample = answer.target.node, answer.sample
        if sample is None:
            self.missing += [answer.failure] if answer.failure else []
            return None
        account = self._accounts.account(name, answer.target.agent, sample)
        if account is not None:
            self.nodes.append(msgspec.structs.replace(sample.node, name=name))
            self.missing += missing_of_node(sample.problems, [], name)
        return account

    def _answers(self, targets: Sequence[Target], earliest: float | None) -> Iterator[Answer]:
        request = wire.SampleRequest(
            sums=False,
            tree=True,
            history=True,
            history_since=history_since(earliest),
            time_budget_seconds=self._plan.limits.timeout,
        )
        self._progress("asking agents", 0, len(targets))
        return fetch_samples(
            targets, request, self._transports, self._plan.limits, self._asked, stopped=self._stopped
        )

    def _asked(self, done: int, of: int) -> None:
        self._progress("asking agents", done, of)


def _stopped(name: str) -> Missing:
    detail = "interrupted before its agent had answered; ask again"
    return Missing(kind="node", name=name, node=name, reason="interrupted", detail=detail)


def _no_agents(deployment: Deployment) -> Missing:
    return Missing(
        kind="node",
        name="*",
        reason="no-agent",
        detail=f"No node has an agent in namespace {deployment.namespace}: see `memcollect doctor`.",
    )
