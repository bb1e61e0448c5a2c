"""What the nodes' cgroups are: version and driver."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from memcollect.doctor.checks.answers import unmeasurable
from memcollect.doctor.checks.booting import boot_commands, boot_remedy
from memcollect.doctor.facts import ClusterFacts, Conversation, PodsSeen, Running
from memcollect.doctor.result import Finding, Item
from memcollect.doctor.wording import count, of_nodes
from memcollect_agent.wire import NodeSample


def version(facts: ClusterFacts) -> Finding:
    """Whether the memory controller of every node is on cgroup v2, the only one that can be read."""
    told = [each for each in facts.conversations if each.sample or unmeasurable(each)]
    items = [_version_item(each) for each in told]
    bad = [item for item in items if item.status == "fail"]
    if not items:
        return Finding(
            status="skipped", sentence="Not checked, because no agent told of its node.", blocks=True
        )
    if bad:
        systems = _systems(facts, {item.name for item in bad})
        return Finding(
            status="fail",
            sentence=f"Not measurable: {of_nodes([item.name for item in bad], len(items))}: {bad[0].detail}",
            remedy=f"Use a node image with cgroup v2, or on each such node {boot_remedy(systems)}:",
            commands=boot_commands(systems),
            items=items,
            blocks=len(bad) == len(items),
        )
    return Finding(status="ok", sentence=f"v2 on {count(len(items), 'node')}.", items=items)


def _systems(facts: ClusterFacts, names: set[str]) -> list[str]:
    """Return what the nodes of these `names` say their operating system is."""
    nodes = facts.nodes if isinstance(facts.nodes, Sequence) else ()
    return [each.status.node_info.os_image for each in nodes if each.metadata.name in names]


def _version_item(each: Conversation) -> Item:
    if each.sample is None:
        return Item(name=each.node, status="fail", detail=unmeasurable(each))
    known = each.sample.node.cgroup_version
    if known == "v2":
        return Item(name=each.node, status="ok", detail=known)
    return Item(name=each.node, status="fail", detail=f"its cgroup version is {known or 'not known'}.")


def driver(facts: ClusterFacts) -> Finding:
    """Which cgroup driver each kubelet uses, as the paths of its pods say; either is good."""
    drivers = {each.node: _driver(each) for each in facts.conversations if each.sample}
    items = [Item(name=node, status="ok", detail=name or "unknown") for node, name in drivers.items()]
    unknown = [node for node, name in drivers.items() if name is None]
    known = Counter(name for name in drivers.values() if name is not None)
    told = ", ".join(f"{name} on {count(number, 'node')}" for name, number in known.most_common())
    if not known:
        return Finding(
            status="skipped",
            sentence="Unknown on every node, because no pod's cgroup was found there.",
            items=items,
        )
    if unknown:
        return Finding(
            status="warn",
            sentence=f"{told}; on {of_nodes(unknown, len(drivers))} the agent does not find its own pod.",
            remedy="See whether the node's /sys/fs/cgroup is mounted into the agent, as deploy/base does:",
            commands=[_describe(facts, unknown[0])],
            items=items,
        )
    return Finding(status="ok", sentence=f"{told}.", items=items)


def of_pods(facts: ClusterFacts) -> Finding:
    """Whether the agent finds the cgroup of a pod that Kubernetes says runs: of one on each node."""
    tried = facts.pods.by_node if isinstance(facts.pods, PodsSeen) else {}
    asked = [(each.node, each.sample, tried[each.node]) for each in facts.conversations if each.node in tried]
    items = [_of_pod(node, sample, pod) for node, sample, pod in asked if sample is not None]
    bad = [item for item in items if item.status == "warn"]
    if not items:
        return Finding(
            status="skipped", sentence="Not checked, because no agent was asked for a running pod."
        )
    if bad:
        return Finding(
            status="warn",
            sentence=f"{of_nodes([item.name for item in bad], len(items))}: {bad[0].detail}.",
            remedy="See that kubelet and runtime have one cgroup driver (cgroupDriver, SystemdCgroup), and"
            " that the node's whole /sys/fs/cgroup is mounted into the agent, as deploy/base does.",
            items=items,
        )
    return Finding(
        status="ok",
        sentence=f"The pods tried on {count(len(items), 'node')} are where they belong.",
        items=items,
    )


def _of_pod(node: str, sample: NodeSample, pod: Running) -> Item:
    if any(each.id in pod.container_ids or each.pod_uid == pod.uid for each in sample.strays):
        detail = f"containers of {pod.name} are outside of the pod's own cgroup"
        return Item(name=node, status="warn", detail=detail)
    if any(each.uid == pod.uid for each in sample.pods):
        return Item(name=node, status="ok", detail=pod.name)
    detail = f"{pod.name} runs, so Kubernetes says, and there is no cgroup of it or of its containers"
    return Item(name=node, status="warn", detail=detail)


def _driver(each: Conversation) -> str | None:
    pods = each.sample.pods if each.sample else []
    return next((pod.driver for pod in pods if pod.driver), None)


def _describe(facts: ClusterFacts, node: str) -> str:
    namespace = facts.question.deployment.namespace
    pod = next(
        (
            each.answer.target.agent.name
            for each in facts.conversations
            if each.node == node and each.answer.target.agent
        ),
        "",
    )
    return facts.question.kubectl("describe pod -n {} {}", namespace, pod)
