"""The few numbers of a pod that stand in one row of an overview. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from memcollect.accounting.kinds import HOT_CACHE, KERNEL, SHMEM
from memcollect.join.limit import limit_of
from memcollect.reporters.sizes import size
from memcollect.reporters.words import pod_name
from memcollect_agent.wire import Limit

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from memcollect.documents.snapshot import Composition, Pod, Snapshot
    from memcollect.reporters.words import Details

MANY_PODS, LARGEST_PODS = 1000, 100
"""A list of more pods than the first nobody reads: it has the largest, so many of them."""


class Amount(Struct, frozen=True):
    """A number of bytes, or None; `partial` where some part of it could not be decided."""

    bytes: int | None = None
    partial: bool = False


class Row(Struct, frozen=True):
    """One pod in an overview."""

    top: Amount
    working_set: Amount
    pss: Amount
    cache: Amount
    shmem: Amount
    kernel: Amount
    residual: Amount
    limit: Limit = None
    """The pod's own limit, or its only container's; "max": it has none; None: it is not known."""


def overview_row(pod: Pod) -> Row:
    """Return the pod's row; what the document does not know stays unknown."""
    composition = pod.composition
    return Row(
        top=Amount(pod.top.memory_bytes if pod.top else None),
        working_set=Amount(composition.working_set_bytes if composition else None),
        pss=_pss(pod),
        cache=_sum_of(composition, HOT_CACHE.terms),
        shmem=_sum_of(composition, SHMEM.terms),
        kernel=_sum_of(composition, KERNEL.terms),
        residual=Amount(composition.residual.estimate_bytes if composition else None),
        limit=limit_of(pod),
    )


def limit_text(limit: Limit) -> str:
    """Return a limit for a page: "none" where there is none, "?" where it is not known."""
    return "none" if limit == "max" else size(limit)


def by_size(pod: Pod) -> tuple[int, str]:
    """Sort key: the largest working set first, then by name; the unmeasured last."""
    known = pod.composition.working_set_bytes if pod.composition else -1
    return -known, pod_name(pod)


def listed_pods(snapshot: Snapshot, details: Details) -> tuple[list[Pod], int]:
    """Return the pods that a list shows and how many it leaves out: all but the largest of very many.

    Which were not measured is told with why, and `details` "all" shows every one.
    """
    pods = snapshot.pods
    if details == "all" or len(pods) <= MANY_PODS:
        return pods, 0
    return sorted(pods, key=by_size)[:LARGEST_PODS], len(pods) - LARGEST_PODS


def _pss(pod: Pod) -> Amount:
    if pod.ladder is None:
        return Amount()
    rung = next((rung for rung in pod.ladder.rungs if rung.rung == "pss"), None)
    return Amount(rung.bytes if rung else None)


def _sum_of(composition: Composition | None, names: AbstractSet[str]) -> Amount:
    """Return Σ of the estimates; with an undecided member it is a part only.

    A composition leaves out terms of no bytes, so a term that is neither there nor undecided holds none.
    """
    if composition is None:
        return Amount()
    known = [term.estimate_bytes for term in composition.terms if term.term in names]
    partial = any(undecided.name in names for undecided in composition.undecided)
    return Amount(None if partial and not known else sum(known), partial)
