"""From what was seen to a verdict: each demand is held against its step. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from memcollect.evidence.checks import Check
from memcollect.evidence.demands import Demand
from memcollect.evidence.holding import Held, hold
from memcollect.evidence.port import BROKEN
from memcollect.evidence.seen import Seen
from memcollect.evidence.telling import shown

Verdict: TypeAlias = Literal["as-expected", "differs", "fails", "not-offered", "not-tried"]
WORST_FIRST: tuple[Verdict, ...] = ("fails", "differs", "not-offered", "not-tried", "as-expected")


MARKS: Mapping[Verdict, str] = {
    "as-expected": "as expected",
    "differs": "differs",
    "fails": "fails",
    "not-offered": "not offered",
    "not-tried": "not tried",
}


class Judged(Struct, frozen=True, kw_only=True):
    """What became of a check, and in one sentence why."""

    verdict: Verdict
    observed: str


def judge(check: Check, seen: Sequence[Seen]) -> Judged:
    """Return the verdict on what was seen of a check's steps, in their order.

    A step that was not tried or is not offered decides, unless an earlier answer already shows a fault. A
    demand for a refusal judges an error; any other step that ended in one fails the check.
    """
    asked = {demand.of for demand in check.demands}
    seen = seen if check.steps else _reached(seen, asked)
    by_label = {each.label: each for each in seen}
    faults = [held for held in _held(check.demands, by_label) if held.verdict in {"fails", "differs"}]
    if faults:
        worst = min(faults, key=lambda held: WORST_FIRST.index(held.verdict))
        return Judged(verdict=worst.verdict, observed=worst.sentence)
    for each in seen:
        if each.came in {"not-offered", "not-tried"}:
            return Judged(verdict=each.came, observed=each.why)
        if each.came == "error" and each.label not in asked:
            return Judged(verdict="fails", observed=_broke(each))
    unknown = [held for held in _held(check.demands, by_label) if held.verdict == "not-tried"]
    if unknown:
        return Judged(verdict="not-tried", observed=unknown[0].sentence)
    sentences = dict.fromkeys(held.sentence for held in _held(check.demands, by_label) if held.sentence)
    told = [each for each in sentences if not any(each in other for other in sentences if other != each)]
    return Judged(verdict="as-expected", observed="; ".join(told) or "as expected")


def _reached(seen: Sequence[Seen], wanted: set[str]) -> list[Seen]:
    """Return the common steps that a check judges; where one of them was not reached, what ended them."""
    own = [each for each in seen if each.label in wanted]
    return own if {each.label for each in own} == wanted else [*own, *seen[-1:]]


def _held(demands: Iterable[Demand], seen: Mapping[str, Seen]) -> list[Held]:
    return [_one(demand, seen) for demand in demands]


def _one(demand: Demand, seen: Mapping[str, Seen]) -> Held:
    step = seen.get(demand.of)
    if step is None:
        return Held("not-tried", f"the step “{demand.of}” was not reached")
    if step.came in {"not-offered", "not-tried"}:
        return Held("not-tried", step.why)
    return hold(demand, step, seen)


def _broke(step: Seen) -> str:
    what = "no usable answer" if step.kind in BROKEN else "an error"
    return f"{step.label}: {what} ({step.kind}): {shown(step)}"
