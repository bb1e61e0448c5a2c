import shlex

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect.doctor.result import Item, Report, Result, Status, Summary
from memcollect.reporters.doctor import render_json, render_table

LONG = "ip-10-0-103-22.eu-central-1.compute.internal"
COMMAND = (
    "kubectl --kubeconfig '/home/some body/.kube/config' --context production "
    f"describe pod -n memcollect {LONG}"
)


def line(name: str, status: Status, sentence: str = "A sentence.", **more: object) -> Result:
    fields = {"check": name, "title": name, "status": status, "sentence": sentence} | more
    return msgspec.convert(fields, Result)


def report(*results: Result, status: Status = "ok") -> Report:
    return Report(
        tool="memcollect 1",
        mode="cluster",
        checked_at="2026-01-01T00:00:00Z",
        status=status,
        summary=Summary(ok=len(results)),
        results=list(results),
    )


@pytest.mark.parametrize("width", [60, 80, 120])
def test_every_line_fits(width: int) -> None:
    text = render_table(
        report(
            line(
                "clocks",
                "warn",
                f"Clocks differ on {LONG}, {LONG} and 700 more. " * 3,
                remedy="Do this: " * 20,
            ),
            line("agents", "fail", remedy="See why:", commands=[COMMAND]),
        ),
        width=width,
    )
    assert max(len(row) for row in text.splitlines()) <= width
    assert "\x1b" not in text


def test_a_line_says_status_title_and_sentence_and_the_remedy_stands_below() -> None:
    text = render_table(
        report(line("pods", "warn", "There is no pod.", remedy="Choose:", commands=["kubectl x"]))
    )
    assert text.splitlines() == [
        "warn    pods           There is no pod.",
        "        Choose:",
        "          kubectl x",
        "",
        "1 ok, 0 warn, 0 fail, 0 skipped.",
    ]


def test_a_command_that_is_continued_is_still_the_same_to_a_shell() -> None:
    text = render_table(report(line("agents", "fail", remedy="See why:", commands=[COMMAND])), width=60)
    pasted = text.partition("See why:\n")[2].partition("\n\n")[0]
    assert pasted.count("\\\n") >= 2
    assert shlex.split(pasted.replace("\\\n", " ")) == shlex.split(COMMAND)
    assert any("-n memcollect" in row for row in pasted.splitlines())


@given(
    words=st.lists(st.text("ab -'\"\\$;", max_size=30), min_size=1, max_size=12), width=st.integers(40, 100)
)
def test_any_command_survives_being_continued(words: list[str], width: int) -> None:
    command = shlex.join(["kubectl", *words])
    text = render_table(report(line("x", "fail", remedy="Do:", commands=[command])), width=width)
    pasted = text.partition("Do:\n")[2].rpartition("\n\n")[0]
    # As sh reads it: a backslash at a line's end joins the lines.
    assert shlex.split(pasted.replace(" \\\n", " ")) == ["kubectl", *words]


def test_checks_skipped_for_one_reason_are_one_line() -> None:
    skipped = [
        line(name, "skipped", 'Not checked, because of "API server".', because="api")
        for name in ("a", "b", "c")
    ]
    text = render_table(report(line("API server", "fail"), *skipped))
    assert 'skipped 3 checks       Not checked, because of "API server": a, b, c.' in text.splitlines()


def test_colour_is_there_only_when_asked_for() -> None:
    assert "\x1b[1;31mfail" in render_table(report(line("x", "fail")), color=True)
    assert "\x1b" not in render_table(report(line("x", "fail")))


def test_what_a_name_hides_is_made_visible() -> None:
    hostile = "\x1b[2J\u202e"
    text = render_table(report(line("x", "warn", f"Node {hostile}.", remedy=hostile, commands=[hostile])))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\x1b[2J\\u202e" in text


def test_json_holds_everything_and_names_what_is_empty_by_leaving_it_out() -> None:
    item = Item(name="n1", status="warn", detail="10 s ahead")
    given_report = report(
        line("clock", "warn", remedy="Set it:", commands=["timedatectl"], items=[msgspec.to_builtins(item)]),
        line("history", "skipped", because="agents"),
    )
    text = render_json(given_report)
    assert text.endswith("}\n")
    document = msgspec.json.decode(text)
    assert document["schema_version"] == 1
    assert document["summary"] == {"ok": 2, "warn": 0, "fail": 0, "skipped": 0}
    assert document["results"][0]["items"] == [{"name": "n1", "status": "warn", "detail": "10 s ahead"}]
    assert document["results"][1] == {
        "check": "history",
        "title": "history",
        "status": "skipped",
        "sentence": "A sentence.",
        "because": "agents",
    }
    assert msgspec.json.decode(text, type=Report) == given_report
