"""What the verdict says of memory beside the working set, and of what in it is not the pod's own. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from memcollect.documents.snapshot import Reclaimable, Term
from memcollect.explain.limits import ONCE_WRITTEN, room_left
from memcollect.explain.statement import Case, Rank, Said
from memcollect.units import human_bytes


@dataclass(frozen=True)
class Beside:
    """A cause whose amounts are added up over the containers, and the sentence for it."""

    cause: str
    sentence: str
    rank: Rank = Rank.BESIDE
    is_optional: bool = False
    """Whether it may be left out of a long verdict, unless it is more than the working set itself."""
    between: str = ""
    """The sentence for what containers have by this cause and the pod has not: its others have the rest."""


CAUSES = (
    Beside("dead_containers", "{amount} more is charged to the pod by containers that are gone."),
    Beside(
        "dead_swap", "{amount} more of containers that are gone is in swap, and still charged to the pod."
    ),
    Beside(
        "pod_processes",
        "{amount} more is charged to the pod itself, by processes outside of its containers.",
    ),
    Beside(
        "dead_slab",
        "{amount} more is the kernel's caches of files, charged to the pod by containers that are gone.",
    ),
    Beside(
        "pod_kernel",
        "{amount} more is kernel memory that is charged to the pod and to none of its containers, and stays.",
    ),
    Beside("monitors", "{amount} more is charged to CRI-O's monitors in this pod (conmon)."),
    Beside("pause", "{amount} more is in the pause container's cgroup."),
    Beside("borrowed_file", "It maps {amount} of file pages that are not charged to it."),
    Beside("rings", "It maps {amount} of the kernel's own buffers, which ps counts as pages of files."),
    Beside("borrowed_anon", "It maps {amount} of private memory that is charged to another cgroup."),
    Beside("lent_anon", "{amount} of its private memory is mapped by no process of it.", Rank.WITHIN),
    Beside(
        "lent_file",
        "{amount} of its file pages is mapped by processes elsewhere.",
        Rank.WITHIN,
        between="{amount} of the file pages of {names} is mapped by other containers of the pod, it seems.",
    ),
    Beside("ksm", "{amount} more in ps is pages that KSM has merged: they are charged once for very many."),
    Beside(
        "double_counted",
        "Adding up RSS, as ps does, double-counts {amount} of shared pages.",
        Rank.ASIDE,
        is_optional=True,
    ),
)


@dataclass(frozen=True)
class Aside:
    """A term outside of the working set, and the sentence for it."""

    term: str
    sentence: str
    reclaimable: Reclaimable | None = None


TERMS = (
    Aside(
        "unwritten_cold_cache",
        "{amount} more is page cache that must be written out first; kubectl top leaves it out.",
        "write-back",
    ),
    Aside("lazyfree", "{amount} more in ps is already given back to the kernel.", "yes"),
    Aside(
        "hugetlb",
        "{amount} more is huge pages (hugetlb), which neither kubectl top nor the memory limit counts.",
        "no",
    ),
    Aside("swap", "{amount} more is in swap, where neither ps nor kubectl top sees it."),
)
COLD = Aside(
    "cold_cache", "{amount} more is page cache that kubectl top leaves out and the kernel drops first.", "yes"
)


def causes(case: Case) -> Iterator[Said]:
    """Yield a sentence for every cause that is large enough, of the pod or between its containers."""
    for each in [each for each in CAUSES if each.cause in case.causes]:
        amount = case.total_of(each.cause)
        if amount >= (case.least_beside if each.rank == Rank.BESIDE else case.least):
            yield _of_cause(case, each, amount, each.sentence)
        elif each.between and len(case.apps) > 1 and case.sum_of(each.cause) - amount >= case.least:
            yield _of_cause(case, each, case.sum_of(each.cause) - amount, each.between)


def _of_cause(case: Case, cause: Beside, amount: int, sentence: str) -> Said:
    names = " and ".join(finding.scope for finding in case.of_cause(cause.cause))
    return Said(
        topic=cause.cause,
        sentence=sentence.format(amount=human_bytes(amount), names=names),
        rank=cause.rank,
        weight=amount,
        amount_bytes=amount,
        rests_on=[cause.cause],
        is_optional=cause.is_optional and amount < case.whole_bytes,
    )


def terms(case: Case) -> Iterator[Said]:
    """Yield a sentence for every term outside of the working set that is large enough."""
    composition = case.composition
    if composition is None:
        return
    sizes = {term.term: term for term in (*composition.left_out, *composition.beside)}
    for each in TERMS:
        if each.term == "unwritten_cold_cache" and says_unwritten(case):
            continue
        if each.term in sizes and sizes[each.term].estimate_bytes >= case.least_beside:
            yield _of_term(each, sizes[each.term])


def says_unwritten(case: Case) -> bool:
    """Return whether the verdict tells of what is not written out where it tells how near the limit is."""
    return any(ONCE_WRITTEN in each.sentence for each in case.of_cause("near_limit"))


def cold_cache(case: Case) -> Iterator[Said]:
    """Yield page cache that kubectl top leaves out.

    Always where the limit has no room for as much again, or where it is more than the working set itself.
    """
    composition = case.composition
    found = [] if composition is None else [t for t in composition.left_out if t.term == "cold_cache"]
    if not found or found[0].estimate_bytes < case.least_beside:
        return
    rooms = [room.left_bytes for _, facts in case.scopes if (room := room_left(facts)) is not None]
    amount = found[0].estimate_bytes
    is_tight = bool(rooms) and min(rooms) < amount
    is_optional = not is_tight and amount < case.whole_bytes
    yield msgspec.structs.replace(_of_term(COLD, found[0]), is_optional=is_optional)


def protection(case: Case) -> Iterator[Said]:
    """Yield that others do not get the cache that the kernel is said to drop, where memory.min keeps it."""
    terms = case.composition.terms if case.composition is not None else []
    cache = sum(term.estimate_bytes for term in terms if term.term == "hot_cache")
    kept = {scope for scope, facts in case.scopes if facts.get("limit.min") or "unlimited.min" in facts}
    for finding in case.of_cause("protected"):
        if cache >= case.least and finding.scope in kept:
            yield Said(
                topic="protected",
                sentence=case.named(finding),
                rank=Rank.WITHIN,
                rests_on=["protected", "hot_cache"],
            )


def _of_term(aside: Aside, term: Term) -> Said:
    amount = term.estimate_bytes
    return Said(
        topic=term.term,
        sentence=aside.sentence.format(amount=human_bytes(amount)),
        rank=Rank.BESIDE,
        weight=amount,
        amount_bytes=amount,
        reclaimable=aside.reclaimable,
        rests_on=[term.term],
    )
