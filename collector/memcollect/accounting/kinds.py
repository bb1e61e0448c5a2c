"""Terms of one kind taken together again, without the uncertainty of how they were split. Pure.

A split term is taken out of its whole: the whole's interval is as much lower as the split's may be higher.
Put together, the two are as certain as they were before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from memcollect.accounting.charge import KERNEL_RULES
from memcollect.accounting.interval import ZERO, Interval, total
from memcollect.accounting.rules import interval_of
from memcollect.documents.snapshot import Term


@dataclass(frozen=True)
class Whole:
    """A term, and the terms that were taken out of it by what the kernel can do with them."""

    term: str
    splits: frozenset[str] = frozenset()

    @property
    def terms(self) -> frozenset[str]:
        """Return the names of the term and its splits."""
        return frozenset({self.term}) | self.splits

    def joined(self, terms: Iterable[Term]) -> Interval:
        """Return the interval that holds the term with its splits."""
        rest, taken = ZERO, ZERO
        for term in terms:
            if term.term == self.term:
                rest = interval_of(term)
            elif term.term in self.splits:
                taken += interval_of(term)
        estimate = rest.estimate + taken.estimate
        low, high = rest.low + taken.high, rest.high + taken.low
        return Interval.of(min(low, estimate), max(high, estimate), estimate)


@dataclass(frozen=True)
class Kind:
    """A kind of memory that a table shows in one column."""

    wholes: Sequence[Whole]

    @property
    def terms(self) -> frozenset[str]:
        """Return the names of all its terms."""
        return frozenset().union(*(whole.terms for whole in self.wholes))

    def joined(self, terms: Sequence[Term]) -> Interval:
        """Return the interval that holds all of this kind."""
        return total(whole.joined(terms) for whole in self.wholes)


PRIVATE = Whole("anon", frozenset({"locked_anon"}))
DETACHED = Whole("split_huge", frozenset({"swap_cache"}))
ANON = Kind((PRIVATE, DETACHED, Whole("detached_anon")))
SHMEM = Kind((Whole("shmem", frozenset({"pinned_shmem"})),))
HOT_CACHE = Kind((Whole("hot_cache", frozenset({"unwritten_hot_cache", "locked_cache"})),))
CACHES_OF_FILES = Whole("slab_reclaimable", frozenset({"open_files"}))
KERNEL = Kind(
    (
        CACHES_OF_FILES,
        *(Whole(r.term) for r in KERNEL_RULES if r.term not in CACHES_OF_FILES.terms | {"hugetlb"}),
    )
)
"""Huge pages are no kernel memory: where they are charged at all they stand alone."""
