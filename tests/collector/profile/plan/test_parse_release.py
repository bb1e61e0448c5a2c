"""A phase that releases sandboxes, for sources that can and for those that cannot."""

import pytest

from memcollect.profile.plan.cautions import cautions
from memcollect.profile.plan.describe import left_out
from memcollect.profile.plan.parse import PlanError, parse_plan
from memcollect.profile.plan.shipped import text_of

HEAD = 'name = "p"\nrepeats = 3\n'
CLONED = HEAD + '[source]\nkind = "template"\nclone = "a=b"\n'
EMPTY = '[[phases]]\nname = "empty"\ndo = "nothing"\nsettle = { over = "60s", at_most = "300s" }\n'
WARM = '[[phases]]\nname = "warm"\ndo = "reuse"\n'


def names(text: str, source: bytes | None = None) -> list[str]:
    return [each.name for each in parse_plan(text.encode(), "p", source).phases]


def test_where_the_source_cannot_release_the_phase_is_left_out_and_said() -> None:
    plan = parse_plan((CLONED + EMPTY + WARM).encode())
    assert [each.name for each in plan.phases] == ["empty"]
    assert plan.left_out == ("warm",)
    assert cautions(plan) == []
    assert left_out(plan).startswith("warm is left out, since the source has no release; add ask = ")


def test_where_a_person_is_asked_it_stays() -> None:
    assert names(CLONED + EMPTY + WARM + 'ask = "Release it"\n') == ["empty", "warm"]


def test_the_guide_releases_only_where_that_can_be_done() -> None:
    guide = text_of("guide")[0].decode()
    assert "warm-reuse" not in names(guide)
    assert "warm-reuse" not in names(guide, text_of("deerflow", "sources")[0])
    assert "warm-reuse" in names(guide, text_of("lab-disk", "sources")[0])


def test_a_plan_of_nothing_else_is_a_mistake() -> None:
    with pytest.raises(PlanError) as caught:
        parse_plan((CLONED + WARM).encode())
    (mistake,) = caught.value.mistakes
    assert mistake == (
        "every phase releases sandboxes, and the source cannot; use a provisioner that can, or add "
        'ask = "Release the sandbox and take it again".'
    )


def test_what_is_left_out_is_no_key_of_a_plan() -> None:
    with pytest.raises(PlanError) as caught:
        parse_plan(('left_out = ["warm"]\n' + CLONED + EMPTY).encode())
    assert "left_out" in caught.value.mistakes[0]
