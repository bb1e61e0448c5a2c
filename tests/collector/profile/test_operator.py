"""The person at a terminal: real terminals and pipes, since `select` looks below Python's own buffers."""

import os
import threading
from collections.abc import Iterator
from typing import TextIO

import pytest

from memcollect.profile.operator import TerminalOperator
from profile_doubles import after, never

ENDED = "There is nobody to press Enter: input has ended."


class Terminal:
    """Both ends of a pseudo-terminal: the person types into `keyboard`."""

    def __init__(self) -> None:
        self.keyboard, screen = os.openpty()
        self.stream: TextIO = os.fdopen(screen, "r")
        self.said: list[str] = []
        self.operator = TerminalOperator(self.said.append, self.stream)

    def type(self, keys: bytes) -> None:
        os.write(self.keyboard, keys)


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
    terminal.type(b"\n")
    terminal.operator.ask("Release it", 90.0, never)
    assert terminal.said == ["Release it - then press Enter (within 90 s)"]


@pytest.mark.parametrize("keys", [b"\n", b"\r", b"done\n", b"\x1b[A\n"])
def test_enter_is_an_answer_whatever_was_typed_before_it(terminal: Terminal, keys: bytes) -> None:
    terminal.type(keys)
    assert terminal.operator.ask("Release it", 5.0, never) == ""


def test_enter_is_waited_for(terminal: Terminal) -> None:
    timer = threading.Timer(0.1, terminal.type, (b"\n",))
    timer.start()
    assert terminal.operator.ask("Release it", 20.0, never) == ""
    timer.join()


def test_keys_without_enter_are_no_answer(terminal: Terminal) -> None:
    terminal.type(b"yes")
    assert terminal.operator.ask("Release it", 0.1, never) == "Nobody pressed Enter within 0.1 s."


def test_one_enter_answers_one_question(terminal: Terminal) -> None:
    terminal.type(b"\n")
    assert terminal.operator.ask("first", 5.0, never) == ""
    assert terminal.operator.ask("second", 0.1, never) == "Nobody pressed Enter within 0.1 s."
    terminal.type(b"\n")
    assert terminal.operator.ask("third", 5.0, never) == ""


def test_ctrl_c_ends_the_waiting_for_somebody_who_has_left(terminal: Terminal) -> None:
    assert terminal.operator.ask("Release it", 20.0, after(1)) == "Ctrl-C came first."


def test_an_enter_that_comes_after_ctrl_c_is_not_taken(terminal: Terminal) -> None:
    terminal.type(b"\n")
    assert terminal.operator.ask("Release it", 20.0, after(0)) == "Ctrl-C came first."
    assert terminal.operator.ask("Release it", 20.0, never) == ""


def test_ctrl_d_is_nobodys_enter(terminal: Terminal) -> None:
    terminal.type(b"\x04")
    assert terminal.operator.ask("Release it", 5.0, never) == ENDED


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


def test_no_time_at_all_asks_and_waits_for_nothing(terminal: Terminal) -> None:
    terminal.type(b"\n")
    assert terminal.operator.ask("Release it", 0.0, never) == "Nobody pressed Enter within 0 s."
