"""One snapshot of a cluster: list, ask, join and explain, node by node.

The order matters. The pod list is the truth of what exists; the metrics API is asked once, before the
agents, so that every sample is younger than the number it is held against; only agents of nodes that
hold a pod of the selection are asked, for these pods only. While a long list of pods comes page by page, the
metrics API is asked already, and of a whole cluster the agents' pods are listed (beside.py).
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from memcollect.documents.snapshot import Depth, Missing, NodeAccount, Pod
from memcollect.errors import ClusterError
from memcollect.explain import explain_pod
from memcollect.join import ClusterFacts, Failure, NodeJoin, join_node
from memcollect.join.contained import IMPOSSIBLE, contradiction, without_numbers
from memcollect.kubernetes import objects as kube
from memcollect.kubernetes.usage import Metrics
from memcollect.sources.agent_ends import AgentEnds
from memcollect.sources.agent_pods import AgentPod, Deployment, find_agents
from memcollect.sources.agents import Answer, Limits, Target, fetch_samples, history_since, read_answer
from memcollect.sources.api import Api
from memcollect.sources.metrics import API_DOWN, pod_usage
from memcollect.sources.plain import plain
from memcollect.sources.pods import Selection, list_pods, missing
from memcollect.sources.runtime_classes import runtime_classes
from memcollect.sources.transport import TransportFactory
from memcollect.taking.accounts import Accounts
from memcollect.taking.again import Again
from memcollect.taking.beside import Beside
from memcollect.taking.chosen import Chosen
from memcollect.taking.crew import Crew, Finished, Work
from memcollect.taking.listed import Listed, Packed, by_node
from memcollect.taking.nobody import nobody, with_likely
from memcollect_agent import wire

T = TypeVar("T")
Told = tuple[T, list[Missing]]
"""An answer, and what of it cannot be had."""

MANY_PODS = 5_000
"""More than anybody reads one by one; of as many a full document has 150 MB."""
STOPPED = Failure("interrupted", "interrupted before its agent had answered; take the snapshot again")
NO_PODS = Listed()
"""Of a node that none was listed on."""
NOT_ASKED = Failure("pending", "nobody was asked: none of its pods runs")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to measure, and how much it may take."""

    selection: Selection
    deployment: Deployment = field(default_factory=Deployment)
    process_limit: int = 0
    mappings: bool = False
    """Whether the mappings of the listed processes are read, too."""
    file_limit: int = 0
    files: Mapping[str, wire.PodFiles] = field(default_factory=dict)
    """By UID those of pods whose files another pod was asked for: their agents are not."""
    limits: Limits = field(default_factory=Limits)
    history: bool = True
    depth: Depth | None = "full"
    """None: summary where more than MANY_PODS are found, else full."""
    nodes: bool = False
    """Whether every node that has an agent is asked, too: for sandboxes without a Pod, and where all of its
    memory is."""


Progress = Callable[[str, int, int], None]
"""Called with what is being done, how far it is, and of how many (0: not known)."""


class Collection:
    """One snapshot in the making: `pods` hands the rows on, the rest is complete when it has ended."""

    def __init__(
        self,
        api: Api,
        plan: Plan,
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
        self.accounts: list[NodeAccount] = []
        """Of the nodes, where they were asked for too."""
        self._accounts = Accounts(api, transports, plan.limits, self.missing.append)
        self.interrupted = False
        self.depth: Depth = plan.depth or "full"
        """Known once the first row comes."""
        self.chosen = Chosen()
        """At depth summary: what of the rows is told in full."""
        self._again = Again(api)
        self._ends = AgentEnds(api, time.sleep)

    def pods(self) -> Iterator[Pod]:
        """Yield every selected pod, explained in this process. Otherwise as `rows`."""
        for row in self.rows():
            if isinstance(row, Pod):  # without a crew all are
                yield row

    def rows(self, crew: Crew | None = None) -> Iterator[Pod | Finished]:
        """Yield every selected pod, explained, or whole nodes that the crew finished, as the agents answer.

        Raises a ClusterError where the pods or the agents cannot be listed at all. Stopped while agents are
        asked, the nodes that have not answered are listed as missing, and what was measured is kept.
        """
        with _unwalked() as listed:
            self._progress("listing pods", 0, 0)
            metrics_told, agents_told = self._begun(self._metrics), self._agents_begun()
            nodes = by_node(list_pods(self._api, self._plan.selection, self.missing.append))
            self.missing = with_likely(self._api, self._plan.selection, self.missing)
            if not nodes and not self._plan.nodes:
                # Names that no pod has are told one by one already, and so is a namespace that is denied.
                self.missing += [] if self.missing else [nobody(self._api, self._plan.selection)]
                return
            if self._plan.depth is None and sum(len(each.uids) for each in nodes.values()) > MANY_PODS:
                self.depth = "summary"
            self._progress("asking the metrics API", 0, 0)
            metrics = self._taken(metrics_told())
            self.missing += metrics.gaps
            listed()
            facts = ClusterFacts(metrics=metrics, handlers=self._handlers(nodes))
            for name in [name for name, each in nodes.items() if name is None or not each.may_have_cgroup]:
                yield from self._joined(name, nodes.pop(name).pods, NOT_ASKED, facts)
            if nodes or self._plan.nodes:
                agents = self._taken(agents_told([name for name in nodes if name is not None]))
                yield from self._measured(nodes, agents, facts, crew)

    def _measured(
        self,
        nodes: dict[str | None, Listed],
        agents: Mapping[str, AgentPod],
        facts: ClusterFacts,
        crew: Crew | None,
    ) -> Iterator[Pod | Finished]:
        if crew is not None and not self._plan.nodes and nodes:
            crew.start(len(nodes))
            yield from self._by_crew(nodes, agents, facts, crew)
        elif nodes or self._plan.nodes:
            for told in self._answers(nodes, agents, _since(facts.metrics)):
                yield from self._answered(told, nodes.pop(told.target.node, NO_PODS).pods, facts)
        self.interrupted = bool(nodes)
        for name, listed in nodes.items():
            yield from self._joined(name, listed.pods, STOPPED, facts)

    def _answered(self, told: Answer, pods: Packed, facts: ClusterFacts) -> Iterator[Pod]:
        answer = self._ends.added(told)
        self._add_account(answer)
        yield from self._joined(answer.target.node, pods, self._outcome(answer), facts)

    def _outcome(self, answer: Answer) -> wire.NodeSample | Failure:
        if answer.sample is not None:
            return _with_files(answer.sample, self._plan.files)
        failure = answer.failure
        return (
            Failure(failure.reason, failure.detail) if failure else Failure("agent-error", "no answer came")
        )

    def _by_crew(
        self,
        nodes: dict[str | None, Listed],
        agents: Mapping[str, AgentPod],
        facts: ClusterFacts,
        crew: Crew,
    ) -> Iterator[Pod | Finished]:
        """Have the crew do the nodes that answered; what it leaves undone is done here."""
        for told in self._answers(nodes, agents, _since(facts.metrics), undecoded=crew.is_there):
            listed = nodes.pop(told.target.node, NO_PODS)
            if not crew.is_there:
                yield from self._answered(read_answer(told), listed.pods, facts)
                continue
            narrowed = facts.narrowed(listed.names)
            work = Work(told, listed.pods, narrowed, self.depth, self.chosen.floors)
            for given, finished in crew.give(work):
                yield from self._finished(given, finished, facts)
        for given, finished in crew.rest():
            yield from self._finished(given, finished, facts)

    def _finished(
        self, work: Work, finished: Finished | None, facts: ClusterFacts
    ) -> Iterator[Pod | Finished]:
        if finished is None:
            yield from self._answered(read_answer(work.answer), work.pods, facts)
            return
        self.missing += finished.missing
        self.nodes += [finished.node] if finished.node is not None else []
        yield finished

    def _add_account(self, answer: Answer) -> None:
        if self._plan.nodes and answer.sample is not None:
            account = self._accounts.account(answer.target.node, answer.target.agent, answer.sample)
            self.accounts += [account] if account is not None else []

    def _answers(
        self,
        nodes: dict[str | None, Listed],
        agents: Mapping[str, AgentPod],
        since: float | None,
        *,
        undecoded: bool = False,
    ) -> Iterator[Answer]:
        names = [name for name in nodes if name is not None]
        if self._plan.nodes:
            names += sorted(set(agents) - set(names))
            self._accounts.describe([])
            earliest = self._accounts.ask_top(names)
            since = min((each for each in (since, history_since(earliest)) if each is not None), default=None)
        targets = [
            Target(
                node=name,
                agent=agents.get(name),
                pod_uids=listed.uids,
                container_ids=listed.container_ids,
            )
            for name in names
            for listed in [nodes.get(name, NO_PODS)]
        ]
        request = wire.SampleRequest(
            process_limit=self._plan.process_limit,
            mappings=self._plan.mappings,
            file_limit=0 if self._plan.files else self._plan.file_limit,
            sandboxes=self._plan.nodes,
            tree=self._plan.nodes,
            history=self._plan.history,
            history_since=since,
            time_budget_seconds=self._plan.limits.timeout,
        )
        self._progress("asking agents", 0, len(targets))
        limits = self._plan.limits
        return fetch_samples(
            targets,
            request,
            self._transports,
            limits,
            self._asked,
            stopped=self._stopped,
            undecoded=undecoded,
        )

    def _asked(self, done: int, of: int) -> None:
        self._progress("asking agents", done, of)

    def _joined(
        self, name: str | None, packed: Packed, answer: wire.NodeSample | Failure, facts: ClusterFacts
    ) -> Iterator[Pod]:
        pods = packed.unpacked()
        joined = self._node_joined(name, pods, answer, facts)
        listed = {pod.qualified_name: pod for pod in pods}
        gaps = [self._again.settled(gap, listed) for gap in joined.missing]
        self.missing += gaps
        if joined.node is not None:
            self.nodes.append(joined.node)
        for pod in joined.told(gaps):
            yield self._explained(pod, joined.node)

    def _node_joined(
        self, name: str | None, pods: list[kube.Pod], answer: wire.NodeSample | Failure, facts: ClusterFacts
    ) -> NodeJoin:
        """Return the node's pods with the agent's numbers; without them where no node can have these."""
        try:
            return join_node(name, pods, answer, facts)
        except IMPOSSIBLE as error:
            return join_node(name, pods, Failure("broken-answer", _contradicted(error)), facts)

    def _explained(self, pod: Pod, node: wire.Node | None) -> Pod:
        """Return the pod explained; as not measured, and listed so, where its numbers cannot all be true."""
        try:
            return explain_pod(pod, node)
        except IMPOSSIBLE as error:
            detail = _contradicted(error)
            self.missing.append(
                Missing(kind="pod", name=pod.full_name, node=pod.node, reason="broken-answer", detail=detail)
            )
            return explain_pod(without_numbers(pod, detail), None)

    def _begun(self, ask: Callable[[Api], Told[T]]) -> Callable[[], Told[T]]:
        """Return what gives an answer: asked for from now on where pods are listed, else when called."""
        if self._plan.selection.by_name is not None:
            return lambda: ask(self._api)

        def aside() -> Told[T]:
            with self._api.another() as api:
                return ask(api)

        return Beside(aside).result

    def _taken(self, told: Told[T]) -> T:
        answer, gaps = told
        self.missing += gaps
        return answer

    def _metrics(self, api: Api) -> Told[Metrics]:
        """Return the metrics API's numbers; without any, and with the reason, where it cannot be asked."""
        gaps: list[Missing] = []
        try:
            return pod_usage(api, self._plan.selection, gaps.append), gaps
        except ClusterError as error:
            # The pods could be listed: what hangs or breaks off is what stands behind the API server.
            detail = f"{API_DOWN} ({error.sentence})"
            down = Missing(kind="metrics", name="*", reason="metrics-unavailable", detail=detail)
            return Metrics(gaps=[down]), gaps

    def _agents_begun(self) -> Callable[[Sequence[str]], Told[dict[str, AgentPod]]]:
        """Return what gives the agents of these nodes and maybe of others, who may be listed from now on."""
        if not (self._plan.nodes or self._plan.selection.is_everything):
            return lambda nodes: self._agents(self._api, nodes)
        told = self._begun(lambda api: self._agents(api, None))
        return lambda _nodes: told()

    def _agents(self, api: Api, nodes: Sequence[str] | None) -> Told[dict[str, AgentPod]]:
        gaps: list[Missing] = []
        return find_agents(api, gaps.append, nodes, self._plan.deployment), gaps

    def _handlers(self, nodes: dict[str | None, Listed]) -> dict[str, str]:
        """Return handlers by RuntimeClass; nobody is asked where no pod names one."""
        if not any(listed.names_a_class for listed in nodes.values()):
            return {}
        try:
            classes = runtime_classes(self._api, self.missing.append)
        except ClusterError as error:
            self.missing.append(missing(error, "runtimeclasses", "*"))
            return {}
        return {name: each.handler for name, each in classes.items()}


def _contradicted(error: Exception) -> str:
    return f"{plain(contradiction(error))}: look at its node, or take the snapshot again"


@contextmanager
def _unwalked() -> Iterator[Callable[[], None]]:
    """Spare the garbage collector what is listed: it is no garbage, and would be walked again and again.

    Gives what is to be called once all is listed. Until then, nothing is collected.
    """
    enabled = gc.isenabled()
    gc.disable()

    def listed() -> None:
        gc.freeze()
        if enabled:
            gc.enable()

    try:
        yield listed
    finally:
        if enabled:
            gc.enable()
        gc.unfreeze()


def _with_files(sample: wire.NodeSample, files: Mapping[str, wire.PodFiles]) -> wire.NodeSample:
    if not files:
        return sample
    pods = [
        msgspec.structs.replace(pod, files=files[pod.uid]) if pod.uid in files else pod for pod in sample.pods
    ]
    return msgspec.structs.replace(sample, pods=pods)


def _since(metrics: Metrics) -> float | None:
    """Return from when on history is wanted; None (all of it) where no pod has a sample."""
    times = [usage.timestamp for usage in metrics.pods.values() if usage.timestamp is not None]
    return history_since(min(times, default=None))
