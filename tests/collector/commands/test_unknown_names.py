from pathlib import Path

import pytest

from memcollect.commands import ALIASES, COMMANDS, GROUPS
from memcollect.commands.run import run
from memcollect.nearest import nearest


@pytest.mark.parametrize(
    ("written", "meant"),
    [("snapshto", "snapshot"), ("expalin", "explain"), ("comapre", "compare"), ("x", "")],
)
def test_a_slip_of_the_fingers_finds_its_command(written: str, meant: str) -> None:
    assert nearest(written, list(COMMANDS)) == meant


def test_several_that_are_alike_are_all_named() -> None:
    assert nearest("sandbox-", ["sandbox-a", "sandbox-b", "other"]) == "sandbox-b or sandbox-a"


def test_an_unknown_command_is_told_with_what_may_be_meant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["snapshto"], "memcollect") == 2
    assert capsys.readouterr().err.startswith("memcollect: No command 'snapshto'. Did you mean snapshot?\n")
    assert run(["zzzzzz"], "memcollect") == 2
    assert capsys.readouterr().err.startswith("memcollect: No command 'zzzzzz'.\n")


@pytest.mark.parametrize(("alias", "command"), sorted(ALIASES.items()))
def test_an_alias_is_its_command(alias: str, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([alias, "--help"], "memcollect") == 0
    by_alias = capsys.readouterr().out
    assert run([command, "--help"], "memcollect") == 0
    assert by_alias.replace(f" {alias} ", f" {command} ", 1) == capsys.readouterr().out


def test_the_help_lists_every_command_in_one_group() -> None:
    assert sorted(name for _, names in GROUPS for name in names) == sorted(COMMANDS)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["snapshot", "-o", "json"], "-o names a file, and 'json' looks like a format. Write --format json."),
        (["node", "-o", "wide"], "'wide' looks like a format. Write --format table, markdown, html or json."),
        (["evidence", "--show", "aio", "-o", "markdown"], "Write --format markdown."),
        (["snapshot", "--json"], "No such option '--json'. Did you mean '--format json'?"),
        (["redact", "--json"], "No such option '--json'.\n"),
    ],
)
def test_a_format_said_as_elsewhere_is_told_with_how_it_is_said_here(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words, "memcollect") == 2
    assert told in capsys.readouterr().err


def test_where_there_is_no_format_a_file_may_be_called_like_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["redact", "no-such-file", "-o", "json"], "memcollect") == 1
    assert "no-such-file cannot be read" in capsys.readouterr().err
