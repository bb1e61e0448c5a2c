from typing import Any

import pytest

from memcollect.compare import guard
from memcollect.profile.plan.cautions import LEAST_REPEATS, cautions
from memcollect.profile.plan.model import (
    Exec,
    Nothing,
    Phase,
    Plan,
    Scale,
    Seconds,
    Selected,
    Settle,
    Template,
    Wait,
)
from memcollect.profile.plan.parse import parse_plan
from memcollect.profile.plan.shipped import names, text_of

QUIET = Settle(over=Seconds(60), at_most=Seconds(300))
SELECTED = Selected(selector="a=b")


def plan(*phases: Phase, **more: Any) -> Plan:
    return Plan(
        **{"name": "x", "source": Template(file="a"), "settle": QUIET, "phases": list(phases), **more}
    )


def test_repeats_that_share_their_pods_are_no_repeats() -> None:
    (told,) = cautions(plan(Nothing(name="a"), source=SELECTED))
    assert told == (
        'source.kind = "selector" takes the same pods in all 3 repeats, so they are no repeats of one '
        'another and compare claims nothing of them; use "template" or "provisioner", or repeats = 1.'
    )
    assert cautions(plan(Nothing(name="a"), source=SELECTED, repeats=1)) == []


def test_fewer_repeats_than_compare_needs_are_told_where_there_could_be_more() -> None:
    assert LEAST_REPEATS == guard.LEAST_REPEATS
    assert cautions(plan(Nothing(name="a"), repeats=2)) == [
        "repeats is 2, and compare claims nothing of fewer than 3."
    ]
    assert cautions(plan(Nothing(name="a"), repeats=3)) == []


def test_new_pods_that_are_measured_before_the_metrics_api_has_a_sample_are_told_by_phase() -> None:
    soon = Settle()
    phases: list[Phase] = [Nothing(name="a", settle=soon), Exec(name="b", command=["x"], settle=soon)]
    many = Scale(name="c", steps=[1, 2], settle=soon)
    (told,) = cautions(plan(*phases, many))
    assert told == (
        "the pods of a and c are new and may be measured before the metrics API has a sample of them, "
        'and compare claims nothing then; write settle = { over = "60s", at_most = "300s" } there.'
    )


@pytest.mark.parametrize(
    "fine",
    [
        plan(Nothing(name="a", settle=QUIET), Exec(name="b", command=["x"]), settle=Settle()),
        plan(Wait(name="a", time=Seconds(40)), settle=Settle()),
        plan(Nothing(name="a"), settle=Settle(), settle_is_the_sources=True),
        plan(Nothing(name="a"), settle=Settle(), source=SELECTED, repeats=1),
    ],
)
def test_pods_that_are_watched_for_long_or_whose_source_knows_better_are_not(fine: Plan) -> None:
    assert cautions(fine) == []


@pytest.mark.parametrize("source", [None, *names("sources")])
def test_the_shipped_guide_gives_no_cause_with_any_shipped_source(source: str | None) -> None:
    replaced = text_of(source, "sources")[0] if source else None
    assert cautions(parse_plan(text_of("guide")[0], source=replaced)) == []
