"""The rounds of a cluster: list pods, ask each node's agent, take what comes, wait for no one of them."""

from __future__ import annotations

import queue
import time
from dataclasses import replace

from memcollect.join import ClusterFacts, Failure
from memcollect.kubernetes.usage import Metrics
from memcollect.live import nodes
from memcollect.live.frame import departures
from memcollect.live.model import Departed, World
from memcollect.live.nodes import NodeView
from memcollect.live.rows import Row
from memcollect.sources.agent_pods import AgentPod
from memcollect.sources.agents import Answer, Target
from memcollect.sources.api import Api, Patience
from memcollect.sources.deadline import Stopped
from memcollect.sources.kube_config import Cluster
from memcollect.sources.transport import TransportFactory
from memcollect.taking.cluster import Plan
from memcollect.watching.asking import Askers, Question
from memcollect.watching.errand import MetricsErrand, newer
from memcollect.watching.listing import ByNode, Lister
from memcollect.watching.watch import Changed
from memcollect_agent.wire import SampleRequest

_TICK_SECONDS = 0.1
"""Between two looks at whether it is over."""


class ClusterWatch:
    """A cluster that is watched. An agent that has not answered yet is not asked again meanwhile."""

    def __init__(
        self, cluster: Cluster, plan: Plan, patience: Patience, transports: TransportFactory
    ) -> None:
        self._plan = plan
        self._come: queue.SimpleQueue[Answer | Metrics] = queue.SimpleQueue()
        self._api = Api(cluster, patience)
        self._lister = Lister(self._api, plan)
        self._askers = Askers(transports, plan.limits, self._come.put)
        self._errand = MetricsErrand(cluster, patience, plan.selection, self._come.put)
        self._facts = ClusterFacts(metrics=Metrics())
        self._views: dict[str | None, NodeView] = {}
        self._asked_for: dict[str, frozenset[str]] = {}
        """By node: the pods that the question which waits for its answer is about."""
        self._departed: tuple[Departed, ...] = ()

    def round(self, seconds: float, changed: Changed, stopped: Stopped) -> World:
        """Ask everybody who has answered before, and wait at most `seconds` for all that was asked."""
        until = time.monotonic() + seconds
        metrics_wait = self._errand.ask()
        self._list()
        self._ask()
        changed(self.world)
        while (self._asked_for or metrics_wait) and not stopped() and time.monotonic() < until:
            metrics_wait = not self._take(until, changed) and metrics_wait
        return self.world

    def wait(self, seconds: float, changed: Changed, stopped: Stopped) -> None:
        """Wait so long, and take what comes late."""
        until = time.monotonic() + seconds
        while not stopped() and time.monotonic() < until:
            self._take(until, changed)

    def close(self) -> None:
        """Close what is no worker's."""
        self._askers.close()
        self._api.close()

    @property
    def world(self) -> World:
        """All that is known."""
        return World(
            nodes=dict(self._views),
            problems=(*self._lister.problems, *self._facts.metrics.gaps),
            departed=self._departed,
        )

    def _list(self) -> None:
        by_node = self._lister.pods()
        handlers = self._lister.handlers(by_node)
        self._facts = replace(self._facts, handlers=handlers)
        before = self._rows()
        # With --nodes whoever was asked stays, pods or not.
        kept = [name for name in self._views if name in by_node or (self._plan.nodes and name)]
        self._views = {name: self._listed(name, by_node) for name in dict.fromkeys([*kept, *by_node])}
        self._departed = departures(self._departed, before, self._rows(), time.monotonic())

    def _rows(self) -> list[Row]:
        return [row for view in self._views.values() for row in view.rows]

    def _listed(self, name: str | None, by_node: ByNode) -> NodeView:
        view = self._views.get(name, NodeView(name=name))
        return nodes.listed(view, tuple(by_node.get(name, ())), self._facts)

    def _ask(self) -> None:
        """Ask every node that holds pods and does not owe an answer; those that failed come last."""
        wanted = [name for name, view in self._views.items() if name is not None and view.needs_agent]
        failing = [name for name in wanted if self._views[name].failure is not None]
        agents = self._lister.agents(wanted, failing)
        if self._plan.nodes:
            wanted += [name for name in sorted(agents) if name not in wanted]
        for name in sorted(set(wanted) - set(self._asked_for), key=lambda name: (name in failing, name)):
            self._ask_one(name, agents.get(name))

    def _ask_one(self, name: str, agent: AgentPod | None) -> None:
        view = self._views.setdefault(name, NodeView(name=name))
        self._views[name] = replace(view, asked=time.monotonic())
        self._asked_for[name] = view.uids
        target = Target(node=name, agent=agent, pod_uids=sorted(view.uids))
        self._askers.ask(Question(target=target, request=self._request(view)))

    def _request(self, view: NodeView) -> SampleRequest:
        """Ask for no process at all, and for history since the last answer: of new pods, all there is."""
        known = view.sample is not None and view.uids <= view.covered
        return SampleRequest(
            sums=False,
            history=True,
            history_since=view.sample.sampled_at if known and view.sample is not None else None,
            sandboxes=self._plan.nodes,
            time_budget_seconds=self._plan.limits.timeout,
        )

    def _take(self, until: float, changed: Changed) -> bool:
        """Take one thing that has come, if one comes soon; return whether it was the metrics."""
        try:
            come = self._come.get(timeout=min(_TICK_SECONDS, max(0.0, until - time.monotonic())))
        except queue.Empty:
            return False
        if isinstance(come, Metrics):
            self._facts = replace(self._facts, metrics=newer(self._facts.metrics, come))
            self._views = {name: nodes.joined(view, self._facts) for name, view in self._views.items()}
        else:
            self._answered(come)
        changed(self.world)
        return isinstance(come, Metrics)

    def _answered(self, answer: Answer) -> None:
        name = answer.target.node
        uids = self._asked_for.pop(name, frozenset())
        view = self._views.get(name)
        if view is None:
            return
        if answer.sample is not None:
            self._views[name] = nodes.answered(view, answer.sample, uids, time.monotonic(), self._facts)
        else:
            failure = answer.failure
            reason, detail = (
                (failure.reason, failure.detail) if failure else ("agent-error", "no answer came")
            )
            self._views[name] = nodes.failed(view, Failure(reason, detail), self._facts)
