"""Whether the agents and this program understand each other, and are of one release."""

from __future__ import annotations

from collections import Counter

from memcollect.doctor.facts import ClusterFacts, Conversation
from memcollect.doctor.result import Finding, Item
from memcollect.doctor.wording import count, of_nodes
from memcollect.sources.plain import plain
from memcollect_agent.wire import SCHEMA_VERSION

_ROLLOUT = "rollout status -n {} daemonset"


def agreeing(facts: ClusterFacts) -> Finding:
    """Which schema and release the agents speak; neighbouring schemas are understood, others are not."""
    unsupported = [each for each in facts.conversations if _is_version_failure(each)]
    items = [_item(each) for each in facts.conversations if each.sample or _is_version_failure(each)]
    if unsupported:
        failure = unsupported[0].answer.failure
        nodes = of_nodes([each.node for each in unsupported], len(facts.conversations))
        return Finding(
            status="fail",
            sentence=f"Not understood: the agents of {nodes}. {failure.detail if failure else ''}",
            remedy="Upgrade what that says; for the agents, apply the deploy/ of this release:",
            commands=_upgrade(facts, failure.detail if failure else ""),
            items=items,
            blocks=False,
        )
    if not items:
        return Finding(status="skipped", sentence="Not checked, because no agent told its version.")
    return _mixture(facts, items)


def _mixture(facts: ClusterFacts, items: list[Item]) -> Finding:
    schemas = {sample.schema_version for _, sample in facts.sampled}
    releases = Counter(plain(sample.agent_version, 40) or "unnamed" for _, sample in facts.sampled)
    told = ", ".join(f"{release} on {count(number, 'node')}" for release, number in releases.most_common(3))
    if len(releases) > 1:
        return Finding(
            status="warn",
            sentence=f"Agents of different releases: {told}.",
            remedy="If no roll-out is under way, see where one stopped:",
            commands=(facts.question.kubectl(_ROLLOUT, facts.question.deployment.namespace),),
            items=items,
        )
    if schemas != {SCHEMA_VERSION}:
        spoken = ", ".join(str(schema) for schema in sorted(schemas))
        older = "the agents" if max(schemas) < SCHEMA_VERSION else "memcollect here"
        return Finding(
            status="warn",
            sentence=f"The agents ({told}) speak schema {spoken}, this memcollect {SCHEMA_VERSION}: "
            "understood, but fields may be missing.",
            remedy=f"Upgrade {older} to the newer release.",
            items=items,
        )
    return Finding(status="ok", sentence=f"{told}, schema {SCHEMA_VERSION} as here.", items=items)


def _is_version_failure(each: Conversation) -> bool:
    return each.answer.failure is not None and each.answer.failure.reason == "version"


def _upgrade(facts: ClusterFacts, detail: str) -> list[str]:
    if "upgrade memcollect here" in detail:
        return ["pip install --upgrade 'memcollect[collector]'"]
    return [facts.question.kubectl("apply -k deploy/base")]


def _item(each: Conversation) -> Item:
    if each.sample is None:
        return Item(
            name=each.node, status="fail", detail=each.answer.failure.detail if each.answer.failure else ""
        )
    detail = f"{plain(each.sample.agent_version, 40)}, schema {each.sample.schema_version}"
    return Item(name=each.node, status="ok", detail=detail)
