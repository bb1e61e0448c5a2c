from datetime import UTC, date, datetime
from typing import Any

import pytest

from memcollect.profile.plan.model import (
    PHASES,
    SOURCES,
    Call,
    Exec,
    Http,
    Provisioned,
    Seconds,
    Selected,
    Settle,
    Wait,
)
from memcollect.profile.plan.tables import Mistakes, read_table, read_tagged

CALL = {"url": "http://h/{id}"}


def phase(**table: Any) -> tuple[Any, Mistakes]:
    mistakes: Mistakes = []
    found = read_tagged(PHASES, "do", table, "phase 1: ", mistakes)
    return found if mistakes else found.made(), mistakes


def source(table: Any) -> tuple[Any, Mistakes]:
    mistakes: Mistakes = []
    found = read_tagged(SOURCES, "kind", table, "source.", mistakes)
    return found if mistakes else found.made(), mistakes


def test_the_tag_chooses_the_struct_and_values_have_their_units() -> None:
    assert phase(do="wait", name="idle", time="2m") == (Wait(name="idle", time=Seconds(120)), [])


def test_every_mistake_of_a_table_is_told_and_the_rest_of_it_is_read() -> None:
    found, mistakes = phase(do="exec", nmae=1, command="true", time_limit="soon", version="7")
    assert mistakes == [
        "phase 1 has no key 'nmae' (did you mean 'name'?).",
        "phase 1: name is 1; it must be text in quotes.",
        "phase 1: command is 'true'; it must be a list in brackets, as [\"…\"].",
        'phase 1: time_limit is \'soon\'; it must be a length of time, as "500ms", "20s" or "2m".',
    ]
    assert found.values == {"version": "7", "settle": None, "container": ""}
    assert found.kinds == [Exec]


def test_a_misspelt_key_is_read_as_the_one_that_was_meant_and_is_no_missing_one_besides() -> None:
    found, mistakes = phase(do="wait", name="a", tiem="5s")
    assert mistakes == ["phase 1 has no key 'tiem' (did you mean 'time'?)."]
    assert found.values["time"] == Seconds(5)


def test_a_misspelt_key_beside_the_right_one_is_to_be_removed() -> None:
    (mistake,) = phase(do="wait", name="a", time="5s", tiem="6s")[1]
    assert mistake.startswith("phase 1 has no key 'tiem'; remove it (there are do, name, ")


def test_a_key_that_is_like_none_is_to_be_removed() -> None:
    assert phase(do="nothing", name="a", xyzzy=1)[1] == [
        "phase 1 has no key 'xyzzy'; remove it (there are do, name, version, settle)."
    ]


def test_what_is_missing_is_told_with_how_it_is_written() -> None:
    assert phase(do="exec")[1] == [
        'phase 1 has no name; add `name = "…"`.',
        'phase 1 has no command; add `command = ["…"]`.',
    ]
    assert source({"kind": "provisioner", "delete": CALL})[1] == [
        'source has no create; add `create = { url = "…" }`.'
    ]


def test_a_tag_that_is_missing_or_wrong_is_told_the_choices() -> None:
    choices = "one of nothing, exec, http, wait, mark, reuse, scale, evidence"
    assert phase(name="a")[1] == [f'phase 1 has no do; add `do = "…"`, {choices}.']
    assert phase(do=3, name="a")[1] == [f"phase 1: do is 3; it must be {choices}."]
    assert phase(do="exce", name="a", command=["x"])[1] == [
        f"phase 1: do is 'exce'; it must be {choices} (did you mean 'exec'?)."
    ]


def test_a_tag_that_is_like_one_chooses_it_and_one_like_none_what_all_have_in_common() -> None:
    misspelt, mistakes = phase(do="exce", name="a", command="ls")
    assert (misspelt.kinds, len(mistakes)) == ([Exec], 2)
    unknown, mistakes = phase(do="xyzzy", name=1, version="7", command="ls", port=0)
    assert mistakes[1:] == ["phase 1: name is 1; it must be text in quotes."]
    assert (list(unknown.kinds), unknown.values) == (list(PHASES), {"version": "7", "settle": None})


def test_the_key_of_a_tag_may_be_misspelt_too() -> None:
    found, mistakes = source({"knid": "selector", "selector": "a=b"})
    assert mistakes == ["source has no key 'knid' (did you mean 'kind'?)."]
    assert found.kinds == [Selected]


def test_a_table_inside_a_table_is_told_by_its_whole_path_and_read_as_far_as_it_can_be() -> None:
    found, mistakes = source(
        {"kind": "provisioner", "create": {"method": "SEND", "body": "x"}, "delete": CALL, "release": 1}
    )
    assert mistakes == [
        "source.create.method is 'SEND'; it must be one of GET, POST, PUT, PATCH, DELETE.",
        'source.create has no url; add `url = "…"`.',
        "source.release is 1; it must be a table of keys.",
    ]
    assert (found.find("create.body"), found.find("delete.url")) == ("x", CALL["url"])
    for unread in ("create.url", "release.url", "reuse.url", "nothing"):
        with pytest.raises(KeyError):
            found.find(unread)


def test_an_optional_table_that_is_there_is_read() -> None:
    found, _ = source({"kind": "provisioner", "create": CALL, "delete": CALL, "release": CALL})
    call = Call(url="http://h/{id}")
    assert found == Provisioned(create=call, delete=call, release=call)


def test_each_entry_of_the_wrong_type_is_told_and_the_others_are_read() -> None:
    found, mistakes = phase(do="scale", name="a", steps=[1, "x", 0, True])
    assert mistakes == [
        "phase 1: steps, entry 2, is 'x'; it must be a whole number.",
        "phase 1: steps, entry 4, is true; it must be a whole number.",
    ]
    assert found.values["steps[]"] == [(1, 1), (3, 0)]
    assert "steps" not in found.values
    headers = source({"kind": "provisioner", "create": CALL, "delete": CALL, "headers": {"X-Key": 1}})[1]
    assert headers == ["source.headers.X-Key is 1; it must be text in quotes."]


@pytest.mark.parametrize(
    ("table", "shown"),
    [
        ("x", "'x'"),
        ([], "[]"),
        (True, "true"),
        (1.5, "1.5"),
        (date(2026, 1, 31), "2026-01-31"),
        (datetime(2026, 1, 31, 1, 2, tzinfo=UTC), "2026-01-31T01:02:00+00:00"),
    ],
)
def test_what_is_no_table_is_shown_as_it_was_written(table: Any, shown: str) -> None:
    mistakes: Mistakes = []
    assert read_table(Settle, table, "settle.", mistakes).values == {}
    assert read_tagged(SOURCES, "kind", table, "source.", mistakes).values == {}
    assert mistakes == [f"{name} is {shown}; it must be a table of keys." for name in ("settle", "source")]


def test_a_number_too_large_for_a_float_is_a_mistake_and_no_crash() -> None:
    assert phase(do="wait", name="a", time=10**400)[1] == [
        f'phase 1: time is 1{58 * "0"}…; it must be from 0 to "24h".'
    ]


HUGE = 16**4000


@pytest.mark.parametrize(
    "table",
    [
        {"do": HUGE, "name": "a"},
        {"do": "nothing", "name": HUGE},
        {"do": "http", "name": "a", "method": HUGE},
        {"do": "http", "name": "a", "port": 1, "method": "GET", "path": HUGE},
        {"do": "exec", "name": "a", "command": [HUGE]},
        {"do": "exec", "name": "a", "command": ["true"], "settle": {"within": HUGE}},
    ],
)
def test_a_number_longer_than_python_writes_is_a_mistake_and_no_crash(table: dict[str, Any]) -> None:
    (mistake,) = phase(**table)[1]
    assert "too long to be shown" in mistake


def test_what_an_address_has_of_credentials_is_not_shown() -> None:
    url = "https://me:hunter2@h/"
    told = [*phase(do="nothing", name=[url])[1], *source({"kind": url})[1]]
    told += source({"kind": "selector", "selector": {"a": url}})[1]
    assert len(told) == 3
    assert "hunter2" not in "".join(told)


def test_strange_text_is_shown_on_one_line_and_cut() -> None:
    (key,) = phase(do="nothing", name="a", **{"\x1b[2J\n" + "k" * 200: 1})[1]
    (value,) = phase(do="nothing", name=["\x1b[2J" + "v" * 200])[1]
    assert key.isprintable()
    assert value.isprintable()
    assert max(len(key), len(value)) < 150


def test_mistakes_of_before_are_kept_and_do_not_spoil_a_good_table() -> None:
    mistakes = ["an earlier one."]
    found = read_tagged(PHASES, "do", {"do": "http", "name": "a", "expect": [418]}, "phase 1: ", mistakes)
    assert found.made() == Http(name="a", expect=[418])
    assert mistakes == ["an earlier one."]
    exec_ = read_table(Exec, {"name": "a", "command": []}, "x.", mistakes)
    assert exec_.made() == Exec(name="a", command=[])
