"""What the doctor said has no name in it once it is redacted, and can still be read."""

import json
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memcollect.commands.run import run
from memcollect.doctor.result import Item, Report, Result, Summary
from memcollect.doctor.saved import decode_report
from memcollect.errors import UsageError
from memcollect.redaction.diagnosis import redacted_report
from memcollect.redaction.words import Words
from worlds.doctor_stage import Stage
from worlds.redactions import KEY, named
from worlds.schemas import faults

NAMES = st.text("zqxjkvw", min_size=5, max_size=12)
"""No word of ours has these letters alone."""


def report(name: str) -> Report:
    result = Result(
        check="agents",
        title="agents",
        status="fail",
        sentence=f"The agent on {name} did not answer: {name}.corp.internal (10.9.8.7:9100) refused.",
        remedy="Look at its pod:",
        commands=[f"kubectl --context '{name}@prod' -n {name} logs pod/agent-{name}"],
        items=[Item(name=name, status="fail", detail=f"/home/{name}/.kube/config has no user {name}")],
    )
    return Report(
        tool="memcollect 1",
        mode="cluster",
        checked_at="",
        status="fail",
        summary=Summary(fail=1),
        results=[result],
    )


@given(name=NAMES)
@settings(max_examples=50)
def test_no_name_is_left_in_any_of_its_texts(name: str) -> None:
    text = msgspec.json.encode(redacted_report(report(name), Words(KEY))).decode()
    assert name not in text
    assert "10.9.8.7" not in text


def test_the_same_name_is_replaced_alike_and_our_own_words_stay() -> None:
    words = Words(KEY)
    (result,) = redacted_report(report("zqxjk"), words).results
    hidden = words.replaced["zqxjk"]
    assert result.sentence.startswith(f"The agent on {hidden} did not answer: ")
    assert result.commands[0].startswith(f"kubectl --context '{hidden}@")
    assert f" -n {hidden} logs pod/" in result.commands[0]
    assert (result.items[0].name, result.items[0].detail.endswith(f"no user {hidden}")) == (hidden, True)


def test_of_a_cluster_all_is_as_it_was_but_names(tmp_path: Path) -> None:
    with ExitStack() as stack:
        stage = Stage(stack, tmp_path)
        _fill(stage)
        said = stage.report()
    words = Words(KEY)
    hidden = redacted_report(said, words)
    document = msgspec.json.encode(hidden).decode()
    assert "zq" not in document
    assert faults("doctor", json.loads(document)) == []
    assert [(each.check, each.status) for each in hidden.results] == [
        (each.check, each.status) for each in said.results
    ]
    for before, after in zip(said.results, hidden.results, strict=True):
        assert named(after.sentence, words) == before.sentence


def _fill(stage: Stage) -> None:
    for node in ("zqnode-1.zqcorp.example", "zqnode-2.zqcorp.example"):
        stage.healthy_node(node)
    stage.pod("zqsandbox-7", "zqnode-1.zqcorp.example")
    stage.node("zqnode-3")


def test_the_command_writes_it_and_refuses_what_is_redacted_or_newer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved, public = tmp_path / "doctor.json", tmp_path / "public.json"
    saved.write_bytes(msgspec.json.encode(report("zqxjk")))
    assert run(["redact", str(saved), "-o", str(public)], "memcollect") == 0
    assert decode_report(public.read_bytes(), "it").redacted
    capsys.readouterr()
    assert run(["redact", str(public)], "memcollect") == 2
    assert "The diagnosis is redacted already. Redact the original" in capsys.readouterr().err
    for text, sentence in (
        (
            '{"checked_at": "", "schema_version": 2, "tool": "memcollect 9"}',
            "schema 2, written by memcollect 9; this",
        ),
        (
            '{"checked_at": "", "schema_version": 0, "tool": {"a": 1}}',
            "this memcollect reads 1. Ask the doctor again.",
        ),
        ('{"checked_at": "", "schema_version": 1}', "is not what the doctor said, or is cut short: "),
    ):
        saved.write_text(text)
        assert run(["redact", str(saved)], "memcollect") == 1
        error = capsys.readouterr().err
        assert sentence in error
        assert "Traceback" not in error


def test_twice_is_refused() -> None:
    with pytest.raises(UsageError):
        redacted_report(redacted_report(report("zqxjk"), Words(KEY)), Words(KEY))
