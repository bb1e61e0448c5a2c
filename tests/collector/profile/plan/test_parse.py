from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect.profile.plan.model import Exec, Plan, Provisioned, Seconds, Size, Template
from memcollect.profile.plan.parse import PlanError, parse_plan
from memcollect.profile.plan.shipped import names, text_of

GOOD = """
name = "x"
[source]
kind = "template"
clone = "app=x"
[[phases]]
name = "a"
do = "exec"
command = ["true"]
"""


def mistakes(text: str, source: str | None = None) -> list[str]:
    with pytest.raises(PlanError) as caught:
        parse_plan(text.encode(), "p.toml", source.encode() if source is not None else None)
    return caught.value.mistakes


def test_a_plan_is_read_with_its_defaults() -> None:
    plan = parse_plan(GOOD.encode())
    assert plan.source == Template(clone="app=x")
    assert plan.phases == [Exec(name="a", command=["true"])]
    assert (plan.repeats, plan.settle.within) == (3, 1 << 20)


def test_lengths_of_time_and_sizes_have_their_units() -> None:
    plan = parse_plan(GOOD.replace("[source]", '[settle]\nwithin = "512Ki"\nover = "1m"\n[source]').encode())
    assert plan.settle.within == Size(512 << 10)
    assert plan.settle.over == Seconds(60)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("repeats = 3\n", "repeats = 0\n"), "repeats is 0; it must be from 1 to 1000"),
        (("repeats = 3\n", "repeats = true\n"), "repeats is true; it must be a whole number."),
        (('name = "x"\n', 'name = "../x"\n'), "name is '../x'; use a-z"),
        (("repeats = 3\n", 'poll = "1ms"\n'), 'poll is 0.001s; it must be from "50ms" to "10s".'),
        (("repeats = 3\n", "schema = 2\n"), "schema is 2; write 1, which is what this memcollect reads."),
        (("repeats = 3\n", "settle = 3\n"), "settle is 3; it must be a table of keys."),
        (('clone = "app=x"', 'clone = "x"\nfile = "y"'), "source.file and source.clone are both there"),
        (
            ('clone = "app=x"', ""),
            "source.file (a Pod manifest) and source.clone (a running pod) are missing",
        ),
        (('kind = "template"', ""), "source has no kind; add"),
        (('["true"]', '["a\\u0000b"]'), "phase 1 (a): command, entry 1, has a NUL byte"),
        (("repeats = 3\n", "repeats = \n"), "p.toml is not TOML"),
    ],
)
def test_one_mistake_is_one_sentence(change: tuple[str, str], sentence: str) -> None:
    (told,) = mistakes(GOOD.replace('name = "x"\n', 'name = "x"\nrepeats = 3\n').replace(*change, 1))
    assert told.startswith(sentence)


def test_a_provisioners_secrets_and_urls_are_held_to_sense() -> None:
    source = """
[source]
kind = "provisioner"
create = { url = "http://user:secret@host/x" }
delete = { url = "host/{id}/{threads}" }
headers = { X-API-Key = "abc-123", "bad name" = "X" }
"""
    told = mistakes(GOOD, source)
    assert not [
        each for each in told if "secret@" in each and "credentials" in each and "user:secret" in each
    ]
    starts = [
        "source.create.url holds credentials",
        "source.delete.url is 'host/{id}/{threads}'; write http",
        "source.delete.url has {threads}",
        "source.create names no {id}",
        "source.headers.X-API-Key must name an environment variable",
        "source.headers has 'bad name'",
    ]
    assert sorted(starts) == sorted(start for start in starts if any(t.startswith(start) for t in told)), told
    assert len(told) == len(starts)


def test_another_source_leaves_the_phases_as_they_are() -> None:
    source = '[source]\nkind = "selector"\nselector = "app=y"\n'
    plan = parse_plan(GOOD.encode(), source=source.encode())
    assert plan.phases == parse_plan(GOOD.encode()).phases
    assert mistakes(GOOD, "phases = 1\n") == [
        "the source's file has no key 'phases'; remove it (there are source, backend, settle, evidence).",
        (
            "the source's file has no [source] table; "
            'add one with kind = "selector", "template", "provisioner", "deerflow", "e2b", "opensandbox" or '
            '"agent-sandbox".'
        ),
    ]


def test_a_sources_file_that_cannot_be_read_hides_no_mistake_of_the_plan_but_those_of_its_source() -> None:
    plan = GOOD.replace('name = "x"', 'name = "X"').replace('clone = "app=x"', "clone = 3")
    told = mistakes(plan, "[source")
    assert told[0].startswith("the source's file is not TOML: ")
    assert told[1:] == ["name is 'X'; use a-z, 0-9 and '-', at most 50 characters."]


def test_phases_under_a_misspelt_name_are_read_all_the_same() -> None:
    assert mistakes(GOOD.replace("[[phases]]", "[[phase]]").replace('["true"]', "[]")) == [
        "the plan has no key 'phase' (did you mean 'phases'?).",
        'phase 1 (a): command is empty; write it as a list, for example ["sh", "-c", "true"].',
    ]


def test_brackets_too_few_or_too_many_are_told_and_what_is_in_them_is_read() -> None:
    assert mistakes(GOOD.replace("[[phases]]", "[phases]").replace("[source]", "[[source]]") + "x = 1\n") == [
        "source is a list of tables; write it once, in single brackets.",
        "phases is a single table; write [[phases]], in double brackets, above each phase.",
        (
            "phase 1 (a) has no key 'x'; "
            "remove it (there are do, name, version, settle, command, container, time_limit)."
        ),
    ]


def test_a_key_in_capitals_is_a_misspelt_one() -> None:
    assert mistakes(GOOD.replace("name", "NAME", 1)) == ["the plan has no key 'NAME' (did you mean 'name'?)."]


def test_of_very_many_mistakes_the_first_are_shown_and_the_others_counted() -> None:
    with pytest.raises(PlanError) as caught:
        parse_plan((GOOD + "".join(f"unknown{number} = 1\n" for number in range(60))).encode(), "p.toml")
    assert str(caught.value) == "p.toml has 60 mistakes:"
    assert len(caught.value.details) == 51
    assert caught.value.details[-1] == "… and 10 more."


def test_a_source_that_says_when_memory_is_at_rest_says_it_for_every_phase() -> None:
    plan = GOOD + '[[phases]]\nname = "b"\ndo = "nothing"\nsettle = { over = "60s" }\n'
    source = '[source]\nkind = "selector"\nselector = "app=y"\n[settle]\nover = "2s"\nat_most = "9s"\n'
    found = parse_plan(plan.encode(), source=source.encode())
    assert (found.settle.over, found.settle.at_most) == (Seconds(2), Seconds(9))
    assert [phase.settle for phase in found.phases] == [None, None]
    assert [phase.settle is None for phase in parse_plan(plan.encode()).phases] == [True, False]
    assert mistakes(plan, source.replace("2s", "20s")) == [
        "settle.at_most (9s) is shorter than settle.over (20s), so it could never settle; make it longer."
    ]


def test_what_is_no_text_is_a_sentence() -> None:
    with pytest.raises(PlanError) as caught:
        parse_plan(b"name = \xff")
    assert caught.value.mistakes == ["the plan is not UTF-8 at byte 7; save it as UTF-8."]


@pytest.mark.parametrize("source", [None, *names("sources")])
def test_the_shipped_guide_is_a_plan_with_each_shipped_source(source: str | None) -> None:
    replaced = text_of(source, "sources")[0] if source else None
    plan = parse_plan(text_of("guide")[0], source=replaced)
    releases = ("warm-reuse",) if source in {"lab-disk", "lab-memory", "e2b", "opensandbox"} else ()
    assert [phase.name for phase in plan.phases] == [
        *(
            "empty",
            "after-bash",
            "after-python",
            "after-node",
            "after-artifact",
            *releases,
            "concurrent",
            "evidence",
        )
    ]
    assert source != "deerflow" or isinstance(plan.source, Provisioned)


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
KEYS = st.sampled_from(
    [
        "name",
        "do",
        "kind",
        "command",
        "settle",
        "within",
        "over",
        "steps",
        "url",
        "create",
        "phases",
        "source",
    ]
) | st.text(max_size=4)
VALUES = st.recursive(
    LEAVES | st.sampled_from(["exec", "scale", "reuse", "template", "provisioner", "selector", "5s", "1Mi"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_any_document_is_a_plan_or_a_list_of_sentences(document: dict[str, Any]) -> None:
    from memcollect.profile.plan import parse  # noqa: PLC0415 # a private seam, past TOML's own syntax

    told: list[str] = []
    plan = parse._plan(document, told)
    assert isinstance(plan, Plan) or told
    assert all(each.endswith(".") and "\n" not in each and each.isprintable() for each in told)


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_any_text_is_a_plan_or_a_list_of_sentences(text: str | bytes) -> None:
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    with pytest.raises(PlanError) as caught:
        parse_plan(data)
    assert caught.value.mistakes
