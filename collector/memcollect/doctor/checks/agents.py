"""Whether every node has an agent."""

from __future__ import annotations

from collections.abc import Mapping

from memcollect.doctor.checks.agent_causes import Cause, cause_of, evicted_from, named_cause, not_made
from memcollect.doctor.facts import ClusterFacts, Fault, PodsSeen, answered
from memcollect.doctor.result import Finding, Item, Status
from memcollect.doctor.wording import count, few
from memcollect.kubernetes.objects import Node
from memcollect.sources.agent_pods import AgentPod
from memcollect.sources.evictions import EVICTED

KEEPS_AWAY = frozenset({"NoSchedule", "NoExecute"})
_OS_LABEL = "kubernetes.io/os"
_NOT_DEPLOYED = Cause(
    told="",
    remedy="Deploy them, or say where they are with --agent-namespace and --agent-selector:",
    command="apply -k deploy/base",
)
_KEPT_AWAY = Cause(
    told="",
    remedy="Deploy them as deploy/base does, which tolerates every taint:",
    command="apply -k deploy/base",
)


def deployed(facts: ClusterFacts) -> Finding:
    """Agents desired against ready: the Linux nodes against the agents' pods."""
    if isinstance(facts.agents, Fault):
        return Finding(status="fail", sentence=facts.agents.sentence, remedy=facts.agents.remedy)
    agents = answered(facts.agents)
    if not agents:
        return _none(facts)
    if facts.nodes is None or isinstance(facts.nodes, Fault):
        return _without_nodes(facts, agents, facts.nodes)
    return _covered(facts, [node for node in facts.nodes if _is_linux(node)], agents)


def _none(facts: ClusterFacts) -> Finding:
    deployment = facts.question.deployment
    unmade = not_made(facts)
    aside = _all_set_aside(facts)
    cause = unmade[0] if unmade else _KEPT_AWAY if aside else _NOT_DEPLOYED
    why = _unmade(facts) or (f", and every Linux node is set aside: {few(aside)}" if aside else "")
    return Finding(
        status="fail",
        sentence=f"No pod in namespace {deployment.namespace} is labelled {deployment.selector}{why}.",
        remedy=cause.remedy,
        commands=(_command(facts, cause, ""),),
    )


def _all_set_aside(facts: ClusterFacts) -> list[str]:
    """Return each Linux node with what may keep pods away; nothing where one node takes them."""
    nodes = facts.nodes if facts.nodes and not isinstance(facts.nodes, Fault) else []
    linux = [node for node in nodes if _is_linux(node)]
    aside = [f"{node.metadata.name} is {_set_aside(node)}" for node in linux if _set_aside(node)]
    return aside if len(aside) == len(linux) else []


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
    items = [_node_item(node, agents.get(node.metadata.name), facts) for node in nodes]
    failing = [item for item in items if item.status == "fail"]
    aside = [item.name for item in items if item.status == "warn"]
    ready = sum(item.status == "ok" for item in items)
    counted = f"{ready} ready of {len(nodes)} desired"
    if failing:
        return Finding(
            status="fail",
            sentence=f"{counted}: {_told(failing)}.",
            remedy=_remedy(facts, agents, [item.name for item in failing]),
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
    cause = _first_cause(facts, agents, names)
    if cause is not None:
        return [_command(facts, cause, names[0], agents.get(names[0]))]
    unready = [agents[name] for name in names if name in agents]
    absent = [name for name in names if name not in agents]
    kubectl = facts.question.kubectl
    commands = [kubectl("describe pod -n {} {}", agent.namespace, agent.name) for agent in unready[:1]]
    commands += [kubectl("describe node {}", name) for name in absent[:1]]
    if absent:
        commands.append(kubectl("get daemonset -n {} -o wide", facts.question.deployment.namespace))
    return commands


def _told(failing: list[Item]) -> str:
    """Return which cannot be measured, and why: what is true of the first only is said of it alone."""
    first = failing[0]
    like = [item for item in failing if item.detail == first.detail]
    told = f"{few(item.name for item in like)} cannot be measured, for there {first.detail}"
    others = [item.name for item in failing if item not in like]
    own = "its own reason" if len(others) == 1 else "reasons of their own"
    return f"{told}; nor {few(others)}, for {own}" if others else told


def _command(facts: ClusterFacts, cause: Cause, node: str, agent: AgentPod | None = None) -> str:
    namespace = facts.question.deployment.namespace
    return facts.question.kubectl(cause.command, namespace, agent.name if agent else "", node)


def _remedy(facts: ClusterFacts, agents: Mapping[str, AgentPod], names: list[str]) -> str:
    """Return what to do about the first of them, whose commands follow."""
    cause = _first_cause(facts, agents, names)
    if cause is not None:
        return cause.remedy
    return "See why:" if names[0] in agents else "See why, for example whether a taint keeps the agent away:"


def _first_cause(facts: ClusterFacts, agents: Mapping[str, AgentPod], names: list[str]) -> Cause | None:
    if names[0] in agents:
        return cause_of(agents[names[0]])
    known = evicted_from(facts, names[0]) or not_made(facts)
    return known[0] if known else None


def _problem(agent: AgentPod) -> str:
    cause = named_cause(agent)
    if cause is None or agent.waits == EVICTED:
        more = agent.said.rstrip(". ")
        return agent.problem if more in agent.problem else f"{agent.problem}: {more}"
    said = f": {agent.said.rstrip('. ')}" if agent.said else ""
    before = f"; the one before it was {agent.eviction.told}" if agent.eviction is not None else ""
    return f"{cause.told} ({agent.waits}){said}{before}"


def _unmade(facts: ClusterFacts) -> str:
    unmade = not_made(facts)
    return f", for {unmade[0].told}: {unmade[1].rstrip('. ')}" if unmade else ""


def _agent_item(agent: AgentPod) -> Item:
    status: Status = "fail" if agent.problem else "ok"
    return Item(name=agent.node, status=status, detail=_problem(agent) if agent.problem else "")


def _node_item(node: Node, agent: AgentPod | None, facts: ClusterFacts) -> Item:
    name = node.metadata.name
    if agent is not None and not agent.problem:
        return Item(name=name, status="ok", detail=f"{agent.namespace}/{agent.name}")
    detail = f"the agent cannot be asked: {_problem(agent)}" if agent else _absent(facts, name)
    aside = _set_aside(node)
    if not aside:
        return Item(name=name, status="fail", detail=detail)
    pods = _pods_on(facts, name)
    evicted = name in facts.evictions or (agent is not None and agent.eviction is not None)
    status: Status = "fail" if pods or evicted else "warn"
    there = f", and {count(pods, 'pod')} to be measured {'is' if pods == 1 else 'are'} there" if pods else ""
    return Item(name=name, status=status, detail=f"{detail}; the node is {aside}{there}")


def _absent(facts: ClusterFacts, node: str) -> str:
    evicted = evicted_from(facts, node)
    return f"is no agent, for {evicted[1]}" if evicted else f"is no agent{_unmade(facts)}"


def _pods_on(facts: ClusterFacts, node: str) -> int:
    """Return how many of the chosen pods are known to run on the node, but for the agents' own namespace."""
    if not isinstance(facts.pods, PodsSeen):
        return 0
    own = f"{facts.question.deployment.namespace}/"
    return sum(on == node and not name.startswith(own) for name, on in facts.pods.nodes.items())


def _set_aside(node: Node) -> str:
    """Return why an agent may rightly be absent; "" where nothing explains it.

    A node that is short of something says so by a taint of its own, which nobody has decided on.
    """
    if not node.is_ready:
        return "not ready"
    if node.spec.unschedulable:
        return "cordoned"
    away = (taint.key for taint in node.spec.taints if taint.effect in KEEPS_AWAY)
    taint = next((key for key in away if not key.endswith("-pressure")), "")
    return f"tainted {taint}" if taint else ""


def _is_linux(node: Node) -> bool:
    system = node.status.node_info.operating_system or node.metadata.labels.get(_OS_LABEL, "linux")
    return system == "linux"


def _pods_command(facts: ClusterFacts) -> str:
    deployment = facts.question.deployment
    return facts.question.kubectl("get pods -n {} -l {} -o wide", deployment.namespace, deployment.selector)
