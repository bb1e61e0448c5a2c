"""Whether the agents may read the memory of other processes: of one pod on each node, as a try."""

from __future__ import annotations

from collections.abc import Iterator

from memcollect.doctor.facts import ClusterFacts, Conversation
from memcollect.doctor.result import Finding, Item
from memcollect.doctor.wording import count, of_nodes
from memcollect_agent.wire import NodeSample, ProcessSums

OTHER_NAMESPACE_PID = 0
"""What cgroup.procs says of a process that the agent's own PID namespace cannot name."""


def readable(facts: ClusterFacts) -> Finding:
    """Whether smaps_rollup of the pods' processes can be read: it takes hostPID and SYS_PTRACE."""
    items = [_item(each, sample) for each, sample in facts.sampled]
    denied = [item for item in items if item.status == "fail"]
    if denied:
        return Finding(
            status="fail",
            sentence=f"{of_nodes([item.name for item in denied], len(items))}: {denied[0].detail}.",
            remedy="Give the agents hostPID and the capability SYS_PTRACE, as deploy/base does:",
            commands=(facts.question.kubectl("apply -k deploy/base"),),
            items=items,
        )
    tried = [item for item in items if item.detail]
    if not tried:
        sentence = "Not checked, because no agent was asked for a pod that has processes."
        return Finding(status="skipped", sentence=sentence, items=items)
    return Finding(
        status="ok",
        sentence=f"The processes tried on {count(len(tried), 'node')} could be read.",
        items=items,
    )


def _item(each: Conversation, sample: NodeSample) -> Item:
    sums = list(_sums(sample))
    skipped = [process for one in sums for process in one.skipped]
    if any(process.pid == OTHER_NAMESPACE_PID for process in skipped):
        detail = "the agent sees only its own processes, for its pod has no hostPID"
        return Item(name=each.node, status="fail", detail=detail)
    denied = sum(process.reason == "denied" for process in skipped)
    if denied:
        detail = f"the agent may not read smaps_rollup of {denied} of its pods' processes"
        return Item(name=each.node, status="fail", detail=detail)
    read = sum(one.read for one in sums)
    return Item(name=each.node, status="ok", detail=f"{read} read" if read else "")


def _sums(sample: NodeSample) -> Iterator[ProcessSums]:
    for pod in sample.pods:
        yield pod.own_sums
        for container in pod.containers:
            yield container.sums
