"""What a node had left at a moment, and what of deleted pods it still holds: as its agent measures it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from memcollect.documents.run import Moment, NodeEvidence
from memcollect.documents.snapshot import Missing
from memcollect.errors import ClusterError
from memcollect.profile.tools import Tools
from memcollect.sources.agent_pods import Deployment, find_agents
from memcollect.sources.agents import Limits, Target, fetch_samples
from memcollect.sources.portforward import port_forwarding
from memcollect_agent.wire import Cgroup, NodeSample, Pod, SampleRequest

MOST_KEEPER_IDS = 1000
"""An agent takes 1024 in one question."""
_NOT_GONE = "no pod had been deleted that could have left any"
_TOO_OLD = "the node's agent is too old to tell"
_NO_PARENT = "no cgroup of all pods was found on the node"
_NO_IDS = "no look at the pods had told the ids of their containers"
_NO_SEARCH = "the agent's time was spent before every process of the node was looked at"


class Nodes:
    """Looks at nodes through their agents, and remembers by which ids the runtime knows the run's pods."""

    def __init__(self, tools: Tools, deployment: Deployment, limits: Limits) -> None:
        self._tools = tools
        self._deployment = deployment
        self._limits = limits
        self._ids: defaultdict[str, set[str]] = defaultdict(set)

    def look(
        self, moment: Moment, nodes: Collection[str] | None, uids: Sequence[str], missing: list[Missing]
    ) -> list[NodeEvidence]:
        """Return the evidence of `nodes` (None: of all that have an agent); `uids` are the run's pods.

        What could not be asked is added to `missing`; raises nothing.
        """
        try:
            agents = find_agents(self._tools.api, missing.append, nodes, self._deployment)
        except ClusterError as error:
            missing.append(Missing(kind="node", name="*", reason="unavailable", detail=str(error)))
            return []
        deleted = moment == "after" and bool(uids)
        ids = self._known_ids(uids) if deleted else []
        names = sorted(agents if nodes is None else nodes)
        targets = [Target(node=name, agent=agents.get(name), pod_uids=list(uids)) for name in names]
        request = SampleRequest(
            sums=deleted, process_limit=20 if deleted else 0, pods_parents=True, keeper_ids=ids or None
        )
        found = []
        for answer in fetch_samples(targets, request, port_forwarding(self._tools.api.cluster), self._limits):
            if answer.sample is not None:
                self._remember(answer.sample.pods)
                found.append(evidence(answer.target.node, moment, answer.sample, deleted=deleted, ids=ids))
            elif answer.failure is not None:
                missing.append(answer.failure)
        return sorted(found, key=lambda each: each.node)

    def _remember(self, pods: Iterable[Pod]) -> None:
        for pod in pods:
            self._ids[pod.uid] |= {each.id for each in (*pod.containers, *pod.outside) if each.id}

    def _known_ids(self, uids: Sequence[str]) -> list[str]:
        return [id_ for uid in uids for id_ in sorted(self._ids.get(uid, ()))][-MOST_KEEPER_IDS:]


def evidence(
    node: str, moment: Moment, sample: NodeSample, *, deleted: bool, ids: Sequence[str] = ()
) -> NodeEvidence:
    """Return what one sample tells of a node.

    `deleted`: the pods it was asked for are, and so whatever is there of them is left over; `ids` are those
    by which their shims were looked for.
    """
    absent = dict(sample.node.absent) if sample.node.meminfo is None else {}
    absent |= _why_no_leftovers(sample, deleted=deleted, ids=ids)
    return NodeEvidence(
        node=node,
        moment=moment,
        taken_at=sample.sampled_at,
        boot_id=sample.node.boot_id,
        pods=len(sample.pods),
        meminfo=sample.node.meminfo or {},
        pods_charge_bytes=_of_parents(sample, "pods_charge_bytes", _charge, absent),
        leftover_cgroups=sum(1 + len(pod.containers) for pod in sample.pods) if deleted else None,
        dying_cgroups=_of_parents(sample, "dying_cgroups", _dying, absent),
        leftover_processes=sorted(_processes(sample)) if deleted else [],
        absent=absent,
    )


def _why_no_leftovers(sample: NodeSample, *, deleted: bool, ids: Sequence[str]) -> dict[str, str]:
    if not deleted:
        return {"leftover_cgroups": _NOT_GONE}
    if not ids:
        return {"leftover_shims": _NO_IDS}
    if sample.keepers is None:
        return {
            "leftover_shims": _NO_SEARCH if any(p.name == "keepers" for p in sample.problems) else _TOO_OLD
        }
    return {}


def _of_parents(
    sample: NodeSample, name: str, of: Callable[[Cgroup], int | None], absent: dict[str, str]
) -> int | None:
    """Return the sum over the node's kubelets, or None with the reason in `absent`."""
    if not sample.pods_parents:
        absent[name] = _TOO_OLD if sample.pods_parents is None else _NO_PARENT
        return None
    values = [of(each) for each in sample.pods_parents]
    known = [each for each in values if each is not None]
    if len(known) < len(values):
        absent[name] = "the cgroup of all pods does not tell it"
        return None
    return sum(known)


def _charge(parent: Cgroup) -> int | None:
    return parent.current_bytes


def _dying(parent: Cgroup) -> int | None:
    return (parent.descendants or {}).get("nr_dying_descendants")


def _processes(sample: NodeSample) -> Iterator[str]:
    """Yield each process once: a shim may sit in the cgroup of its pod."""
    inside = {
        each.pid: each.comm
        for pod in sample.pods
        for container in pod.containers
        for each in container.processes
    }
    yield from (inside | {keeper.pid: keeper.program for keeper in sample.keepers or ()}).values()
