"""Whether every node has an agent."""

from __future__ import annotations

from collections.abc import Mapping

from memcollect.doctor.facts import ClusterFacts, Fault, answered
from memcollect.doctor.result import Finding, Item
from memcollect.doctor.wording import count, few
from memcollect.kubernetes.objects import Node
from memcollect.sources.agent_pods import AgentPod

KEEPS_AWAY = frozenset({"NoSchedule", "NoExecute"})
_OS_LABEL = "kubernetes.io/os"


def deployed(facts: ClusterFacts) -> Finding:
    """Agents desired against ready: the Linux nodes against the agents' pods."""
    if isinstance(facts.agents, Fault):
        return Finding(status="fail", sentence=facts.agents.sentence, remedy=facts.agents.remedy)
    agents = answered(facts.agents)
    deployment = facts.question.deployment
    if not agents:
        return Finding(
            status="fail",
            sentence=f"No pod in namespace {deployment.namespace} is labelled {deployment.selector}.",
            remedy="Deploy them, or say where they are with --agent-namespace and --agent-selector:",
            commands=(facts.question.kubectl("apply -k deploy/base"),),
        )
    if facts.nodes is None or isinstance(facts.nodes, Fault):
        return _without_nodes(facts, agents, facts.nodes)
    return _covered(facts, [node for node in facts.nodes if _is_linux(node)], agents)


def _without_nodes(facts: ClusterFacts, agents: Mapping[str, AgentPod], fault: Fault | None) -> Finding:
    items = [_agent_item(agent) for agent in agents.values()]
    ready = sum(item.status == "ok" for item in items)
    return Finding(
        status="warn",
        sentence=f"{ready} of {count(len(agents), 'agent')} ready; which nodes have none cannot be told: "
        f"{fault.sentence if fault else 'the nodes were not asked for.'}",
        remedy="Until the nodes can be listed, compare by eye:",
        commands=(_pods_command(facts),),
        items=items,
        blocks=not ready,
    )


def _covered(facts: ClusterFacts, nodes: list[Node], agents: Mapping[str, AgentPod]) -> Finding:
    items = [_node_item(node, agents.get(node.metadata.name)) for node in nodes]
    failing = [item for item in items if item.status == "fail"]
    aside = [item.name for item in items if item.status == "warn"]
    ready = sum(item.status == "ok" for item in items)
    counted = f"{ready} ready of {len(nodes)} desired"
    if failing:
        names = few(item.name for item in failing)
        return Finding(
            status="fail",
            sentence=f"{counted}: {names} cannot be measured, for there {failing[0].detail}.",
            remedy="See why, for example whether a taint keeps the agent away:",
            commands=_coverage_commands(facts, agents, [item.name for item in failing]),
            items=items,
            blocks=not ready,
        )
    if aside:
        return Finding(
            status="warn",
            sentence=f"{counted}: {few(aside)} {'is' if len(aside) == 1 else 'are'} cordoned, tainted or not "
            "ready, so pods there are not measured.",
            remedy="If pods there matter, let the agents tolerate the taints:",
            commands=_coverage_commands(facts, agents, aside),
            items=items,
            blocks=not ready,
        )
    return Finding(status="ok", sentence=f"{counted}, one on each Linux node.", items=items)


def _coverage_commands(facts: ClusterFacts, agents: Mapping[str, AgentPod], names: list[str]) -> list[str]:
    unready = [agents[name] for name in names if name in agents]
    absent = [name for name in names if name not in agents]
    kubectl = facts.question.kubectl
    commands = [kubectl("describe pod -n {} {}", agent.namespace, agent.name) for agent in unready[:1]]
    commands += [kubectl("describe node {}", name) for name in absent[:1]]
    if absent:
        commands.append(kubectl("get daemonset -n {} -o wide", facts.question.deployment.namespace))
    return commands


def _agent_item(agent: AgentPod) -> Item:
    return Item(name=agent.node, status="fail" if agent.problem else "ok", detail=agent.problem)


def _node_item(node: Node, agent: AgentPod | None) -> Item:
    name = node.metadata.name
    if agent is not None and not agent.problem:
        return Item(name=name, status="ok", detail=f"{agent.namespace}/{agent.name}")
    detail = f"the agent cannot be asked: {agent.problem}" if agent else "is no agent"
    aside = _set_aside(node)
    if aside:
        return Item(name=name, status="warn", detail=f"{detail}; the node is {aside}")
    return Item(name=name, status="fail", detail=detail)


def _set_aside(node: Node) -> str:
    """Return why an agent may rightly be absent; "" where nothing explains it."""
    if not node.is_ready:
        return "not ready"
    if node.spec.unschedulable:
        return "cordoned"
    taint = next((taint.key for taint in node.spec.taints if taint.effect in KEEPS_AWAY), "")
    return f"tainted {taint}" if taint else ""


def _is_linux(node: Node) -> bool:
    system = node.status.node_info.operating_system or node.metadata.labels.get(_OS_LABEL, "linux")
    return system == "linux"


def _pods_command(facts: ClusterFacts) -> str:
    deployment = facts.question.deployment
    return facts.question.kubectl("get pods -n {} -l {} -o wide", deployment.namespace, deployment.selector)
