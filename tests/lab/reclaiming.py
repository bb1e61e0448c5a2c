"""Whether what a document calls droppable is what the kernel took back when it was asked for everything."""

from collections.abc import Iterable

from memcollect.accounting.reclaim import DROPPABLE
from memcollect.documents.snapshot import Pod, Term
from memcollect.units import MIB

_WITHIN_BYTES = MIB


def mistaken(pod: Pod, given_back_bytes: int) -> str | None:
    """Return how the document is wrong about what would go, None if it is not.

    What must be written out first may have gone, too, and of kernel caches "most" is all that is said.
    """
    assert pod.composition is not None
    charged = [*pod.composition.terms, *pod.composition.left_out]
    droppable = [term for term in charged if term.reclaimable in DROPPABLE]
    written = [term for term in charged if term.reclaimable == "write-back"]
    least = _estimate(term for term in droppable if term.reclaimable != "mostly") - _WITHIN_BYTES
    most = _estimate(droppable) + sum(term.high_bytes for term in written) + _WITHIN_BYTES
    if least <= given_back_bytes <= most:
        return None
    terms = {term.term: (term.estimate_bytes, term.reclaimable) for term in charged}
    return f"{pod.name}: {given_back_bytes} went, and {least} to {most} should have: {terms}"


def _estimate(terms: Iterable[Term]) -> int:
    return sum(term.estimate_bytes for term in terms)
