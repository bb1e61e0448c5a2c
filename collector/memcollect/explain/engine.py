"""Runs finding rules over facts. Pure.

A rule reads facts and may make a finding. A fact that the kernel did not give makes the rule undecided,
under the fact's name, never silent and never zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal, Protocol, Self

from memcollect.accounting.facts import Facts, MissingFactError
from memcollect.accounting.interval import Interval
from memcollect.accounting.rules import Amount
from memcollect.documents.snapshot import Finding, Undecided
from memcollect.units import MIB, human_bytes

Severity = Literal["info", "notice", "warning", "critical"]
ALARMING: frozenset[Severity] = frozenset({"warning", "critical"})
"""A verdict has the words of findings that are as grave as this."""


class Rule(Protocol):
    """One cause. `find` may raise MissingFactError."""

    @property
    def cause(self) -> str:
        """Return the cause's name."""
        ...

    def find(self, facts: Facts, scope: str) -> Finding | None:
        """Return the finding, or None where there is nothing to tell."""
        ...


@dataclass(frozen=True)
class AmountRule:
    """A cause with an amount: told when the amount is at least `least_bytes`.

    `sentence` is a template over `{amount}` and the words that `words` makes of the facts, `remedy` one over
    these words. Without one the finding has none.
    """

    cause: str
    amount: Callable[[Facts], Amount | None]
    sentence: str
    remedy: str = ""
    severity: Severity = "info"
    least_bytes: int = MIB
    words: Callable[[Facts], dict[str, str]] | None = None

    def find(self, facts: Facts, scope: str) -> Finding | None:
        """Return the finding if its estimate is large enough to matter."""
        amount = facts[self.amount]
        if amount is None or -self.least_bytes < amount.interval.estimate < self.least_bytes:
            return None
        words = self.words(facts) if self.words else {}
        return Finding(
            cause=self.cause,
            scope=scope,
            low_bytes=amount.interval.low,
            high_bytes=amount.interval.high,
            estimate_bytes=amount.interval.estimate,
            confidence=amount.confidence,
            severity=self.severity,
            sentence=self.sentence and self.sentence.format(amount=size_in_words(amount.interval), **words),
            evidence=amount.evidence,
            remedy=self.remedy.format(**words),
        )

    def in_brief(self) -> Self:
        """Return the rule without words that are in no verdict: for findings whose cause alone is told."""
        if self.severity in ALARMING:
            return self
        return replace(self, sentence="", remedy="", words=None)


def size_in_words(interval: Interval) -> str:
    """Return the magnitude as a person reads it, with the bounds where they differ visibly."""
    estimate = human_bytes(abs(interval.estimate))
    if interval.is_exact:
        return estimate
    low, high = (human_bytes(each) for each in sorted((abs(interval.low), abs(interval.high))))
    return estimate if low == high else f"{estimate} (between {low} and {high})"


def find(rules: Iterable[Rule], scope: str, facts: Facts) -> tuple[list[Finding], list[Undecided]]:
    """Return the findings of one scope, and the rules that lacked a fact."""
    findings: list[Finding] = []
    undecided: list[Undecided] = []
    for rule in rules:
        try:
            finding = rule.find(facts, scope)
        except MissingFactError as missing:
            undecided.append(Undecided(name=rule.cause, missing=missing.name, reason=missing.reason))
            continue
        if finding is not None:
            findings.append(finding)
    return findings, undecided
