"""A plan with mistakes: a clear sentence for each, all at once, whichever others there are."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memcollect.commands.run import run
from memcollect.profile.plan import checks, rules
from memcollect.profile.plan.parse import PlanError, parse_plan
from memcollect.profile.plan.tables import Mistakes, Table
from worlds.bad_parts import sentences_of, text_of
from worlds.bad_plans import PLANS

SINGLE = [(kind, number) for kind, plan in PLANS.items() for number in range(len(sentences_of(plan)))]


def told(text: str) -> list[str]:
    try:
        parse_plan(text.encode())
    except PlanError as error:
        return error.mistakes
    return []


@pytest.mark.parametrize("kind", PLANS)
def test_every_mistake_of_a_plan_is_told_once_and_at_once(kind: str) -> None:
    assert told(text_of(PLANS[kind])) == sentences_of(PLANS[kind])


@pytest.mark.parametrize(("kind", "number"), SINGLE)
def test_a_mistake_that_is_mended_takes_its_own_sentence_away_and_leaves_the_others(
    kind: str, number: int
) -> None:
    left = sentences_of(PLANS[kind])
    del left[number]
    assert told(text_of(PLANS[kind], [number])) == left


@pytest.mark.parametrize(("kind", "number"), SINGLE)
def test_a_mistake_alone_is_one_sentence(kind: str, number: int) -> None:
    sentences = sentences_of(PLANS[kind])
    others = [each for each in range(len(sentences)) if each != number]
    assert told(text_of(PLANS[kind], others)) == [sentences[number]]


@settings(deadline=None)
@given(st.sampled_from(sorted(PLANS)), st.sets(st.integers(0, 60)))
def test_whichever_mistakes_are_mended_the_sentences_of_the_others_stay(kind: str, mended: set[int]) -> None:
    sentences = sentences_of(PLANS[kind])
    left = [each for number, each in enumerate(sentences) if number not in mended]
    assert told(text_of(PLANS[kind], sorted(mended))) == left


def test_there_is_a_mistake_for_every_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    broken: set[rules.Rule] = set()

    def hold_to(table: Table, held: Iterable[rules.Rule], mistakes: Mistakes) -> None:
        for rule in held:
            before = len(mistakes)
            rules.hold_to(table, [rule], mistakes)
            broken.update([rule] if len(mistakes) > before else [])

    monkeypatch.setattr(checks, "hold_to", hold_to)
    for plan in PLANS.values():
        told(text_of(plan))
    assert broken == checks.ALL_RULES


def test_the_command_has_a_line_for_each_mistake_and_touches_nothing(
    tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.toml").write_text(text_of(PLANS["provisioner"]))
    sentences = sentences_of(PLANS["provisioner"])
    assert len(sentences) > 40
    expected = [f"memcollect: bad.toml has {len(sentences)} mistakes:", *(f"  {each}" for each in sentences)]
    assert run(["profile", "bad.toml", "--check"], "memcollect") == 2
    assert capsys.readouterr() == ("", "\n".join([*expected, ""]))
    assert [each.name for each in tmp_path.iterdir()] == ["bad.toml"]
