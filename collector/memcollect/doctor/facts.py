"""What was asked and answered, before anybody judges it. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TypeVar

from msgspec import Struct, field

from memcollect.documents.snapshot import Missing
from memcollect.errors import CollectorError
from memcollect.kubernetes.objects import Node, ServerVersion
from memcollect.sources.access import Access
from memcollect.sources.agent_pods import AgentPod, Deployment
from memcollect.sources.agents import Answer
from memcollect.sources.evictions import Eviction
from memcollect_agent.wire import NodeSample


class Question(Struct, frozen=True, kw_only=True):
    """What the user wants to do with the cluster: the options of the command."""

    kubeconfig: str | None = None
    context: str | None = None
    namespaces: Sequence[str] | None = None
    """Whose pods are to be measured; None: all."""
    deployment: Deployment = field(default_factory=Deployment)
    concurrency: int = 32
    timeout: float = 10.0
    """Seconds for the API server to answer one question, and for one agent."""

    @property
    def place(self) -> str:
        """The namespaces, in words."""
        if self.namespaces is None:
            return "all namespaces"
        some = ", ".join(self.namespaces[:3]) + (", …" if len(self.namespaces) > 3 else "")
        return f"namespace{'' if len(self.namespaces) == 1 else 's'} {some}"

    def kubectl(self, arguments: str, *names: str) -> str:
        """Return the kubectl command that speaks to the same cluster, its {} filled with quoted `names`."""
        chosen = [("--kubeconfig", self.kubeconfig), ("--context", self.context)]
        flags = "".join(f" {flag} {shlex.quote(value)}" for flag, value in chosen if value)
        return f"kubectl{flags} {arguments.format(*map(shlex.quote, names))}"


class Fault(Struct, frozen=True):
    """A question without an answer: what went wrong, and what to do."""

    sentence: str
    remedy: str = ""

    @classmethod
    def of(cls, error: CollectorError) -> Fault:
        """Return what the error says."""
        return cls(error.sentence, error.remedy)


class Connected(Struct, frozen=True, kw_only=True):
    """The cluster that the settings mean."""

    origin: str
    context: str | None
    server: str


class Reached(Struct, frozen=True, kw_only=True):
    """An API server that answered."""

    version: ServerVersion
    seconds: float
    """The second question's answer took; the first one's time is mostly the connection's."""


class Running(Struct, frozen=True, kw_only=True):
    """A pod that Kubernetes says runs."""

    name: str
    """NAMESPACE/NAME."""
    uid: str
    """What its cgroup is named by."""
    container_ids: Sequence[str] = ()


class PodsSeen(Struct, frozen=True, kw_only=True):
    """The first pods of the chosen namespaces."""

    count: int
    running: int
    more: bool
    """Whether there may be more than were looked at."""
    by_node: Mapping[str, Running] = field(default_factory=dict)
    """One running pod of each node that has one, no agent's."""
    nodes: Mapping[str, str] = field(default_factory=dict)
    """The node of each pod that was looked at and is on one; by NAMESPACE/NAME."""


class MetricsSeen(Struct, frozen=True, kw_only=True):
    """What the metrics API said of the chosen namespaces."""

    asked_at: float
    """This machine's clock."""
    gaps: Sequence[Missing] = ()
    timestamps: Mapping[str, float] = field(default_factory=dict)
    """Of each pod's numbers, on its node's clock; by NAMESPACE/NAME."""


class Conversation(Struct, frozen=True, kw_only=True):
    """What one agent answered, and when by this machine's clock."""

    answer: Answer
    sent_at: float | None = None
    received_at: float | None = None

    @property
    def node(self) -> str:
        """Whose agent it is."""
        return self.answer.target.node

    @property
    def sample(self) -> NodeSample | None:
        """What it measured."""
        return self.answer.sample


class Orphan(Struct, frozen=True, kw_only=True):
    """A pod's cgroup of which the API server knows no pod."""

    node: str
    uid: str
    charge_bytes: int | None = None


class PodCgroups(Struct, frozen=True, kw_only=True):
    """The cgroups of pods on some nodes, held against the pods that the API server puts there."""

    nodes: Sequence[str] = ()
    """Whose agents told of the whole node."""
    orphans: Sequence[Orphan] = ()


class ClusterFacts(Struct, kw_only=True):
    """Everything that was asked; None where a question was not reached."""

    question: Question
    connected: Connected | Fault | None = None
    reached: Reached | Fault | None = None
    rights: Sequence[Access] = ()
    pods: PodsSeen | Fault | None = None
    metrics: MetricsSeen | Fault | None = None
    nodes: Sequence[Node] | Fault | None = None
    agents: Mapping[str, AgentPod] | Fault | None = None
    failed_creations: Sequence[str] = ()
    """What Kubernetes says of agents' pods that it did not make."""
    evictions: Mapping[str, Eviction] = field(default_factory=dict)
    """What events tell of agents that were evicted, the last of each node; asked where one is not there."""
    conversations: Sequence[Conversation] = ()
    pod_cgroups: PodCgroups | Fault | None = None

    @property
    def sampled(self) -> list[tuple[Conversation, NodeSample]]:
        """The conversations that gave a sample."""
        return [(each, each.sample) for each in self.conversations if each.sample is not None]


Answered = TypeVar("Answered")


def answered(fact: Answered | Fault | None) -> Answered:
    """Return the answer. Raises LookupError: whoever asks for it needs the check that says it is there."""
    if fact is None or isinstance(fact, Fault):
        raise LookupError("a check was made without what it needs")
    return fact
