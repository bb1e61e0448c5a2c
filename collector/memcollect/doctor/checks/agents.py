"""Whether every node has an agent, and whether the agents answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from memcollect.doctor.facts import ClusterFacts, Conversation, Fault, answered
from memcollect.doctor.result import Finding, Item
from memcollect.doctor.wording import count, few, of_nodes
from memcollect.kube import Node
from memcollect.sources.agent_pods import AgentPod

KEEPS_AWAY = frozenset({"NoSchedule", "NoExecute"})
UNMEASURABLE = "The node cannot be measured: "
"""How an agent's sentence begins that answers, and whose node has no cgroup v2 to read."""
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
        return _without_nodes(facts, agents)
    return _covered(facts, [node for node in facts.nodes if _is_linux(node)], agents)


def _without_nodes(facts: ClusterFacts, agents: Mapping[str, AgentPod]) -> Finding:
    items = [_agent_item(agent) for agent in agents.values()]
    ready = sum(item.status == "ok" for item in items)
    return Finding(
        status="warn",
        sentence=f"{ready} of {count(len(agents), 'agent')} ready; which nodes have none cannot be told, "
        "since the nodes cannot be listed.",
        remedy="Get the right to list nodes; until then compare by eye:",
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


def answering(facts: ClusterFacts) -> Finding:
    """Whether the agents that are ready answer; that their node cannot be measured is an answer too."""
    asked = facts.conversations
    items = [_answer_item(each) for each in asked]
    silent = [each for each, item in zip(asked, items, strict=True) if item.status == "fail"]
    if not silent:
        return Finding(
            status="ok", sentence=f"All {count(len(asked), 'agent')} asked gave an answer.", items=items
        )
    return Finding(
        status="fail",
        sentence=f"No answer from {of_nodes([each.node for each in silent], len(asked))}: {_said(silent)}",
        remedy=_answer_remedy(silent),
        commands=_answer_commands(facts, silent),
        items=items,
        blocks=len(silent) == len(asked),
    )


def unmeasurable(conversation: Conversation) -> str:
    """Return why the agent says that its node cannot be measured; "" where it does not say so."""
    failure = conversation.answer.failure
    return failure.detail.partition(UNMEASURABLE)[2] if failure else ""


def _answer_item(each: Conversation) -> Item:
    failure = each.answer.failure
    if failure is None or failure.reason == "version" or unmeasurable(each):
        return Item(name=each.node, status="ok")
    return Item(name=each.node, status="fail", detail=failure.detail)


def _said(silent: list[Conversation]) -> str:
    failure = silent[0].answer.failure
    return failure.detail if failure else ""


def _reasons(silent: Iterable[Conversation]) -> set[str]:
    return {each.answer.failure.reason for each in silent if each.answer.failure}


def _answer_remedy(silent: list[Conversation]) -> str:
    reasons = _reasons(silent)
    if reasons == {"denied"}:
        return "Have an administrator bind the role in deploy/ to you, then check with:"
    if reasons == {"timeout"}:
        return "Give them longer with --timeout 60, and see what the agent is doing:"
    if reasons == {"agent-refused"}:
        return "Check --agent-port against the agent's --listen, and its log:"
    return "See what the agent says:"


def _answer_commands(facts: ClusterFacts, silent: list[Conversation]) -> list[str]:
    namespace = facts.question.deployment.namespace
    if _reasons(silent) == {"denied"}:
        return [facts.question.kubectl("auth can-i create pods/portforward -n {}", namespace)]
    agent = silent[0].answer.target.agent
    if agent is None:
        return []
    return [facts.question.kubectl("logs -n {} {} --tail=20", namespace, agent.name)]


def _pods_command(facts: ClusterFacts) -> str:
    deployment = facts.question.deployment
    return facts.question.kubectl("get pods -n {} -l {} -o wide", deployment.namespace, deployment.selector)
