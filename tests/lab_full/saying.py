"""Whether a document says what a workload knows, on a kernel that may sort page cache in one of two ways."""

import msgspec

from lab.contradictions import contradiction, tolerance
from lab.explained import intervals_of, pod_of
from lab.truth import Measured, Truth
from lab_full.passes import PASSES
from memcollect.documents.snapshot import Snapshot

_CACHE = ("hot_cache", "cold_cache", "unwritten_hot_cache", "unwritten_cold_cache")
SUMS = {
    "page_cache": _CACHE,
    "unwritten": _CACHE[2:],
    "detached_anon": ("detached_anon", "swap_cache", "split_huge"),
}
"""Causes of truths that are several of a document's."""


def truths_of(measured: Measured) -> list[Truth]:
    """Return what is true under the workload's pass.

    MGLRU sorts by generations, and so a file that was read once may be on the active list, and one that was
    read three times on the other (mm/vmscan.c): there only the sum of both is known.
    """
    if not PASSES[measured.setting].mglru:
        return measured.truths
    return [
        msgspec.structs.replace(each, cause="page_cache") if each.cause in _CACHE else each
        for each in measured.truths
    ]


def wrong(snapshot: Snapshot, truth: Truth) -> str | None:
    """Return how the document contradicts the truth, None if it does not."""
    if truth.cause not in SUMS:
        return contradiction(snapshot, truth)
    pod = pod_of(snapshot, truth.pod)
    found = {part: intervals_of(pod, truth.scope, part) for part in SUMS[truth.cause]}
    amount = sum(intervals[0][1] for intervals in found.values() if intervals)
    assert truth.size is not None
    if abs(amount - truth.size) <= tolerance(truth.size):
        return None
    return f"{truth.pod}/{truth.scope}: {truth.cause} should be {truth.size} and is {amount}: {found}"
