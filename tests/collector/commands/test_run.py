from pathlib import Path

import click
import pytest

from memcollect.commands import options, output
from memcollect.commands.run import run
from memcollect.errors import UsageError


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Break a part of the program as a programming mistake would."""

    def fail(*_: object) -> None:
        raise KeyError("a mistake\nof ours")

    monkeypatch.setattr("memcollect.commands.explain.read_snapshot", fail)


@pytest.mark.usefixtures("broken")
def test_a_mistake_of_ours_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "f.json"], "memcollect") == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "this should not happen: KeyError" in error
    assert "-v for the traceback" in error


@pytest.mark.usefixtures("broken")
def test_verbose_shows_the_traceback_of_a_mistake_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "f.json", "-v"], "memcollect") == 1
    assert "memcollect: Traceback (most recent call last):\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "There is not enough memory for this."),
        (RuntimeError("can't start new thread"), "No more threads can be begun here: `ulimit -u`"),
    ],
)
def test_what_the_machine_does_not_give_is_no_mistake_of_ours(
    error: Exception, words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("memcollect.commands.explain.read_snapshot", fail)
    assert run(["explain", "f.json"], "memcollect") == 1
    assert capsys.readouterr().err.startswith(f"memcollect: {words}")


def test_hostile_arguments_come_back_visible(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "no\x1b[31m\nsuch"], "memcollect") == 1
    assert r"no\x1b[31m\nsuch cannot be read" in capsys.readouterr().err


def test_the_details_of_an_error_have_a_line_each_and_what_comes_from_outside_breaks_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise UsageError("Two things\n:", details=["first \x1b[2J", "second\nmemcollect: forged"])

    monkeypatch.setattr("memcollect.commands.explain.read_snapshot", fail)
    assert run(["explain", "f.json"], "memcollect") == 2
    lines = [r"memcollect: Two things\n:", r"  first \x1b[2J", r"  second\nmemcollect: forged", ""]
    assert capsys.readouterr().err.split("\n") == lines


def test_a_written_file_is_told_on_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output.deliver("text", tmp_path / "f", force=False)
    assert capsys.readouterr() == ("", f"memcollect: written to {tmp_path / 'f'}\n")


def test_no_color_wins_over_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        @staticmethod
        def isatty() -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert output.wants_color(Terminal())  # type: ignore[arg-type]
    monkeypatch.setenv("NO_COLOR", "1")
    assert not output.wants_color(Terminal())  # type: ignore[arg-type]


def test_wrong_usage_is_one_line_with_a_click_that_has_no_error_for_missing_arguments(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(click.exceptions, "NoArgsIsHelpError")
    assert run(["snapshot", "--no-such-option"], "memcollect") == 2
    assert "No such option" in capsys.readouterr().err


def test_no_arguments_are_none_with_a_click_that_calls_them_typed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As 8.1 does for an argument that may be given any number of times."""
    asked = click.Context.get_parameter_source

    def source(self: click.Context, name: str) -> click.core.ParameterSource | None:
        return click.core.ParameterSource.COMMANDLINE if name == "pods" else asked(self, name)

    monkeypatch.setattr(click.Context, "get_parameter_source", source)
    run(["snapshot", "--local", "--cgroup-root", str(tmp_path)], "memcollect")
    assert "not chosen by argument" not in capsys.readouterr().err
    assert run(["snapshot", "--local", "deer-flow/sandbox"], "memcollect") == 2
    assert "not chosen by argument" in capsys.readouterr().err


def test_no_type_of_an_option_needs_a_click_with_generic_types() -> None:
    ours = [each for each in vars(options).values() if getattr(each, "__module__", "") == options.__name__]
    types = [each for each in ours if isinstance(each, type) and issubclass(each, click.ParamType)]
    assert options.Size in types
    assert [each for each in types if "__orig_bases__" in vars(each)] == []
