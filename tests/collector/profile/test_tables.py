from typing import Any

import pytest

from memcollect.profile.plan import PHASES, SOURCES, Call, Exec, Http, Provisioned, Seconds, Settle, Wait
from memcollect.profile.tables import Mistakes, read_table, read_tagged

CALL = {"url": "http://h/{id}"}


def phase(**table: Any) -> tuple[Any, Mistakes]:
    mistakes: Mistakes = []
    return read_tagged(PHASES, "do", table, "phase 1: ", mistakes), mistakes


def source(table: Any) -> tuple[Any, Mistakes]:
    mistakes: Mistakes = []
    return read_tagged(SOURCES, "kind", table, "source.", mistakes), mistakes


def test_the_tag_chooses_the_struct_and_values_have_their_units() -> None:
    assert phase(do="wait", name="idle", time="2m") == (Wait(name="idle", time=Seconds(120)), [])


def test_every_mistake_of_a_table_is_told_and_nothing_is_returned() -> None:
    found, mistakes = phase(do="exec", nmae="a", command="true", time_limit="soon")
    assert found is None
    assert mistakes == [
        "phase 1 has no key 'nmae' (did you mean 'name'?).",
        'phase 1 has no name; add `name = "…"`.',
        "phase 1: command is 'true': it must be a list in brackets.",
        'phase 1: time_limit is \'soon\': it is no length of time; write "20s", "500ms" or "2m".',
    ]


def test_a_key_that_is_like_none_is_to_be_removed() -> None:
    assert phase(do="nothing", name="a", xyzzy=1)[1] == ["phase 1 has no key 'xyzzy'; remove it."]


def test_a_tag_that_is_missing_or_wrong_is_told_the_choices() -> None:
    assert 'phase 1 has no do; add `do = …`, one of "nothing", "exec"' in phase(name="a")[1][0]
    assert phase(do="exce", name="a")[1][0].endswith("(did you mean 'exec'?).")
    assert "phase 1: do is 3; it must be one of" in phase(do=3, name="a")[1][0]


def test_a_table_inside_a_table_is_told_by_its_whole_path() -> None:
    found, mistakes = source(
        {"kind": "provisioner", "create": {"method": "SEND"}, "delete": CALL, "release": 1}
    )
    assert found is None
    assert mistakes[0].startswith("source.create.method is 'SEND': ")
    assert mistakes[1:] == [
        'source.create has no url; add `url = "…"`.',
        "source.release must be a table of keys, not a value.",
    ]


def test_an_optional_table_that_is_there_is_read() -> None:
    found, _ = source({"kind": "provisioner", "create": CALL, "delete": CALL, "release": CALL})
    call = Call(url="http://h/{id}")
    assert found == Provisioned(create=call, delete=call, release=call)


def test_an_entry_of_the_wrong_type_is_told_as_an_entry() -> None:
    command = phase(do="exec", name="a", command=["true", 1])[1]
    assert command == ["phase 1: command is ['true', 1]: each entry of it must be text in quotes."]
    headers = source({"kind": "provisioner", "create": CALL, "delete": CALL, "headers": {"X-Key": 1}})[1]
    assert headers == ["source.headers is {'X-Key': 1}: each entry of it must be text in quotes."]


@pytest.mark.parametrize(
    ("table", "kind"), [("x", "text"), ([], "a list"), (True, "true or false"), (1.5, "a value")]
)
def test_what_is_no_table_is_called_what_it_is(table: Any, kind: str) -> None:
    mistakes: Mistakes = []
    assert read_table(Settle, table, "settle.", mistakes) is None
    assert read_tagged(SOURCES, "kind", table, "source.", mistakes) is None
    assert mistakes == [
        f"settle must be a table of keys, not {kind}.",
        f"source must be a table of keys, not {kind}.",
    ]


def test_a_number_too_large_for_a_float_is_a_mistake_and_no_crash() -> None:
    assert phase(do="wait", name="a", time=10**400)[1] == ["phase 1: time is nothing that can be read."]


HUGE = 16**4000


@pytest.mark.parametrize(
    "table",
    [
        {"do": HUGE, "name": "a"},
        {"do": "nothing", "name": HUGE},
        {"do": "http", "name": "a", "method": HUGE},
        {"do": "http", "name": "a", "expect": [HUGE, "x"]},
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
    assert found == Http(name="a", expect=[418])
    assert mistakes == ["an earlier one."]
    assert read_table(Exec, {"name": "a", "command": []}, "x.", mistakes) == Exec(name="a", command=[])
