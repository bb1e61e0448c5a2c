"""Limits of the cgroups above a pod, which hold for it as its own do. Pure.

The kubelet limits all pods together to what may be allocated on the node (kubepods), a slice limits the
services in it, and a pod in a pod has the outer one's limit above it. A charge counts in all of them, and the
OOM killer looks for a victim below the one that is full (mm/memcontrol.c). It is a notice and no warning: all
pods of a node have it at once, and none of them need be the one to look at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from memcollect.accounting.above import Surroundings, cgroups_above
from memcollect.accounting.facts import MissingFactError
from memcollect.accounting.scopes import container_facts
from memcollect.accounting.swap_room import FULL_SHARE, swap_room
from memcollect.documents.snapshot import Container, Finding
from memcollect.explain.kills.counts import Level, level_above
from memcollect.explain.kills.told import ABOVE_REMEDY, name_level
from memcollect.explain.limits import needed_bytes
from memcollect.explain.places import short
from memcollect.units import human_bytes
from memcollect_agent.wire import Cgroup, Node

NEAR_SHARE = 0.95
"""Of a limit that many share what one of them grows by is a small part: it is near later than its own."""
NEAR = (
    "A limit above it is nearly used up, {name}: {needed} cannot be dropped, and {left} more, whoever takes"
    " it, ends in {end}."
)
OVER = (
    "A limit above it is used up, {name}: {needed} cannot be dropped, and what is charged next, whoever takes"
    " it, ends in {end}."
)
SWAP_FULL = (
    "A swap limit above it is reached, that of {path}: {used} of {limit} is swapped out, by whomever, and"
    " nothing more of this pod can be."
)

SWAP_REMEDY = "See which of its pods have most in swap; a higher memory.swap.max of this pod helps nothing."


def find_above(around: Surroundings) -> list[Finding]:
    """Return the finding on the limit above a pod that is nearest to its end, where one is near.

    And on the nearest swap limit above that is reached.
    """
    node, above = around
    found = [each for cgroup in above if _limit(cgroup) and (each := _near(cgroup, node)) is not None]
    near = [min(found, key=lambda each: each[0])[1]] if found else []
    full = [finding for cgroup in above for finding in _swap_full(cgroup, node)]
    return [*near, *full[:1]]


def _swap_full(cgroup: Cgroup, node: Node | None) -> Iterator[Finding]:
    limit, used = cgroup.swap.max_bytes, cgroup.swap.current_bytes
    has_swap = node is not None and bool(node.swap_devices)
    if has_swap and isinstance(limit, int) and limit and used is not None and used >= FULL_SHARE * limit:
        yield Finding(
            cause="swap_full_above",
            scope="pod",
            severity="notice",
            sentence=SWAP_FULL.format(
                path=short(cgroup.path), used=human_bytes(used), limit=human_bytes(limit)
            ),
            evidence=f"{cgroup.path}: memory.swap.current {used}, memory.swap.max {limit}",
            remedy=SWAP_REMEDY,
        )


def _near(cgroup: Cgroup, node: Node | None) -> tuple[int, Finding] | None:
    """Return how much is left to the limit, and the finding on it; None where it is far, or not known."""
    facts = container_facts(Container(name=cgroup.path, cgroup=cgroup), node, cgroups_above(cgroup, node))
    limit = _limit(cgroup)
    try:
        needed = facts[needed_bytes]
    except MissingFactError:
        return None
    if needed < NEAR_SHARE * limit:
        return None
    left = limit - needed
    sentence = (NEAR if left > 0 else OVER).format(
        name=name_level(level_above(cgroup)),
        needed=human_bytes(needed),
        left=human_bytes(left),
        end="swapping, and an OOM kill when swap is full" if swap_room(facts) == "usable" else "an OOM kill",
    )
    return left, Finding(
        cause="near_limit_above",
        scope="pod",
        severity="notice",
        sentence=sentence,
        evidence=f"{cgroup.path}: memory.current − what can be dropped {needed}, memory.max {limit}",
        remedy=ABOVE_REMEDY,
    )


def limit_of_others(above: Sequence[Cgroup]) -> tuple[Level, int | None] | None:
    """Return the nearest limit above that is no kubelet's, with its charge; None where there is none."""
    limited = [(level_above(each), each.current_bytes) for each in above if _limit(each)]
    found = [(level, charge) for level, charge in limited if level.kind == "other"]
    return found[0] if found else None


def _limit(cgroup: Cgroup) -> int:
    return cgroup.max_bytes if isinstance(cgroup.max_bytes, int) else 0
