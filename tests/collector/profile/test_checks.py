"""What a plan may not say although each of its values can be read; test_parse has a whole bad plan."""

from typing import Any

import msgspec
import pytest

from memcollect.profile.checks import check_plan
from memcollect.profile.plan import (
    Call,
    Exec,
    Http,
    Nothing,
    Phase,
    Plan,
    Provisioned,
    Reuse,
    Scale,
    Seconds,
    Selected,
    Settle,
    Size,
    Source,
    Template,
)
from memcollect.profile.tables import Mistakes

SELECTED = Selected(selector="a=b")
CALL = Call(url="https://h:8443/{namespace}/{id}?run={run}")
PROVISIONED = Provisioned(create=CALL, delete=CALL, headers={"X-API-Key": "X_API_KEY"})


def told(source: Source = SELECTED, phase: Phase | None = None, **head: Any) -> Mistakes:
    mistakes: Mistakes = []
    plan = msgspec.structs.replace(Plan(name="x", source=source, phases=[]), **head)
    check_plan(plan, plan.settle, source, [("phase 1", phase)] if phase else [], mistakes)
    return mistakes


def only(mistakes: Mistakes) -> str:
    (found,) = mistakes
    assert found.endswith(".")
    assert found.isprintable()
    return found


@pytest.mark.parametrize("source", [SELECTED, Template(file="pod.yaml"), PROVISIONED])
def test_a_good_plan_has_no_mistakes(source: Source) -> None:
    assert told(source, Exec(name="a", command=["true"]), repeats=1, poll=Seconds(0.05)) == []


def test_what_had_mistakes_already_is_passed_over() -> None:
    mistakes: Mistakes = []
    check_plan(None, None, None, [("phase 1", Scale(name="a", steps=[1]))], mistakes)
    assert mistakes == []


@pytest.mark.parametrize(
    "head",
    [
        {"schema": 2},
        {"name": "a" * 51},
        {"name": "../x"},
        {"backend": "\x1b[2J"},
        {"repeats": 1001},
        {"poll": Seconds(0.04)},
        {"settle": Settle(within=Size(0))},
        {"settle": Settle(over=Seconds(0))},
        {"settle": Settle(over=Seconds(20), at_most=Seconds(19.9))},
        {"settle": Settle(over=Seconds(20), at_most=Seconds(20))},
        {"settle": Settle(over=Seconds(20), at_most=Seconds(20.4))},
        {"schema": 16**4000},
        {"repeats": -(16**4000)},
    ],
)
def test_each_mistake_of_the_head_is_a_sentence_with_its_key(head: dict[str, Any]) -> None:
    assert only(told(**head)).startswith(next(iter(head)))


@pytest.mark.parametrize(
    ("source", "key"),
    [
        (Selected(selector="a=b", namespace="Deer_Flow"), "namespace"),
        (Selected(selector="a=b", ready_within=Seconds(0)), "ready_within"),
        (Selected(selector="  "), "selector"),
        (Selected(selector="a=b", most=0), "most"),
        (Selected(selector="a=b", most=1001), "most"),
        (Selected(selector="a=b", most=16**4000), "most"),
        (Template(), "needs either file"),
        (Template(file="a", clone="b"), "needs either file"),
        (Template(file="a", runtime_class="g visor"), "runtime_class"),
    ],
)
def test_each_mistake_of_a_source_is_a_sentence_with_its_key(source: Source, key: str) -> None:
    assert key in only(told(source))


@pytest.mark.parametrize(
    ("phase", "key"),
    [
        (Nothing(name="After"), "name"),
        (Nothing(name="a/../b"), "name"),
        (Nothing(name="a", settle=Settle(within=Size(0))), "settle.within"),
        (Exec(name="a", command=[]), "command"),
        (Exec(name="a", command=["", "x"]), "command"),
        (Exec(name="a", command=["true"], time_limit=Seconds(0)), "time_limit"),
        (Reuse(name="a", command=["sh", "a\0b"]), "NUL"),
        (Reuse(name="a", cycles=0), "cycles"),
        (Http(name="a", port=65536), "port"),
        (Http(name="a", path="x"), "path"),
        (Http(name="a", path="/a\r\nHost: b"), "path"),
        (Http(name="a", path="/ä"), "path"),
        (Http(name="a", content_type="a/b\r\nHost: b"), "content_type"),
        (Http(name="a", port=16**4000), "port"),
        (Reuse(name="a", cycles=16**4000), "cycles"),
        (Http(name="a", expect=[]), "expect"),
        (Http(name="a", expect=[200, 600]), "expect"),
    ],
)
def test_each_mistake_of_a_phase_is_a_sentence_with_its_place(phase: Phase, key: str) -> None:
    mistake = only(told(phase=phase))
    assert mistake.startswith("phase 1: ")
    assert key in mistake


def test_what_may_settle_with_the_fastest_agents_is_left_to_them() -> None:
    assert told(settle=Settle(over=Seconds(20), at_most=Seconds(20.5))) == []


@pytest.mark.parametrize("steps", [[], [0], [1001], [5, 5]])
def test_steps_are_different_numbers_of_sandboxes(steps: list[int]) -> None:
    assert "steps" in only(told(Template(file="a"), Scale(name="a", steps=steps)))


def test_pods_that_are_there_cannot_be_multiplied() -> None:
    assert 'source.kind = "selector" cannot' in only(told(phase=Scale(name="a", steps=[1])))
