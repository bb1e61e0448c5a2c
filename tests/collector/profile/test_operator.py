"""The person at a terminal: real terminals and pipes, since `select` looks below Python's own buffers."""

import io
import os
import select
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from memcollect.profile.operator import TerminalOperator
from worlds.profile_doubles import after, never
from worlds.waiting import PATIENCE, wait_until

ENDED = "There is nobody to press Enter: input has ended."


class Terminal:
    """Both ends of a pseudo-terminal: the person types into `keyboard`, when asked what `answers` says."""

    def __init__(self) -> None:
        self.keyboard, screen = os.openpty()
        self.stream: TextIO = os.fdopen(screen, "r")
        self.said: list[str] = []
        self.answers: list[bytes] = []
        self.operator = TerminalOperator(self.say, self.stream)

    def say(self, sentence: str) -> None:
        self.said.append(sentence)
        if self.answers:
            self.type(self.answers.pop(0))

    def type(self, keys: bytes) -> None:
        os.write(self.keyboard, keys)

    def ask(self, keys: bytes, seconds: float = 5.0) -> str:
        """Ask once; the person types `keys` when the question is there."""
        self.answers.append(keys)
        return self.operator.ask("Release it", seconds, never)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.stream.close()
    os.close(made.keyboard)


@pytest.fixture
def pipe() -> Iterator[tuple[TextIO, int]]:
    """Standard input as a pipe, and the end that writes; a test closes it or we do."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "r") as stream:
        yield stream, writer


def ignored(_sentence: str) -> None:
    pass


def test_the_person_is_told_what_to_do_and_how_long_there_is(terminal: Terminal) -> None:
    terminal.ask(b"\n", 90.0)
    assert terminal.said == ["Release it - then press Enter (within 90 s)"]


@pytest.mark.parametrize("keys", [b"\n", b"\r", b"done\n", b"\x1b[A\n", b"\xff\xfe\n"])
def test_enter_is_an_answer_whatever_was_typed_before_it(terminal: Terminal, keys: bytes) -> None:
    assert terminal.ask(keys) == ""


def test_enter_is_waited_for(terminal: Terminal) -> None:
    timer = threading.Timer(0.1, terminal.type, (b"\n",))
    timer.start()
    assert terminal.operator.ask("Release it", 20.0, never) == ""
    timer.join()


def test_keys_without_enter_are_no_answer(terminal: Terminal) -> None:
    assert terminal.ask(b"yes", 0.1) == "Nobody pressed Enter within 0.1 s."


def test_one_enter_answers_one_question(terminal: Terminal) -> None:
    assert terminal.ask(b"\n") == ""
    assert terminal.operator.ask("second", 0.1, never) == "Nobody pressed Enter within 0.1 s."
    assert terminal.ask(b"\n") == ""


@pytest.mark.parametrize("keys", [b"\n", b"\n\n\n", b"yes\nno\n"])
def test_what_was_typed_before_the_question_is_no_answer_to_it(terminal: Terminal, keys: bytes) -> None:
    terminal.type(keys)
    wait_until(lambda: bool(select.select([terminal.stream], [], [], 0)[0]))
    assert terminal.operator.ask("Release it", 0.3, never) == "Nobody pressed Enter within 0.3 s."
    assert terminal.ask(b"\n") == ""


def test_what_was_typed_beyond_an_answer_is_none_to_the_next_question(terminal: Terminal) -> None:
    assert terminal.ask(b"\n\n\n") == ""
    assert terminal.operator.ask("second", 0.3, never) == "Nobody pressed Enter within 0.3 s."


def test_ctrl_c_ends_the_waiting_for_somebody_who_has_left(terminal: Terminal) -> None:
    assert terminal.operator.ask("Release it", 2 * PATIENCE, after(1)) == "Interrupted first."


def test_an_enter_that_comes_after_ctrl_c_is_not_taken(terminal: Terminal) -> None:
    terminal.answers.append(b"\n")
    assert terminal.operator.ask("Release it", 20.0, after(0)) == "Interrupted first."
    assert terminal.operator.ask("Release it", 0.3, never) == "Nobody pressed Enter within 0.3 s."


def test_ctrl_d_is_nobodys_enter(terminal: Terminal) -> None:
    assert terminal.ask(b"\x04") == ENDED


def test_a_terminal_that_was_hung_up_is_nobodys_enter() -> None:
    keyboard, screen = os.openpty()
    with os.fdopen(screen, "r") as stream:
        os.close(keyboard)
        said = TerminalOperator(ignored, stream).ask("Release it", 20.0, never)
    assert said.startswith("There is nobody to press Enter: input ")


def test_input_that_has_ended_is_nobodys_enter(pipe: tuple[TextIO, int]) -> None:
    stream, writer = pipe
    os.close(writer)
    operator = TerminalOperator(ignored, stream)
    assert [operator.ask("Release it", 5.0, never) for _ in range(2)] == [ENDED, ENDED]


def test_lines_that_were_piped_in_are_one_answer_each(pipe: tuple[TextIO, int]) -> None:
    stream, writer = pipe
    os.write(writer, b"\n\n")
    os.close(writer)
    operator = TerminalOperator(ignored, stream)
    assert [operator.ask("Release it", 5.0, never) for _ in range(3)] == ["", "", ENDED]


def test_lines_that_were_fed_ahead_are_kept_while_the_pipe_stays_open(pipe: tuple[TextIO, int]) -> None:
    stream, writer = pipe
    os.write(writer, b"one\ntwo\n\xff\xfe\n")
    operator = TerminalOperator(ignored, stream)
    answers = [operator.ask("Release it", 5.0, never) for _ in range(3)]
    late = operator.ask("Release it", 0.1, never)
    os.close(writer)
    assert (answers, late) == ([""] * 3, "Nobody pressed Enter within 0.1 s.")


def test_half_a_line_holds_nobody_past_the_time_or_ctrl_c(pipe: tuple[TextIO, int]) -> None:
    stream, writer = pipe
    os.write(writer, b"half")
    operator = TerminalOperator(ignored, stream)
    with os.fdopen(writer, "wb", buffering=0) as late:
        # Where it is waited for all the same, this ends it.
        timer = threading.Timer(2 * PATIENCE, late.write, (b"\n",))
        timer.start()
        began = time.monotonic()
        said = [operator.ask("Release it", 0.1, never), operator.ask("Release it", 2 * PATIENCE, after(1))]
        took = time.monotonic() - began
        timer.cancel()
        timer.join()
        late.write(b" a line\n")
        said.append(operator.ask("Release it", 5.0, never))
    assert said == ["Nobody pressed Enter within 0.1 s.", "Interrupted first.", ""]
    assert took < PATIENCE
    assert operator.ask("Release it", 5.0, never) == ENDED


def test_half_a_line_at_the_end_of_input_is_nobodys_enter(pipe: tuple[TextIO, int]) -> None:
    stream, writer = pipe
    os.write(writer, b"hal")
    os.close(writer)
    assert TerminalOperator(ignored, stream).ask("Release it", 5.0, never) == ENDED


def test_where_there_is_no_input_at_all_nobody_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with Path(os.devnull).open() as closed:
        pass
    for stream in (None, closed, io.StringIO("\n")):
        said = TerminalOperator(ignored, stream).ask("Release it", 20.0, never)
        assert said == "There is nobody to press Enter: there is no input."


def test_no_time_at_all_asks_and_waits_for_nothing(terminal: Terminal) -> None:
    assert terminal.ask(b"\n", 0.0) == "Nobody pressed Enter within 0 s."
