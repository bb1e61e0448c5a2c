"""A rule of the claims guard, as data, and what it finds. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from memcollect.compare.facts import Facts
from memcollect.compare.model import PairKind
from memcollect.units import human_bytes

SIDES = ("baseline", "candidate")
MAX_LISTED = 3
WHOLE_SHARE = 0.9
"""Of a difference in the containers at least this much must be one of the pod's own cgroup, too."""
BOTH: frozenset[PairKind] = frozenset({"backends", "phases"})
BACKENDS: frozenset[PairKind] = frozenset({"backends"})
PHASES: frozenset[PairKind] = frozenset({"phases"})


@dataclass(frozen=True)
class Outcome:
    """What a rule found."""

    holds: bool
    reason: str


@dataclass(frozen=True)
class Rule:
    """One demand. `judge` is asked only when every fact in `needs` is known."""

    name: str
    needs: tuple[str, ...]
    judge: Callable[[Facts], Outcome]
    subject: str
    """What is not recorded where a fact is missing, as a noun."""
    kinds: frozenset[PairKind] = BOTH


def both(fact: str) -> tuple[str, ...]:
    """Return the fact's names on either side."""
    return tuple(f"{side}.{fact}" for side in SIDES)


def same(
    name: str,
    fact: str,
    subject: str,
    show: Callable[[Any], str] = str,
    kinds: frozenset[PairKind] = BOTH,
) -> Rule:
    """Return the rule that a fact has one value only, on both sides together."""

    def check(facts: Facts) -> Outcome:
        before, after = (facts[each] for each in both(fact))
        if len(before | after) == 1:
            return Outcome(holds=True, reason=f"the same {subject}: {show(next(iter(before)))}")
        if before == after:
            return Outcome(
                holds=False, reason=f"more than one {subject} within a side: {listed(before, show, 'or')}"
            )
        return Outcome(
            holds=False,
            reason=f"different {subject}: {listed(before, show, 'or')} against {listed(after, show, 'or')}",
        )

    return Rule(name, both(fact), check, subject, kinds)


def fault(facts: Facts, fact: str, says: str) -> Outcome | None:
    """Return what a rule `says` of the first side where there is any such fact; None where there is none.

    `says` is a template over `{side}` and `{shown}`, the values in words.
    """
    for side in SIDES:
        if facts[f"{side}.{fact}"]:
            shown = listed(set(facts[f"{side}.{fact}"]))
            return Outcome(holds=False, reason=says.format(side=side, shown=shown))
    return None


def outweighed(facts: Facts, fact: str, says: str, otherwise: str) -> Outcome:
    """Judge whether the difference is many times the most bytes of the fact that either side has.

    `says` is a template over `{most}`; `otherwise` is said where there are none.
    """
    most = max(facts[name] for name in both(fact))
    change = abs(facts["difference"].estimate_bytes)
    shown = says.format(most=human_bytes(most))
    if most > (1 - WHOLE_SHARE) * change:
        return Outcome(holds=False, reason=f"{shown}; the difference is {human_bytes(change)}")
    return Outcome(holds=True, reason=shown if most else otherwise)


def listed(values: Iterable[Any], show: Callable[[Any], str] = str, word: str = "and") -> str:
    """Return the values as words, in order; of many the first, and how many more there are."""
    shown = sorted(show(value) for value in values)
    more = len(shown) - MAX_LISTED
    return f" {word} ".join(shown[:MAX_LISTED]) + (f" {word} {more} more" if more > 0 else "")
