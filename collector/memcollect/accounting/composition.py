"""What the working set is made of: terms and residual sum to `working_set_bytes`. Pure.

working_set = (anon − lazyfree) + detached_anon + shmem + cache + kernel + sock + residual, which follows
from memory.current's identity by subtracting inactive_file. Each kind is split by what the kernel can do with
it, so that every byte has one answer to "would it go?", here and everywhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from memcollect.accounting.charge import (
    BESIDE_RULES,
    DETACHED_RULES,
    KERNEL_RULES,
    LEFT_OUT_RULES,
    anon_without_lazyfree,
    hot_cache,
    shmem,
    unwritten_hot_cache,
)
from memcollect.accounting.facts import Facts
from memcollect.accounting.interval import Interval, total
from memcollect.accounting.rules import (
    Bound,
    TermRule,
    charge_bound,
    composed,
    evaluate,
    interval_of,
    residual_of,
)
from memcollect.accounting.swap_room import swap_room
from memcollect.accounting.user_pages import locked_anon, locked_cache, pinned_shmem
from memcollect.documents.snapshot import Composition, Confidence, Residual, SwapRoom, Term, Undecided

RULES = (
    composed("anon", anon_without_lazyfree),
    composed("locked_anon", locked_anon),
    *DETACHED_RULES,
    composed("shmem", shmem),
    composed("pinned_shmem", pinned_shmem),
    composed("hot_cache", hot_cache),
    composed("unwritten_hot_cache", unwritten_hot_cache),
    composed("locked_cache", locked_cache),
    *KERNEL_RULES,
)


def working_set_bytes(facts: Facts) -> int:
    """Return cAdvisor's working set: max(0, memory.current − inactive_file), in bytes.

    Raises MissingFactError when either number is absent.
    """
    return max(0, facts["current"] - facts["stat.inactive_file"])


def compose(facts: Facts) -> Composition:
    """Return the composition of one cgroup's working set; raises MissingFactError if it has no number."""
    working_set = working_set_bytes(facts)
    terms, undecided = evaluate(RULES, facts)
    return Composition(
        working_set_bytes=working_set,
        terms=terms,
        residual=residual_of(working_set, terms, facts[charge_bound]),
        undecided=undecided,
        left_out=evaluate(LEFT_OUT_RULES, facts)[0],
        beside=evaluate(BESIDE_RULES, facts)[0],
        swap_room=swap_room(facts),
        block_bytes=facts.get("procs.block"),
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
    terms = _summed(RULES, [each.terms for each in compositions], without=undecided.keys())
    working_set = sum(each.working_set_bytes for each in compositions)
    residual = residual_of(working_set, terms, _added_bound([each.residual for each in compositions]))
    sound = residual.within_bound and all(each.residual.within_bound for each in compositions)
    return Composition(
        working_set_bytes=working_set,
        terms=terms,
        residual=msgspec.structs.replace(residual, within_bound=sound),
        undecided=list(undecided.values()),
        left_out=_summed(LEFT_OUT_RULES, [each.left_out for each in compositions]),
        beside=_summed(BESIDE_RULES, [each.beside for each in compositions]),
        swap_room=_common_room([each.swap_room for each in compositions]),
        block_bytes=_smallest([each.block_bytes for each in compositions]),
    )


def _summed(
    rules: Sequence[TermRule], parts: Sequence[Sequence[Term]], without: Iterable[str] = ()
) -> list[Term]:
    """Return the parts' terms added up by name, in the rules' order."""
    left_out = frozenset(without)
    by_name: dict[str, list[Term]] = {}
    for term in (term for part in parts for term in part if term.term not in left_out):
        by_name.setdefault(term.term, []).append(term)
    return [_sum_terms(by_name[rule.term]) for rule in rules if rule.term in by_name]


def _smallest(blocks: Sequence[int | None]) -> int | None:
    """Return the smallest block; None where one of them is not known."""
    known = [each for each in blocks if each is not None]
    return min(known) if len(known) == len(blocks) else None


def _common_room(rooms: Sequence[SwapRoom]) -> SwapRoom:
    return rooms[0] if len(set(rooms)) == 1 else "unknown"


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
