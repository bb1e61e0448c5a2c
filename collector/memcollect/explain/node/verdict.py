"""Where a node's memory is, in the first two sentences; then what must not wait. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from memcollect.accounting.facts import Facts
from memcollect.documents.snapshot import Holder, NodeAccount, Partition
from memcollect.units import human_bytes

SMALLEST_SHARE = 0.03
"""Of MemTotal: what holds less is not told in the verdict, unless it is where it should not be."""
MOST_PARTS = 5
LOUD = frozenset({"orphan_pods", "left_by_pods", "outside_containers"})
"""Told by their findings, whatever their share: nobody looks for memory there."""


def pronounce(account: NodeAccount, facts: Facts) -> str:
    """Return the verdict on one node."""
    owners = account.owners
    where = _where(account, owners) if owners is not None else _without_total(account, facts)
    alarms = [each for each in account.findings if each.severity in {"critical", "warning"}]
    loud = [each.sentence for each in alarms if each.cause in LOUD]
    return " ".join([*where, *loud, *_beside(facts), *(e.sentence for e in alarms if e.cause not in LOUD)])


def _without_total(account: NodeAccount, facts: Facts) -> list[str]:
    """Return what the cgroups alone tell of a node whose MemTotal nobody could read."""
    sentences = [f"How much memory this node has is unknown: {facts.reason('meminfo.MemTotal')}."]
    if "root_held" in facts:
        held = f"It holds {human_bytes(facts['root_held'])} of anonymous memory and page cache"
        counted = facts.get("working_set")
        beside = f"; the kubelet counts {human_bytes(counted)} as used" if counted is not None else ""
        sentences.append(f"{held}{beside}.")
    largest = next((each for each in account.holders if each.kind in {"pod", "unnamed", "service"}), None)
    if largest is not None:
        sentences.append(f"The largest is {largest.name}, {human_bytes(largest.bytes)}.")
    return sentences


def _where(account: NodeAccount, owners: Partition) -> list[str]:
    """Return the sentence that says who holds the node's memory, the largest first."""
    whole = owners.whole_bytes
    parts = [(term.estimate_bytes, term.term) for term in owners.terms]
    told = sorted(
        (part for part in parts if part[0] >= SMALLEST_SHARE * whole and not _is_told(part[1], account)),
        key=lambda part: (part[1] == "free", -part[0]),
    )
    words = [f"{human_bytes(size)} {_phrase(term, account.holders)}" for size, term in told[:MOST_PARTS]]
    unnamed = owners.residual
    if not unnamed.within_bound and abs(unnamed.estimate_bytes) >= SMALLEST_SHARE * whole:
        words.append(_unnamed(unnamed.estimate_bytes))
    return [f"Of {human_bytes(whole)}, {_joined(words)}."] if words else []


def _is_told(term: str, account: NodeAccount) -> bool:
    """Return whether a finding tells all of it; that of containers tells of those that pods started."""
    found = term in LOUD and any(each.cause == term for each in account.findings)
    alone = [each for each in account.holders if each.kind == "container" and not each.pod]
    return found and not (term == "outside_containers" and alone)


def _unnamed(size_bytes: int) -> str:
    if size_bytes < 0:
        return f"which is {human_bytes(-size_bytes)} too much: not explained"
    return f"{human_bytes(size_bytes)} could not be told apart"


def _phrase(term: str, holders: Sequence[Holder]) -> str:
    if term == "pods":
        return f"is charged to {_counted([each for each in holders if each.kind in {'pod', 'unnamed'}])}"
    if term == "outside_containers":
        return _containers([each for each in holders if each.kind == "container"])
    if term == "services":
        return f"is system services ({_largest(holders, 'service')})"
    if term == "other_cgroups":
        return f"is other cgroups ({_largest(holders, 'slice')})"
    return PHRASES.get(term, f"is {term}")


PHRASES = {
    "free": "is free",
    "left_by_pods": "was left by deleted pods",
    "root_own": "is charged to no cgroup but the root",
    "kernel_uncharged": "is the kernel's own, charged to nobody",
    "hugetlb": "is the hugetlb pool",
}


def _counted(pods: Sequence[Holder]) -> str:
    return f"{len(pods)} pod" + ("" if len(pods) == 1 else "s")


def _containers(containers: Sequence[Holder]) -> str:
    what = "a container" if len(containers) == 1 else f"{len(containers)} containers"
    by = ", ".join(dict.fromkeys(each.pod for each in containers if each.pod))
    return f"is {what} outside of Kubernetes" + (f" that pod {by} started" if by else "")


def _largest(holders: Sequence[Holder], kind: str) -> str:
    first = next(each for each in holders if each.kind == kind)
    count = sum(1 for each in holders if each.kind == kind)
    size = human_bytes(first.bytes)
    return f"{first.name} {size}" if count > 1 else first.name


def _joined(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{'; '.join(words[:-1])}; {words[-1]}"


def _beside(facts: Facts) -> list[str]:
    """Return the sentence that holds the kubelet's number against what free calls available."""
    if "working_set" not in facts or "meminfo.MemAvailable" not in facts:
        return []
    whole, available = facts["meminfo.MemTotal"], facts["meminfo.MemAvailable"]
    used = facts["working_set"]
    text = (
        f"The kubelet counts {human_bytes(used)} as used ({_percent(used, whole)}), while free calls"
        f" {human_bytes(available)} available ({_percent(available, whole)})"
    )
    cache = facts.get("root.active_file", 0)
    if cache >= SMALLEST_SHARE * whole:
        text += f": {human_bytes(cache)} of it is active page cache, which goes under pressure"
    return [f"{text}."]


def _percent(part: int, whole: int) -> str:
    return f"{part * 100 / whole:.0f} %" if whole else "?"
