"""What a plan may not say although each of its values can be read; test_parse has a whole bad plan."""

from typing import Any

import msgspec
import pytest

from memcollect.profile.plan.checks import check_phase, check_table
from memcollect.profile.plan.model import (
    PHASES,
    SOURCES,
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
from memcollect.profile.plan.tables import Mistakes, Table
from worlds.plan_tables import head_mistakes, phase_mistakes, source_mistakes

SELECTED = Selected(selector="a=b")
CALL = Call(url="https://h:8443/{namespace}/{id}?run={run}")
PROVISIONED = Provisioned(create=CALL, delete=CALL, headers={"X-API-Key": "X_API_KEY"})


def told(source: Source = SELECTED, phase: Phase | None = None, **head: Any) -> Mistakes:
    plan = msgspec.structs.replace(Plan(name="x", source=source, phases=[]), **head)
    of_phase = phase_mistakes(phase, source) if phase else []
    return [*head_mistakes(plan), *source_mistakes(source), *of_phase]


def only(mistakes: Mistakes) -> str:
    (found,) = mistakes
    assert found.endswith(".")
    assert found.isprintable()
    return found


@pytest.mark.parametrize("source", [SELECTED, Template(file="pod.yaml"), PROVISIONED])
def test_a_good_plan_has_no_mistakes(source: Source) -> None:
    assert told(source, Exec(name="a", command=["true"]), repeats=1, poll=Seconds(0.05)) == []


def test_what_could_not_be_read_is_passed_over_and_the_rest_is_held_to_sense() -> None:
    mistakes: Mistakes = []
    unread = Table(where="phase 1: ", kinds=[Scale], values={"name": "A", "steps[]": [(2, 0)]})
    check_phase(unread, Table(where="source.", kinds=SOURCES), mistakes)
    assert [each.partition(";")[0] for each in mistakes] == [
        "phase 1: name is 'A'",
        "phase 1: steps, entry 2, is 0",
    ]


def test_a_table_of_no_known_kind_is_held_to_what_all_kinds_have_in_common() -> None:
    mistakes: Mistakes = []
    values = {"name": "A", "namespace": "B", "ready_within": Seconds(0), "port": 0}
    check_table(Table(where="phase 1: ", kinds=PHASES, values=values), mistakes)
    check_table(Table(where="source.", kinds=SOURCES, values=values), mistakes)
    assert [each.partition(";")[0] for each in mistakes] == [
        "phase 1: name is 'A'",
        "source.namespace is 'B'",
        "source.ready_within is 0",
    ]


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
        (Template(), "source.file (a Pod manifest) and source.clone"),
        (Template(file="a", clone="b"), "both there; remove one"),
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
