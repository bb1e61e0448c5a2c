"""What the verdict says of limits: which were reached or are near, and how much room is left. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from memcollect.documents.snapshot import Finding, Pod
from memcollect.explain.above import limit_of_others
from memcollect.explain.beside import says_unwritten
from memcollect.explain.limits import room_left
from memcollect.explain.places import short
from memcollect.explain.statement import Case, Rank, Said
from memcollect.join.states import has_ended
from memcollect.units import human_bytes

OF_LIMIT = frozenset({"near_limit"})
"""Causes that imply that a limit was hit, where they name it; a kill always does, of one or another."""
TOLD = (
    *("near_limit", "stalled", "throttled", "throttled_inside"),
    *("swap_full", "hit_limit", "hit_inside", "near_high"),
)
"""Causes of limits and slowed that are news whatever their severity, the gravest first."""
HITS = frozenset({"hit_limit", "hit_inside"})
"""Causes that a kill implies."""

UNWRITTEN = ("unwritten_cold_cache", "unwritten_hot_cache")
NO_LIMIT = "It has no memory limit."
NO_LIMIT_HERE = "None of its cgroups on the node has a memory limit."
"""Of one to which Kubernetes gives a limit: its guest may have it, or it was not set yet."""
LIMIT_ABOVE = "It has no memory limit of its own; {path} above it has {limit}{charged}."


def pressure(case: Case) -> Iterator[Said]:
    """Yield each state of want once: of the container that has it, before the pod's sum of the same."""
    for place, cause in enumerate(TOLD):
        found = case.of_cause(cause)
        if cause in HITS:
            found = [] if case.of_cause("oom_kill") else [each for each in found if not _is_said(case, each)]
        if found:
            chosen = max(found, key=_is_of_container)
            yield Said(
                topic=cause,
                sentence=case.named(chosen),
                rank=Rank.PRESSURE,
                weight=len(TOLD) - place,
                rests_on=[cause, *(UNWRITTEN if cause == "near_limit" and says_unwritten(case) else ())],
            )


def _is_said(case: Case, finding: Finding) -> bool:
    """Return whether the verdict names this finding's limit where it tells of a kill, or how near it is."""
    limits = [
        facts["limit.max"] for scope, facts in case.scopes if scope == finding.scope and "limit.max" in facts
    ]
    told = [each.sentence for each in case.pod.findings if each.cause in OF_LIMIT]
    return any(f"limit of {human_bytes(limit)}" in sentence for limit in limits for sentence in told)


def _is_of_container(finding: Finding) -> bool:
    return finding.scope != "pod"


def above(case: Case) -> Iterator[Said]:
    """Yield what is left to a limit above the pod, where that is little or nothing."""
    for cause in ("near_limit_above", "swap_full_above"):
        for finding in case.of_cause(cause):
            yield Said(cause, finding.sentence, Rank.ROOM, rests_on=[cause])


def enforced(case: Case) -> Iterator[Said]:
    """Yield where the limit in force is another than Kubernetes says; where that is an alarm, it is told."""
    for cause in ("limit_lost", "limit_differs"):
        for finding in case.of_cause(cause):
            yield Said(cause, case.named(finding), Rank.ROOM, rests_on=[cause])


def room(case: Case) -> Iterator[Said]:
    """Yield how much is left to the nearest limit, of the pod and its containers: to the nearest OOM kill.

    A container that reads files for long is at its limit, and far from its end.
    """
    if case.pod.unmeasured or has_ended(case.pod):
        return  # nothing of it runs that could need the room
    of_pod = "its" if len(case.apps) == 1 and "limit.max" in case.apps[0][1] else "the pod's"
    known = [
        (scope, room)
        for scope, facts in case.scopes
        if (room := room_left(facts, of_pod if scope == "pod" and case.pod.kind == "pod" else "its"))
        is not None
    ]
    if not known:
        if all("unlimited.max" in facts for _, facts in case.scopes):
            yield from _without_own(case)
        return
    scope, nearest = min(known, key=lambda each: (each[1].to_the_end_bytes, each[1].left_bytes))
    several = len(case.apps) > 1 and scope != "pod"
    yield Said(
        topic="near_limit" if nearest.is_near else "room",
        sentence=f"{scope}: {nearest.sentence}" if several else nearest.sentence,
        rank=Rank.ROOM,
        amount_bytes=nearest.left_bytes,
        rests_on=["limit.max", "current"],
    )


def _without_own(case: Case) -> Iterator[Said]:
    """Yield that it has no limit, or whose limit holds for it all the same, where that is not told yet.

    That of all pods of a node is no news: the kubelet sets it, to what may be allocated there.
    """
    if "near_limit_above" in case.causes:
        return
    nearest = limit_of_others(case.above)
    if nearest is None:
        if "limit_lost" not in case.causes:
            none = NO_LIMIT_HERE if _is_told_one(case.pod) else NO_LIMIT
            yield Said("room", none, Rank.ASIDE, rests_on=["limit.max"], is_optional=True)
        return
    level, charge = nearest
    charged = "" if charge is None else f", of which {human_bytes(charge)} is charged"
    limit = human_bytes(level.limit_bytes or 0)
    sentence = LIMIT_ABOVE.format(path=short(level.path), limit=limit, charged=charged)
    yield Said("room", sentence, Rank.ROOM, rests_on=["limit.max"])


def _is_told_one(pod: Pod) -> bool:
    return any("memory" in limits for limits in (pod.limits, *(each.limits for each in pod.containers)))
