"""What a node had left at a moment, and what of deleted pods it still holds: as its agent measures it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from memcollect.errors import ClusterError
from memcollect.model import Missing
from memcollect.profile.tools import Tools
from memcollect.run_model import Moment, NodeEvidence
from memcollect.sources.agent_pods import Deployment, find_agents
from memcollect.sources.agents import Limits, Target, fetch_samples
from memcollect.sources.portforward import port_forwarding
from memcollect_agent.wire import NodeSample, Pod, SampleRequest

_NO_DYING = "the agent reads the cgroups of pods, not their parent's"
_NO_SHIMS = "the agent lists no processes outside the pods' cgroups"
_NOT_GONE = "no pod had been deleted that could have left any"


class Nodes:
    """Looks at nodes through their agents."""

    def __init__(self, tools: Tools, deployment: Deployment, limits: Limits) -> None:
        self._tools = tools
        self._deployment = deployment
        self._limits = limits

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
        names = sorted(agents if nodes is None else nodes)
        targets = [Target(node=name, agent=agents.get(name), pod_uids=list(uids)) for name in names]
        request = SampleRequest(sums=moment == "after", process_limit=20 if moment == "after" else 0)
        transports = port_forwarding(self._tools.api.cluster)
        found = []
        for answer in fetch_samples(targets, request, transports, self._limits):
            if answer.sample is not None:
                deleted = moment == "after" and bool(uids)
                found.append(evidence(answer.target.node, moment, answer.sample, deleted=deleted))
            elif answer.failure is not None:
                missing.append(answer.failure)
        return sorted(found, key=lambda each: each.node)


def evidence(node: str, moment: Moment, sample: NodeSample, *, deleted: bool) -> NodeEvidence:
    """Return what one sample tells of a node; `deleted`: the pods it was asked for are, and so leftovers."""
    absent = dict(sample.node.absent) if sample.node.meminfo is None else {}
    absent["dying_cgroups"] = _NO_DYING
    absent["leftover_shims" if deleted else "leftover_cgroups"] = _NO_SHIMS if deleted else _NOT_GONE
    return NodeEvidence(
        node=node,
        moment=moment,
        taken_at=sample.sampled_at,
        boot_id=sample.node.boot_id,
        pods=len(sample.pods),
        meminfo=sample.node.meminfo or {},
        leftover_cgroups=sum(1 + len(pod.containers) for pod in sample.pods) if deleted else None,
        leftover_processes=sorted(_processes(sample.pods)) if deleted else [],
        absent=absent,
    )


def _processes(pods: Sequence[Pod]) -> Iterator[str]:
    for pod in pods:
        for container in pod.containers:
            for process in container.processes:
                yield process.comm
