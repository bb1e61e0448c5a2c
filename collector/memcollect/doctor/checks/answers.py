"""Whether the agents that are ready answer."""

from __future__ import annotations

from collections.abc import Iterable

from memcollect.doctor.facts import ClusterFacts, Conversation
from memcollect.doctor.result import Finding, Item
from memcollect.doctor.wording import count, of_nodes

UNMEASURABLE = "The node cannot be measured: "
"""How an agent's sentence begins that answers, and whose node has no cgroup v2 to read."""


def answering(facts: ClusterFacts) -> Finding:
    """Whether the agents that are ready answer; that their node cannot be measured is an answer too."""
    asked = facts.conversations
    items = [_answer_item(each) for each in asked]
    silent = [each for each, item in zip(asked, items, strict=True) if item.status == "fail"]
    if not silent:
        return Finding(
            status="ok",
            sentence=f"{len(asked)} of {count(len(asked), 'agent')} asked gave an answer.",
            items=items,
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
    if reasons == {"kubelet-down"}:
        return "Mend the kubelet first; what Kubernetes knows of the node:"
    if reasons == {"timeout"}:
        return "Give them longer with --timeout 60, and see what the agent is doing:"
    if reasons == {"agent-refused"}:
        return "Check --agent-port against the agent's --listen, and its log:"
    if reasons == {"agent-ended"}:
        return "See what Kubernetes knows of its pod:"
    return "See what the agent says:"


def _answer_commands(facts: ClusterFacts, silent: list[Conversation]) -> list[str]:
    namespace = facts.question.deployment.namespace
    if _reasons(silent) == {"denied"}:
        return [facts.question.kubectl("auth can-i create pods/portforward -n {}", namespace)]
    if _reasons(silent) == {"kubelet-down"}:
        return [facts.question.kubectl("describe node {}", silent[0].node)]
    # Of a node whose kubelet is down there is no log to be had.
    agents = [each.answer.target.agent for each in silent if _reasons([each]) != {"kubelet-down"}]
    agent = agents[0]
    if agent is None:
        return []
    if _reasons(silent) == {"agent-ended"}:
        return [facts.question.kubectl("describe pod -n {} {}", namespace, agent.name)]
    return [facts.question.kubectl("logs -n {} {} --tail=20", namespace, agent.name)]
