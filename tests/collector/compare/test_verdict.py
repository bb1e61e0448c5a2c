import pytest

from memcollect.compare.model import Judgement, Pair, PairKind, PhaseKey, Side
from memcollect.compare.verdict import verdict

PARTLY = "Related to #1. cube: 5 MiB less. Nothing may be claimed of the other comparison, nor of the whole."


TOO_FEW = "Related to #1. Nothing may be claimed: too few."


def _pair(*reasons: str, kind: PairKind = "backends") -> Pair:
    sides = [Side(backend=name, phase=PhaseKey(name="empty")) for name in ("aio", "cube")]
    return Pair(
        kind=kind,
        baseline=sides[0],
        candidate=sides[1],
        judgements=[Judgement(rule=reason, holds=False, reason=reason) for reason in reasons],
        allowed=not reasons,
        claim="" if reasons else "cube: 5 MiB less.",
    )


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ([], "Related to #1. There is nothing to hold against one another."),
        ([_pair()], "cube: 5 MiB less."),
        ([_pair("a")], "Related to #1. Nothing may be claimed: a."),
        ([_pair("a", "b")], "Related to #1. Nothing may be claimed: a (and 1 more reason, below)."),
        (
            [_pair("a", "b"), _pair("c", "b")],
            "Related to #1. Nothing may be claimed: b (and 2 more reasons, below).",
        ),
        (
            [_pair(), _pair("a")],
            PARTLY,
        ),
        (
            [_pair("a"), _pair(kind="phases")],
            "Related to #1. cube: 5 MiB less. Nothing may be claimed between the backends: a.",
        ),
        ([_pair(kind="phases")], "cube: 5 MiB less."),
    ],
)
def test_the_verdict_begins_with_what_may_be_claimed_and_says_of_how_much_nothing_may(
    pairs: list[Pair], words: str
) -> None:
    assert verdict(pairs, "#1") == words


@pytest.mark.parametrize(
    ("pairs", "runs", "words"),
    [
        ([], ["a"], "Related to #1. a is unfinished; `memcollect profile --resume` goes on with it."),
        (
            [_pair("too few")],
            ["a", "b"],
            "a and b are unfinished; `memcollect profile --resume` goes on with each of them. " + TOO_FEW,
        ),
    ],
)
def test_a_run_that_is_not_over_is_what_is_said_first(pairs: list[Pair], runs: list[str], words: str) -> None:
    assert verdict(pairs, "#1", runs) == words


def test_without_an_issue_the_rest_is_related_to_none() -> None:
    words = "cube: 5 MiB less. Nothing may be claimed of the other 2 comparisons, nor of the whole."
    assert verdict([_pair("a"), _pair(), _pair("a")], None) == words


def test_an_issue_that_was_not_named_is_not_made_up() -> None:
    assert verdict([_pair("a")], None) == "Related to the issue. Nothing may be claimed: a."
