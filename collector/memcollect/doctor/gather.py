"""All questions to a cluster and its agents, asked once: the only part of a diagnosis that does I/O.

Nothing is raised for what does not work: it becomes a Fault among the facts, and what depends on it is
not asked. Only reads, and only with the rights that a snapshot needs, which is what is tested; events,
which may say why an agent is not there, are asked for where they may be listed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TypeVar

import msgspec

from memcollect.doctor.facts import (
    ClusterFacts,
    Connected,
    Conversation,
    Fault,
    MetricsSeen,
    Orphan,
    PodCgroups,
    PodsSeen,
    Question,
    Reached,
    Running,
)
from memcollect.doctor.round_trip import RoundTrips
from memcollect.documents.snapshot import KnownPod, Missing
from memcollect.errors import ClusterError
from memcollect.join import running_ids, unknown_uids
from memcollect.kubernetes.objects import Pod
from memcollect.sources.access import Access, review
from memcollect.sources.agent_ends import AgentEnds
from memcollect.sources.agent_pods import AgentPod, after, find_agents
from memcollect.sources.agent_waits import failed_creations, makers_of, told_evictions, unscheduled_agents
from memcollect.sources.agents import Limits, Target, fetch_sample, fetch_samples, gone_pods
from memcollect.sources.api import Api, Patience
from memcollect.sources.descriptors import most_workers
from memcollect.sources.kube_config import Cluster, connect
from memcollect.sources.metrics import pod_usage
from memcollect.sources.names import checked
from memcollect.sources.nodes import list_nodes
from memcollect.sources.pages import PAGE
from memcollect.sources.pods import Selection, list_pods
from memcollect.sources.portforward import port_forwarding
from memcollect.sources.rights import needed_rights
from memcollect.sources.version import server_version
from memcollect_agent.pods import pod_at
from memcollect_agent.wire import SampleRequest

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and of how much (0: not known)."""

PROCESS_CEILING_BYTES = 64 << 20
"""Larger processes are left alone: whether one may be read shows in small ones, which cost nothing."""
READING_SECONDS = 2.0
MOST_NODES = 20
"""Whose pods' cgroups are held against the API server's pods: each takes a list of its own."""
MOST_UNANSWERED = 2
"""Reviews; each is waited for as long as the patience lasts."""

T = TypeVar("T")


def cluster_facts(question: Question, progress: Progress = lambda _what, _done, _of: None) -> ClusterFacts:
    """Return everything the checks of a cluster judge. Raises UsageError for names that cannot be."""
    Selection(namespaces=question.namespaces)
    checked("namespace", question.deployment.namespace)
    facts = ClusterFacts(question=question)
    cluster = _tried(lambda: connect(question.kubeconfig, question.context))
    if isinstance(cluster, Fault):
        facts.connected = cluster
        return facts
    facts.connected = Connected(origin=cluster.origin, context=cluster.context, server=cluster.server)
    patience = Patience(timeout=question.timeout, total=2 * question.timeout, tries=2)
    with Api(cluster, patience) as api:
        progress("asking the API server", 0, 0)
        facts.reached = _tried(lambda: _reach(api))
        if not isinstance(facts.reached, Fault):
            _ask_api(api, facts, progress)
            _ask_agents(api, cluster, facts, progress)
            facts.pod_cgroups = _tried(lambda: _pod_cgroups(api, cluster, facts))
    return facts


def _tried(ask: Callable[[], T]) -> T | Fault:
    try:
        return ask()
    except ClusterError as error:
        return Fault.of(error)


def _reach(api: Api) -> Reached:
    server_version(api)
    begun = time.monotonic()
    version = server_version(api)
    return Reached(version=version, seconds=time.monotonic() - begun)


def _ask_api(api: Api, facts: ClusterFacts, progress: Progress) -> None:
    question = facts.question
    facts.rights = _reviews(api, question, progress)
    progress("listing pods and nodes", 0, 0)
    facts.pods = _tried(lambda: _pods(api, question))
    facts.nodes = _tried(lambda: list(list_nodes(api, None, _ignored)))
    facts.agents = _tried(lambda: find_agents(api, _ignored, None, question.deployment))
    _ask_why(api, facts)
    progress("asking the metrics API", 0, 0)
    facts.metrics = _tried(lambda: _metrics(api, question))


def _ask_why(api: Api, facts: ClusterFacts) -> None:
    """Ask what keeps the agents that are not there; nobody is asked where every node has one."""
    if facts.agents is None or isinstance(facts.agents, Fault):
        return
    named = [] if isinstance(facts.nodes, Fault) else facts.nodes or []
    able = {node for node, agent in facts.agents.items() if not agent.problem}
    if able and all(node.metadata.name in able for node in named):
        return
    deployment = facts.question.deployment
    waiting = _tried(lambda: unscheduled_agents(api, deployment))
    agents = dict(facts.agents)
    for node, agent in ({} if isinstance(waiting, Fault) else waiting).items():
        if node not in able:
            agents[node] = after(agent, agents[node].eviction if node in agents else None)
    facts.failed_creations = failed_creations(api, deployment.namespace)
    facts.evictions = told_evictions(api, deployment.namespace, makers_of(agents.values()))
    facts.agents = {node: after(agent, facts.evictions.get(node)) for node, agent in agents.items()}


def _reviews(api: Api, question: Question, progress: Progress) -> list[Access]:
    """Ask for each right; after two questions without an answer the rest is not waited for."""
    rights = needed_rights(question.namespaces, question.deployment.namespace)
    reviews: list[Access] = []
    for done, right in enumerate(rights):
        progress("asking for rights", done, len(rights))
        silent = [access for access in reviews if access.allowed is None]
        given_up = len(silent) >= MOST_UNANSWERED
        reviews.append(Access(right, None, silent[0].detail) if given_up else review(api, right))
    return reviews


def _ignored(_missing: Missing) -> None:
    """Drop what is told of objects of a strange shape: nothing here depends on a single one."""


def _pods(api: Api, question: Question) -> PodsSeen:
    # One page: enough to know whether there are any, and for a running one of most nodes.
    found = list_pods(api, Selection(namespaces=question.namespaces), _ignored)
    pods = list(islice(found, PAGE))
    running = [pod for pod in pods if pod.status.phase == "Running"]
    return PodsSeen(
        count=len(pods),
        running=len(running),
        more=len(pods) == PAGE,
        by_node=_by_node(running, question),
        nodes={pod.qualified_name: pod.spec.node_name for pod in running if pod.spec.node_name},
    )


def _by_node(running: Iterable[Pod], question: Question) -> dict[str, Running]:
    by_node: dict[str, Running] = {}
    for pod in running:
        if pod.spec.node_name and pod.metadata.namespace != question.deployment.namespace:
            one = Running(name=pod.qualified_name, uid=pod.cgroup_uid, container_ids=running_ids(pod))
            by_node.setdefault(pod.spec.node_name, one)
    return by_node


def _metrics(api: Api, question: Question) -> MetricsSeen:
    asked_at = time.time()
    metrics = pod_usage(api, Selection(namespaces=question.namespaces), _ignored)
    timestamps = {
        f"{usage.namespace}/{usage.name}": usage.timestamp
        for usage in metrics.pods.values()
        if usage.timestamp is not None
    }
    return MetricsSeen(asked_at=asked_at, gaps=metrics.gaps, timestamps=timestamps)


def _ask_agents(api: Api, cluster: Cluster, facts: ClusterFacts, progress: Progress) -> None:
    if facts.agents is None or isinstance(facts.agents, Fault):
        return
    pods = facts.pods.by_node if isinstance(facts.pods, PodsSeen) else {}
    able = [agent for agent in facts.agents.values() if not agent.problem]
    targets = [_target(agent, pods.get(agent.node)) for agent in able]
    # The time makes this request unlike any other, and an agent shares one sampling among equal ones:
    # an answer that was begun before it was asked for would spoil the clock's estimate.
    request = SampleRequest(
        history=True,
        history_since=time.time(),
        tree=True,
        time_budget_seconds=READING_SECONDS,
    )
    limits = Limits(
        concurrency=min(facts.question.concurrency, most_workers()),
        timeout=facts.question.timeout,
        process_ceiling_bytes=PROCESS_CEILING_BYTES,
    )
    trips = RoundTrips(port_forwarding(cluster))
    answers = fetch_samples(
        targets, request, trips, limits, lambda done, of: progress("asking agents", done, of)
    )
    ends = AgentEnds(api, time.sleep)
    facts.conversations = sorted(
        (
            Conversation(
                answer=ends.added(answer),
                sent_at=trips.sent_at.get(answer.target.node),
                received_at=trips.received_at.get(answer.target.node),
            )
            for answer in answers
        ),
        key=lambda each: each.node,
    )


def _pod_cgroups(api: Api, cluster: Cluster, facts: ClusterFacts) -> PodCgroups:
    """Return which pods' cgroups nobody knows; the pods are listed after the agents have answered.

    A cgroup that is gone when its agent is asked once more was a pod's that ended meanwhile.
    """
    orphans: list[Orphan] = []
    nodes: list[str] = []
    for conversation, sample in facts.sampled[:MOST_NODES]:
        if sample.tree is None:
            continue
        on_node = Selection(field_selector=f"spec.nodeName={conversation.node}")
        known = [
            KnownPod(uid=pod.cgroup_uid, namespace=pod.metadata.namespace, name=pod.metadata.name)
            for pod in list_pods(api, on_node, _ignored)
        ]
        unknown = set(unknown_uids(sample.tree, known))
        unknown -= _ended_meanwhile(cluster, facts, conversation, sorted(unknown))
        charges = {place.uid: use for use in sample.tree.cgroups if (place := pod_at(use.path)) is not None}
        nodes.append(conversation.node)
        orphans += [
            Orphan(node=conversation.node, uid=uid, charge_bytes=charges[uid].current_bytes)
            for uid in sorted(unknown)
        ]
    return PodCgroups(nodes=nodes, orphans=orphans)


def _ended_meanwhile(
    cluster: Cluster, facts: ClusterFacts, conversation: Conversation, uids: list[str]
) -> set[str]:
    if not uids:
        return set()
    target = msgspec.structs.replace(conversation.answer.target, pod_uids=uids, container_ids=())
    request = SampleRequest(time_budget_seconds=READING_SECONDS)
    transport = port_forwarding(cluster)()
    try:
        answer = fetch_sample(target, request, transport, Limits(timeout=facts.question.timeout))
    finally:
        transport.close()
    return gone_pods(answer.sample) if answer.sample is not None else set()


def _target(agent: AgentPod, other: Running | None) -> Target:
    """Ask for the agent's own pod, whose cgroup every node has, and for one that is not its own."""
    uids = [agent.uid, other.uid if other else None]
    ids = other.container_ids if other else ()
    return Target(node=agent.node, agent=agent, pod_uids=[uid for uid in uids if uid], container_ids=ids)
