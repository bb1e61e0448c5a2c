from typing import Any

import msgspec
import pytest

from memcollect.compare import guard
from memcollect.profile.plan.cautions import LEAST_REPEATS, cautions
from memcollect.profile.plan.model import (
    Call,
    Exec,
    Nothing,
    Phase,
    Plan,
    Provisioned,
    Scale,
    Seconds,
    Selected,
    Settle,
    Template,
    Trying,
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
        "the pods of a and c are new and may be measured before the metrics API has a sample of them; "
        "compare claims nothing unless another phase has one; "
        'write settle = { over = "60s", at_most = "300s" } there.'
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
    told = cautions(parse_plan(text_of("guide")[0], source=replaced))
    if source in {"e2b", "opensandbox"}:
        (skipped,) = told
        assert skipped.startswith("empty, after-bash, after-python, ")
        assert "will be skipped: the source's sandboxes are no pods of a cluster that we see" in skipped
    else:
        assert told == []


def provisioned(url: str, **more: Any) -> Plan:
    source = Provisioned(
        create=Call(url=f"{url}/{{id}}"), delete=Call(url=f"{url}/{{id}}"), headers={"X-API-Key": "KEY"}
    )
    return plan(Nothing(name="a"), source=msgspec.structs.replace(source, **more), repeats=3)


def sent(told: Plan) -> list[str]:
    return [each for each in cautions(told) if "headers" in each]


def test_a_key_that_would_leave_the_machine_unencrypted_is_told() -> None:
    (told,) = sent(provisioned("http://provisioner:8002"))
    assert told.startswith("source.headers (X-API-Key) would go to provisioner:8002 unencrypted")
    assert sent(provisioned("http://localhost:8002")) == sent(provisioned("https://provisioner")) == []
    assert sent(provisioned("http://provisioner:8002", headers={})) == []


def test_a_key_for_two_places_is_told() -> None:
    (told,) = sent(provisioned("https://a", delete=Call(url="https://b/{id}")))
    assert told == "source.headers (X-API-Key) are sent to 2 places, all to each: a, b."


def test_a_gateways_header_that_would_leave_the_machine_unencrypted_is_told() -> None:
    told = Trying(gateway="http://10.0.0.7:2026", gateway_headers={"Authorization": "KEY"})
    (said,) = sent(msgspec.structs.replace(provisioned("https://a"), evidence=told))
    assert said.startswith("evidence.gateway_headers (Authorization) would go to 10.0.0.7:2026 unencrypted")
