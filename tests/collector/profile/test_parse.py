from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect.profile.parse import PlanError, parse_plan
from memcollect.profile.plan import Exec, Plan, Provisioned, Seconds, Size, Template
from memcollect.profile.shipped import names, text_of

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


def test_every_mistake_a_person_makes_is_told_at_once_in_a_sentence_each() -> None:
    text = """
nmae = "x"
repeats = 0
schema = 9
[settle]
within = "1 Mb"
over = "20s"
at_most = "10s"
[source]
kind = "selector"
selector = "app=x"
namespace = "Deer Flow"
[[phases]]
name = "After Bash"
do = "exec"
command = []
[[phases]]
name = "b"
do = "exce"
[[phases]]
name = "b"
do = "exec"
command = "ls -l"
timelimit = "5s"
[[phases]]
name = "c"
do = "http"
port = 99999
path = "v1/sandbox"
[[phases]]
name = "d"
do = "scale"
steps = [10, 10, 0]
[[phases]]
do = "wait"
time = "a while"
"""
    told = mistakes(text)
    expected = [
        "the plan has no key 'nmae' (did you mean 'name'?).",
        'the plan has no name; add `name = "…"`.',
        'settle.within is \'1 Mb\': it is no size; write "1Mi" or "512Ki".',
        "2 phases are called 'b'; give each a name of its own.",
        "phase 2 (b): do is 'exce'; it must be one of",
        "phase 3 (b) has no key 'timelimit' (did you mean 'time_limit'?).",
        "phase 3 (b): command is 'ls -l': it must be a list in brackets.",
        "phase 6 has no name; add",
        "phase 6: time is 'a while': it is no length of time",
        "source.namespace is 'Deer Flow'; that is no namespace's name.",
        "phase 1 (After Bash): name is 'After Bash'; use a-z",
        "phase 1 (After Bash): command is empty; write it as a list",
        "phase 4 (c): port is 99999; it must be from 1 to 65535.",
        "phase 4 (c): path is 'v1/sandbox'; it must begin with /",
        "phase 5 (d): steps must be numbers of sandboxes from 1 to 1000",
        "phase 5 (d): steps names a number twice",
        'phase 5 (d): do = "scale" makes sandboxes, and source.kind = "selector" cannot',
    ]
    assert [any(each.startswith(start) for each in told) for start in expected] == [True] * len(expected), (
        told
    )
    assert len(told) == len(expected)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("repeats = 3\n", "repeats = 0\n"), "repeats is 0; it must be from 1 to 1000"),
        (("repeats = 3\n", "repeats = true\n"), "repeats is True: it must be a whole number."),
        (('name = "x"\n', 'name = "../x"\n'), "name is '../x'; use a-z"),
        (("repeats = 3\n", 'poll = "1ms"\n'), "poll is 0.001s; it must be from 50ms to 10s."),
        (("repeats = 3\n", "schema = 2\n"), "schema is 2; this memcollect reads plans of schema 1."),
        (("repeats = 3\n", "settle = 3\n"), "settle must be a table of keys"),
        (('clone = "app=x"', 'clone = "x"\nfile = "y"'), "source needs either file"),
        (('clone = "app=x"', ""), "source needs either file"),
        (('kind = "template"', ""), "source has no kind; add"),
        (('["true"]', '["a\\u0000b"]'), "phase 1 (a): command has an empty program or a NUL byte"),
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
delete = { url = "host/{id}/{thread}" }
headers = { X-API-Key = "abc-123", "bad name" = "X" }
"""
    told = mistakes(GOOD, source)
    assert not [
        each for each in told if "secret@" in each and "credentials" in each and "user:secret" in each
    ]
    starts = [
        "source.create.url holds credentials",
        "source.delete.url is 'host/{id}/{thread}'; write http",
        "source.delete.url has {thread}",
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
        "The source's file has 'phases'; it may hold [source], [settle] and backend.",
        "The source's file has no [source] table; add one.",
    ]


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
    assert caught.value.mistakes == ["It is not UTF-8 at byte 7; save it as UTF-8."]


@pytest.mark.parametrize("source", [None, *names("sources")])
def test_the_shipped_guide_is_a_plan_with_each_shipped_source(source: str | None) -> None:
    replaced = text_of(source, "sources")[0] if source else None
    plan = parse_plan(text_of("guide")[0], source=replaced)
    assert [phase.name for phase in plan.phases] == [
        *("empty", "after-bash", "after-python", "after-node", "after-artifact", "warm-reuse", "concurrent")
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
    from memcollect.profile import parse  # noqa: PLC0415 # a private seam, past TOML's own syntax

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
