"""Whether the user has the rights that a snapshot uses: one check for each thing that is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from memcollect.doctor.facts import ClusterFacts, Reached
from memcollect.doctor.result import Finding, Item
from memcollect.doctor.wording import count, few
from memcollect.sources.access import Access
from memcollect.sources.rights import CREATE_NEEDED_SINCE, Right, asks_create, in_words


def pods(facts: ClusterFacts) -> Finding:
    """Judge the rights on the pods that are to be measured."""
    chosen = facts.question.namespaces
    places = {None} if chosen is None else set(chosen)
    return _judged(
        facts, lambda right: _is(right, "pods") and not right.subresource and right.namespace in places
    )


def metrics(facts: ClusterFacts) -> Finding:
    """Judge the rights on the numbers that kubectl top shows."""
    return _judged(facts, lambda right: _is(right, "pods", "metrics.k8s.io"))


def nodes(facts: ClusterFacts) -> Finding:
    """Judge the rights on the machines."""
    return _judged(facts, lambda right: _is(right, "nodes"))


def runtime_classes(facts: ClusterFacts) -> Finding:
    """Judge the rights on what a pod's runtimeClassName means."""
    return _judged(facts, lambda right: _is(right, "runtimeclasses", "node.k8s.io"))


def agents(facts: ClusterFacts) -> Finding:
    """Judge the right to find the agents."""
    namespace = facts.question.deployment.namespace
    return _judged(
        facts,
        lambda right: (
            right.verb == "list"
            and _is(right, "pods")
            and not right.subresource
            and right.namespace == namespace
        ),
    )


def forwards(facts: ClusterFacts) -> Finding:
    """Judge the rights on the way to the agents."""
    return _judged(facts, lambda right: right.subresource == "portforward")


def told(rights: Iterable[Right]) -> str:
    """Return the rights in words, a few of the places."""
    return few(in_words(rights))


def _is(right: Right, resource: str, group: str = "") -> bool:
    return (right.resource, right.group) == (resource, group)


def _judged(facts: ClusterFacts, chosen: Callable[[Right], bool]) -> Finding:
    reviews = [access for access in facts.rights if chosen(access.right)]
    items = [_item(access, facts) for access in reviews]
    lacking = [access for access, item in zip(reviews, items, strict=True) if item.status == "fail"]
    if lacking:
        return _lacking(lacking, items, facts)
    unneeded = [access.right for access, item in zip(reviews, items, strict=True) if item.status == "warn"]
    if unneeded:
        return Finding(
            status="warn",
            sentence=f"You may not {told(unneeded)}, which Kubernetes 1.{CREATE_NEEDED_SINCE} will ask for.",
            remedy="Ask for it before the cluster is upgraded; deploy/ has the role.",
            items=items,
        )
    return Finding(status="ok", sentence=f"You may {told(access.right for access in reviews)}.", items=items)


def _lacking(lacking: list[Access], items: list[Item], facts: ClusterFacts) -> Finding:
    unknown = [access for access in lacking if access.allowed is None]
    if unknown:
        said = f"The API server did not say whether you may {unknown[0].right}: {unknown[0].detail}"
        more = f" (and {count(len(unknown) - 1, 'more right')})" if len(unknown) > 1 else ""
        return Finding(
            status="fail",
            sentence=f"{said.rstrip('.')}{more}.",
            remedy="Ask it with kubectl, as the same user:",
            commands=[facts.question.kubectl(_can_i(unknown[0].right))],
            items=items,
        )
    return Finding(
        status="fail",
        sentence=f"You may not {told(access.right for access in lacking)}.",
        remedy="Have an administrator bind the role in deploy/ to you, then check with:",
        commands=[facts.question.kubectl(_can_i(access.right)) for access in lacking[:3]],
        items=items,
    )


def _item(access: Access, facts: ClusterFacts) -> Item:
    if access.allowed:
        return Item(name=str(access.right), status="ok")
    is_late = access.right.verb == "create" and access.allowed is False and _is_older(facts)
    return Item(name=str(access.right), status="warn" if is_late else "fail", detail=access.detail)


def _is_older(facts: ClusterFacts) -> bool:
    """Tell whether the server is of a version that lets `get` forward alone; False where not known."""
    return isinstance(facts.reached, Reached) and not asks_create(facts.reached.version)


def _can_i(right: Right) -> str:
    return right.command.removeprefix("kubectl ")
