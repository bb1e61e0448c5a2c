"""One node as the live view knows it: its pods, its last answer, and what came of the last question. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from memcollect.documents.snapshot import Missing
from memcollect.join import FINISHED, ClusterFacts, Failure, NodeJoin, join_node
from memcollect.join.contained import IMPOSSIBLE, contradiction
from memcollect.join.series import Series
from memcollect.kubernetes import objects as kube
from memcollect.live.rows import Row, row_of
from memcollect.live.trend import remembered
from memcollect_agent import wire

NOT_YET = Failure("no-answer-yet", "its node's agent has not answered yet")
NOT_ASKED = Failure("pending", "nobody was asked: none of its pods runs")


@dataclass(frozen=True, kw_only=True)
class NodeView:
    """A node; `name` is None for the pods that are on none yet. `received`, `asked`: the watcher's clock."""

    name: str | None
    pods: Sequence[kube.Pod] = ()
    sample: wire.NodeSample | None = None
    """Its last answer, however old."""
    covered: frozenset[str] = frozenset()
    """The UIDs that this answer was asked for."""
    received: float | None = None
    asked: float | None = None
    """When the question that waits for its answer was asked; None: none waits."""
    failure: Failure | None = None
    """What became of the last question, where it was not answered."""
    memory: Mapping[int, Series] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()
    missing: tuple[Missing, ...] = ()

    @property
    def needs_agent(self) -> bool:
        """Whether it holds a pod that has, or may have, a cgroup."""
        return self.name is not None and any(pod.status.phase not in FINISHED for pod in self.pods)

    @property
    def uids(self) -> frozenset[str]:
        """Its pods' UIDs, as their cgroups are named."""
        return frozenset(pod.cgroup_uid for pod in self.pods)


def listed(view: NodeView, pods: Sequence[kube.Pod], facts: ClusterFacts) -> NodeView:
    """Return the view with what the API server says there is now; the same one where nothing has changed."""
    if view.rows and tuple(pods) == tuple(view.pods):
        return view
    return joined(replace(view, pods=pods), facts)


def answered(
    view: NodeView, sample: wire.NodeSample, uids: frozenset[str], now: float, facts: ClusterFacts
) -> NodeView:
    """Return the view with an answer to the question for `uids`; one that cannot be true is a failure."""
    try:
        memory = remembered(view.memory, sample)
        told = replace(
            view, sample=sample, covered=uids, received=now, asked=None, failure=None, memory=memory
        )
        return joined(told, facts)
    except IMPOSSIBLE as error:
        why = Failure("broken-answer", contradiction(error))
        return failed(view, why, facts)


def failed(view: NodeView, failure: Failure, facts: ClusterFacts) -> NodeView:
    """Return the view after a question that was not answered: what is known is kept."""
    return joined(replace(view, asked=None, failure=failure), facts)


def joined(view: NodeView, facts: ClusterFacts) -> NodeView:
    """Return the view with its rows made anew.

    A pod that the last answer was not asked for has no number for the reason that there is no later one.
    """
    why = view.failure or (NOT_YET if view.needs_agent else NOT_ASKED)
    if view.sample is None:
        joins = [join_node(view.name, view.pods, why, facts)]
    else:
        known = [pod for pod in view.pods if pod.cgroup_uid in view.covered]
        others = [pod for pod in view.pods if pod.cgroup_uid not in view.covered]
        joins = [join_node(view.name, known, view.sample, facts), join_node(view.name, others, why, facts)]
    return with_rows(view, joins)


def with_rows(view: NodeView, joins: Sequence[NodeJoin]) -> NodeView:
    """Return the view with the rows of what was joined."""
    rows = tuple(row_of(pod, join.node, view.memory) for join in joins for pod in join.pods)
    return replace(view, rows=rows, missing=tuple(missing for join in joins for missing in join.missing))


def overdue(view: NodeView, now: float, patience: float) -> Failure | None:
    """Return why the view's numbers are stale; None where they are not.

    They are where the last question failed, or where one has waited for longer than `patience` seconds.
    """
    if view.failure is not None:
        return view.failure
    if view.asked is not None and now - view.asked > patience:
        return Failure("no-answer", f"its agent has not answered for {now - view.asked:.0f} s")
    return None
