"""A rule as data: a term, the facts it needs, and a pure function from them to an amount. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from msgspec import Struct

from memcollect.accounting.facts import Facts, MissingFactError
from memcollect.accounting.interval import ZERO, Interval
from memcollect.documents.fates import FATES
from memcollect.documents.snapshot import Confidence, Reclaimable, Residual, Term, Undecided
from memcollect.units import human_bytes

STOCK_PAGES = 64
"""MEMCG_CHARGE_BATCH (mm/memcontrol.c): pages a CPU may have charged in advance for one cgroup."""
STALE_PAGES = 128
"""Updates of memory.stat that may wait: a batch on each CPU, and as many again before a flush is due."""


class Amount(Struct, frozen=True, gc=False):
    """What a rule found: the interval, how it is known, and the arithmetic behind it."""

    interval: Interval
    confidence: Confidence
    evidence: str


@dataclass(frozen=True)
class TermRule:
    """One owner of bytes. `amount` may raise MissingFactError, and then the term is undecided.

    It returns None where the term does not apply at all (as opposed to: is zero).
    """

    term: str
    amount: Callable[[Facts], Amount | None]
    reclaimable: Reclaimable | None = None


def composed(term: str, amount: Callable[[Facts], Amount | None]) -> TermRule:
    """Return the rule of a term of compositions: its name says what the kernel can do with it."""
    return TermRule(term, amount, FATES[term])


def less(name: str, rule: TermRule) -> TermRule:
    """Return a term that is taken away."""

    def amount(facts: Facts) -> Amount | None:
        found = facts[rule.amount]
        return None if found is None else Amount(-found.interval, found.confidence, found.evidence)

    return TermRule(name, amount, rule.reclaimable)


def measured(value: int, evidence: str) -> Amount:
    """Return an amount that is a counter, or exact arithmetic on counters."""
    return Amount(Interval.exactly(value), "measured", evidence)


def bounded(interval: Interval, evidence: str) -> Amount:
    """Return an amount that must lie in `interval`; measured if that is a single number."""
    return Amount(interval, "measured" if interval.low == interval.high else "bounded", evidence)


def interval_or_zero(amount: Amount | None) -> Interval:
    """Return the amount's interval; of a part that does not apply, zero."""
    return ZERO if amount is None else amount.interval


def evaluate(rules: Iterable[TermRule], facts: Facts) -> tuple[list[Term], list[Undecided]]:
    """Return the terms that are not exactly zero, in the rules' order, and what could not be decided."""
    terms: list[Term] = []
    undecided: list[Undecided] = []
    for rule in rules:
        try:
            amount = facts[rule.amount]
        except MissingFactError as missing:
            undecided.append(Undecided(name=rule.term, missing=missing.name, reason=missing.reason))
            continue
        if amount is not None and amount.interval != ZERO:
            terms.append(as_term(rule.term, amount, rule.reclaimable))
    return terms, undecided


def as_term(name: str, amount: Amount, reclaimable: Reclaimable | None = None) -> Term:
    """Return the document's form of an amount."""
    interval = amount.interval
    return Term(
        term=name,
        low_bytes=interval.low,
        high_bytes=interval.high,
        estimate_bytes=interval.estimate,
        confidence=amount.confidence,
        evidence=amount.evidence,
        reclaimable=reclaimable,
    )


def interval_of(term: Term) -> Interval:
    """Return a term's interval."""
    return Interval.of(term.low_bytes, term.high_bytes, term.estimate_bytes)


class Bound(Struct, frozen=True, gc=False):
    """How much of a residual the kernel's own bookkeeping can be, and why."""

    interval: Interval
    reason: str


NO_BOUND = Bound(ZERO, "both rungs are sums over the same reads")


def residual_of(gap: int, terms: Iterable[Term], bound: Bound) -> Residual:
    """Return what the terms leave of `gap`, as an interval and an estimate, beside its bound.

    It is judged by its estimate. Terms that split one number between them (unmapped tmpfs and unmapped
    cache, lazyfree and the cache around it) are each an interval, but their estimates add up to that
    number exactly; their widths added up would hide a hole as large as the split is uncertain.
    """
    low = high = estimate = gap
    for term in terms:
        low -= term.high_bytes
        high -= term.low_bytes
        estimate -= term.estimate_bytes
    rest, allowed = Interval.of(low, high, estimate), bound.interval
    return Residual(
        low_bytes=rest.low,
        high_bytes=rest.high,
        estimate_bytes=rest.estimate,
        bound_low_bytes=allowed.low,
        bound_high_bytes=allowed.high,
        bound_reason=bound.reason,
        within_bound=rest.estimate in allowed,
    )


def lag_bytes(facts: Facts, pages_per_cpu: int) -> int:
    """Return what that many pages on every CPU come to, in bytes.

    A node that did not tell its CPUs or page size has one CPU and 4 KiB at least, and only that much is
    allowed for.
    """
    cpus = facts.get("node.cpus", 1)
    page_bytes = facts.get("node.page_size", 4096)
    return pages_per_cpu * cpus * page_bytes


def cpus_in_words(facts: Facts) -> str:
    """Return how many CPUs a bound was made for."""
    if "node.cpus" not in facts:
        return "the node did not tell its CPUs: for one"
    cpus = facts["node.cpus"]
    return "1 CPU" if cpus == 1 else f"{cpus} CPUs"


def charge_bound(facts: Facts) -> Bound:
    """Return the bound of memory.current − Σ memory.stat: pre-charged stock and stale counters.

    Stock only adds (up to 64 pages per CPU for each cgroup of the subtree); staleness goes either way.
    """
    stock = lag_bytes(facts, STOCK_PAGES) * facts["cgroups"]
    stale = lag_bytes(facts, STALE_PAGES)
    return Bound(
        Interval.of(-stale, stock + stale, 0),
        f"at most {human_bytes(stock)} charged in advance, and ±{human_bytes(stale)} of counters not yet"
        f" flushed ({cpus_in_words(facts)})",
    )
