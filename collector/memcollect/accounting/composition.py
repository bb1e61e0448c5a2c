"""What the working set is made of: terms and residual sum to `working_set_bytes`. Pure.

working_set = (anon − lazyfree) + detached_anon + shmem + hot_cache + kernel + sock + residual,
which follows from memory.current's identity by subtracting inactive_file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from memcollect.accounting.charge import (
    KERNEL_RULES,
    anon_without_lazyfree,
    counter,
    detached_anon,
    hot_cache,
)
from memcollect.accounting.facts import Facts
from memcollect.accounting.interval import Interval, total
from memcollect.accounting.rules import Bound, TermRule, charge_bound, evaluate, interval_of, residual_of
from memcollect.documents.snapshot import Composition, Confidence, Residual, Term, Undecided

RULES = (
    TermRule("anon", anon_without_lazyfree, "swap-only"),
    TermRule("detached_anon", detached_anon, "swap-only"),
    TermRule("shmem", counter("shmem"), "swap-only"),
    TermRule("hot_cache", hot_cache, "under-pressure"),
    *KERNEL_RULES,
)


def working_set_bytes(facts: Facts) -> int:
    """Return cAdvisor's working set: max(0, memory.current − inactive_file), in bytes.

    Raises MissingFactError when either number is absent.
    """
    return max(0, facts.exact("current") - facts.stat("inactive_file"))


def compose(facts: Facts) -> Composition:
    """Return the composition of one cgroup's working set; raises MissingFactError if it has no number."""
    working_set = working_set_bytes(facts)
    terms, undecided = evaluate(RULES, facts)
    return Composition(
        working_set_bytes=working_set,
        terms=terms,
        residual=residual_of(working_set, terms, facts.once(charge_bound)),
        undecided=undecided,
    )


def combine(compositions: Sequence[Composition]) -> Composition:
    """Return the composition of several cgroups together, as kubectl top adds up a pod's containers.

    What is undecided in one of them is undecided in the sum: its other parts are in the residual then,
    rather than in a term that would read like a total. A hole in one is a hole in the whole, even where
    another's opposite sign would cover it up.
    """
    if len(compositions) == 1:
        return compositions[0]
    undecided: dict[str, Undecided] = {item.name: item for each in compositions for item in each.undecided}
    present = {term.term for each in compositions for term in each.terms} - undecided.keys()
    names = [rule.term for rule in RULES if rule.term in present]
    terms = [_sum_terms([t for each in compositions for t in each.terms if t.term == n]) for n in names]
    working_set = sum(each.working_set_bytes for each in compositions)
    residual = residual_of(working_set, terms, _added_bound([each.residual for each in compositions]))
    sound = residual.within_bound and all(each.residual.within_bound for each in compositions)
    return Composition(
        working_set_bytes=working_set,
        terms=terms,
        residual=msgspec.structs.replace(residual, within_bound=sound),
        undecided=list(undecided.values()),
    )


def _sum_terms(terms: Sequence[Term]) -> Term:
    interval = total(interval_of(term) for term in terms)
    return Term(
        term=terms[0].term,
        low_bytes=interval.low,
        high_bytes=interval.high,
        estimate_bytes=interval.estimate,
        confidence=weakest(term.confidence for term in terms),
        evidence=terms[0].evidence if len(terms) == 1 else f"sum over {len(terms)} containers",
        reclaimable=terms[0].reclaimable,
    )


def weakest(confidences: Iterable[Confidence]) -> Confidence:
    """Return the least certain of them."""
    order: tuple[Confidence, ...] = ("measured", "bounded", "inferred")
    return max(confidences, key=order.index, default="measured")


def _added_bound(residuals: Sequence[Residual]) -> Bound:
    low, high = (sum(getattr(each, f"bound_{end}_bytes") for each in residuals) for end in ("low", "high"))
    return Bound(Interval.between(low, high, 0), "the containers' bounds, added")
