"""What may be said: a claim with its number, interval, n and scope, or what the work is related to. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from memcollect.compare.facts import Facts
from memcollect.compare.model import Difference, Pair, Side
from memcollect.compare.statistics import chance_of_separation
from memcollect.compare.values import HEADLINE
from memcollect.compare.wording import odds, percent, short_digest
from memcollect.units import human_bytes

UNNAMED_ISSUE = "the issue"
RARE = 0.01
MOST_CLAIMS = 2
"""More than these are a list and not a sentence."""


def claim(sides: tuple[Side, Side], difference: Difference, facts: Facts) -> str:
    """Return the claim that the guard allows, and no more than that."""
    baseline, candidate = sides
    amount = human_bytes(abs(difference.estimate_bytes))
    way = "less" if difference.estimate_bytes < 0 else "more"
    low, high = (_signed(each) for each in (difference.low_bytes, difference.high_bytes))
    pods = next(iter(facts["baseline.pods"]))
    kernel = next(iter(facts["baseline.kernel"]))
    return (
        f"{_subject(baseline, candidate)}: {amount} {way} working set per pod"
        f" ({percent(difference.level)} interval {low} to {high}; {difference.n_before} and"
        f" {difference.n_after} repeats of {pods} pod{'' if pods == 1 else 's'}{_few(difference)};"
        f" Linux {kernel}{_workload(sides, facts)})."
    )


def _few(difference: Difference) -> str:
    """Return how often equal sides would lie as far apart, where that is no rarity."""
    chance = chance_of_separation(difference.n_before, difference.n_after)
    return f", with which identical sides would look this different {odds(chance)}" if chance >= RARE else ""


def _workload(sides: tuple[Side, Side], facts: Facts) -> str:
    """Return which work it holds for; two phases of one backend are different work by their nature."""
    if sides[0].phase != sides[1].phase:
        return ""
    trail = next(iter(facts["candidate.workload"]))
    return f"; workload {short_digest(trail[-1][1])}"


def _subject(baseline: Side, candidate: Side) -> str:
    if baseline.backend == candidate.backend:
        return f"{candidate.backend}, {candidate.phase.label} against {baseline.phase.label}"
    return f"{candidate.phase.label}, {candidate.backend} against {baseline.backend}"


def _signed(size_bytes: int | None) -> str:
    if size_bytes is None:
        return "unknown"
    return f"+{human_bytes(size_bytes)}" if size_bytes > 0 else human_bytes(size_bytes)


def verdict(pairs: Sequence[Pair], issue: str | None, unfinished: Sequence[str] = ()) -> str:
    """Return the page's first sentences: which run is not over, the largest claim, what may not be."""
    if not unfinished:
        return _verdict(pairs, issue)
    names = " and ".join(unfinished)
    one = len(unfinished) == 1
    is_, it = ("is", "it") if one else ("are", "each of them")
    told = f"{names} {is_} unfinished; `memcollect profile --resume` goes on with {it}."
    # Without a pair there is nothing more to say: what would be held against one another is still to come.
    return f"{told} {_verdict(pairs, issue)}" if pairs else f"{_related(issue)}{told}"


def _verdict(pairs: Sequence[Pair], issue: str | None) -> str:
    related = f"Related to {issue or UNNAMED_ISSUE}"
    judged = [pair for pair in pairs if pair.kind == "backends"] or list(pairs)
    allowed = [pair for pair in judged if pair.allowed]
    if not judged:
        return f"{related}. There is nothing to hold against one another."
    if len(allowed) == len(judged):
        return _claims(allowed)
    if allowed:
        return _partly(allowed, len(judged) - len(allowed), issue)
    within = [pair for pair in pairs if pair.allowed]
    if within:
        return (
            f"{_related(issue)}{_claims(within)} Nothing may be claimed between the backends: {_why(judged)}."
        )
    return f"{related}. Nothing may be claimed: {_why(judged)}."


def _related(issue: str | None) -> str:
    return f"Related to {issue}. " if issue else ""


def _partly(allowed: Sequence[Pair], refused: int, issue: str | None) -> str:
    """Return what is claimed, and that nothing is of the rest: to an issue the whole is only related."""
    which = "the other comparison" if refused == 1 else f"the other {refused} comparisons"
    return f"{_related(issue)}{_claims(allowed)} Nothing may be claimed of {which}, nor of the whole."


def _claims(pairs: Sequence[Pair]) -> str:
    """Return the claims themselves; of many the largest either way, and how many go which way."""
    if len(pairs) <= MOST_CLAIMS:
        return " ".join(pair.claim for pair in pairs)
    less = [pair for pair in pairs if _change(pair) < 0]
    more = [pair for pair in pairs if _change(pair) >= 0]
    if not (less and more):
        largest = max(pairs, key=lambda pair: abs(_change(pair)))
        way = "less" if less else "more"
        return (
            f"{largest.claim} This is the largest of {len(pairs)} differences that may be claimed, all of"
            f" them {way}; the others stand below."
        )
    ends = f"{min(less, key=_change).claim} {max(more, key=_change).claim}"
    return (
        f"{ends} These are the largest either way of {len(pairs)} differences that may be claimed,"
        f" {len(less)} of them less and {len(more)} more; the others stand below."
    )


def _change(pair: Pair) -> int:
    found = next((each.difference for each in pair.deltas if each.metric == HEADLINE), None)
    return found.estimate_bytes if found is not None else 0


def _why(pairs: Sequence[Pair]) -> str:
    """Return the reason that stands against most of the comparisons."""
    # Two rules that lack the same fact have one reason.
    reasons = [reason for pair in pairs for reason in dict.fromkeys(each.reason for each in pair.refusals)]
    first = max(dict.fromkeys(reasons), key=reasons.count, default="no reason is known")
    rules = {each.rule for pair in pairs for each in pair.refusals}
    more = len(rules) - 1
    return first + (f" (and {more} more reason{'' if more == 1 else 's'}, below)" if more > 0 else "")
