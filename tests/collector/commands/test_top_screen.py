"""`memcollect top` on a real pseudo-terminal, which must be given back as it was."""

import re
import signal
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect.commands.keys import named
from memcollect.testing import Fault
from worlds.live_cluster import command_of, environment
from worlds.terminal import ENTER_SCREEN, HIDE_CURSOR, LEAVE_SCREEN, SHOW_CURSOR, Terminal, on_terminal
from worlds.top_stage import MIB, TopStage, top_stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TopStage]:
    """One node with two pods, for all tests here."""
    with top_stage(tmp_path_factory.mktemp("stage")) as made:
        node = made.node()
        node.add_pod(1, 100 * MIB, top=90 * MIB)
        node.add_pod(2, 200 * MIB, top=200 * MIB)
        yield made


def _environment(**more: str) -> dict[str, str]:
    env = {**environment(TERM="xterm-256color"), **more}
    return {name: value for name, value in env.items() if name in more or name not in {"COLUMNS", "NO_COLOR"}}


@contextmanager
def _top(
    stage: TopStage, *options: str, columns: int = 150, lines: int = 30, **env: str
) -> Iterator[Terminal]:
    command = command_of(stage.options("--interval", "1", *options))
    with on_terminal(command, _environment(**env), columns, lines) as terminal:
        yield terminal


def _shown(written: bytes) -> str:
    """Return what was written without the terminal's control sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.decode())


def _given_back(terminal: Terminal) -> None:
    assert terminal.written.count(ENTER_SCREEN) == terminal.written.count(LEAVE_SCREEN) == 1
    assert terminal.written.rindex(SHOW_CURSOR) > terminal.written.rindex(HIDE_CURSOR)
    assert b"Traceback" not in terminal.written


@pytest.mark.parametrize("key", [b"q", b"Q", b"\x1b", b"\x03"], ids=["q", "Q", "escape", "ctrl-c"])
def test_a_key_ends_it_and_leaves_the_terminal_as_it_was(stage: TopStage, key: bytes) -> None:
    with _top(stage) as terminal:
        before = terminal.settings
        terminal.read_until(b"sandbox-2")
        assert terminal.settings != before
        terminal.press(key)
        assert terminal.end() == 0
        assert terminal.settings == before
        _given_back(terminal)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_it_and_leaves_the_terminal_as_it_was(
    stage: TopStage, number: signal.Signals, code: int
) -> None:
    with _top(stage) as terminal:
        before = terminal.settings
        terminal.read_until(b"sandbox-2")
        terminal.process.send_signal(number)
        assert terminal.end() == code
        assert terminal.settings == before
        _given_back(terminal)


def test_it_is_drawn_again_in_every_round_with_the_numbers_and_no_line_below_the_screen(
    stage: TopStage,
) -> None:
    with _top(stage) as terminal:
        # The first screens may be drawn before the agent has answered; the sum is below all pods.
        terminal.read_until(b"300Mi")
        seen = len(terminal.written)
        terminal.read_until(b"? help", after=seen)
        seen = len(terminal.written)
        terminal.read_until(b"300Mi", after=seen)
        terminal.press(b"q")
        terminal.end()
    text = _shown(terminal.written)
    assert "? help  q quits" in text
    assert re.search(r"sandbox-2 +200Mi", text)
    assert re.search(r"2 pods +300Mi", text)


def test_another_size_is_honoured_at_once(stage: TopStage) -> None:
    with _top(stage, columns=150) as terminal:
        terminal.read_until(b"LAST MIN")
        seen = len(terminal.written)
        terminal.resize(60, 12)
        terminal.read_until(b"too narrow", after=seen)
        terminal.read_until(b"limit", after=seen)
        terminal.press(b"q")
        assert terminal.end() == 0


def test_colours_are_there_unless_they_are_not_wanted(stage: TopStage) -> None:
    colour = re.compile(rb"\x1b\[[0-9;]*3[0-7]m")
    with _top(stage) as terminal:
        terminal.read_until(b"sandbox-2")
        terminal.press(b"q")
        terminal.end()
        assert colour.search(terminal.written)
    with _top(stage, NO_COLOR="1") as terminal:
        terminal.read_until(b"sandbox-2")
        terminal.press(b"q")
        terminal.end()
        assert not colour.search(terminal.written)


def test_a_terminal_that_cannot_write_our_signs_gets_ascii(stage: TopStage) -> None:
    with _top(stage, PYTHONIOENCODING="ascii") as terminal:
        terminal.read_until(b"sandbox-2")
        terminal.press(b"q")
        assert terminal.end() == 0
        assert terminal.written.isascii()


def test_after_its_rounds_it_ends_by_itself_and_leaves_the_last_page(stage: TopStage) -> None:
    # Ten seconds for a round: a busy machine's agent has answered by then.
    with _top(stage, "--rounds", "2", "--interval", "10") as terminal:
        before = terminal.settings
        assert terminal.end() == 0
        assert terminal.settings == before
        _given_back(terminal)
    left = _shown(terminal.written.rpartition(LEAVE_SCREEN)[2])
    assert re.search(r"sandbox-2 +200Mi", left)


def test_one_round_on_a_terminal_takes_no_screen(stage: TopStage) -> None:
    with _top(stage, "--once") as terminal:
        assert terminal.end() == 0
    assert ENTER_SCREEN not in terminal.written
    assert re.search(r"sandbox-2 +200Mi", _shown(terminal.written))


def test_a_terminal_that_can_do_nothing_gets_one_round(stage: TopStage) -> None:
    with _top(stage, TERM="dumb") as terminal:
        assert terminal.end() == 0
    assert b"\x1b" not in terminal.written


def test_what_cannot_be_asked_at_all_is_said_after_the_screen_was_left(stage: TopStage) -> None:
    with _top(stage, "-n", "UPPER/case") as terminal:
        before = terminal.settings
        assert terminal.end() == 2
        assert terminal.settings == before
    with _top(stage, "--context", "nowhere") as terminal:
        assert terminal.end() == 1


def test_a_server_that_refuses_is_told_after_the_screen_was_left(stage: TopStage) -> None:
    stage.live.state.fault(Fault("/api/v1/namespaces/deer-flow/pods", status=403, times=None))
    try:
        with _top(stage) as terminal:
            before = terminal.settings
            assert terminal.end() == 1
            assert terminal.settings == before
            _given_back(terminal)
    finally:
        stage.live.state.faults.clear()
    assert b"memcollect: " in terminal.written.rpartition(LEAVE_SCREEN)[2]


@pytest.mark.parametrize(
    ("sent", "names"),
    [
        (b"q", ["q"]),
        (b"jq", ["j", "q"]),
        (b"\x1b", ["escape"]),
        (b"\x1b[A\x1bOB", ["up", "down"]),
        (b"\x1b[5~\x1b[6;5~", ["page-up", "page-down"]),
        (b"\x1b[1~\x1b[F", ["home", "end"]),
        (b"\r\x7f\x03", ["enter", "backspace", "interrupt"]),
        ("ä/".encode(), ["ä", "/"]),
        (b"\x1bOq", []),
        (b"\x1bq", []),
        (b"\x1b[<65;10;10M", []),
        (b"\x1b[24~x", ["x"]),
        (b"\xff", []),
        (b"", ["interrupt"]),
    ],
)
def test_keys_have_names_and_what_has_none_ends_nothing(sent: bytes, names: list[str]) -> None:
    assert named(sent) == names


@given(st.binary(max_size=40))
def test_any_bytes_are_keys_or_nothing(sent: bytes) -> None:
    assert all(len(name) == 1 or name.isascii() for name in named(sent))


def test_a_pod_is_selected_opened_read_in_full_and_left_again(stage: TopStage) -> None:
    with _top(stage) as terminal:
        terminal.read_until(b"100Mi")
        terminal.press(b"\x1b[B")
        seen = len(terminal.written)
        terminal.press(b"\r")
        terminal.read_until(b"From the processes to kubectl top", after=seen)
        terminal.read_until(b"Ctrl-C ends", after=terminal.written.rindex(b"From the processes"))
        assert "100.0 MiB" in _shown(terminal.written[seen:])
        seen = len(terminal.written)
        terminal.press(b"q")
        terminal.read_until(b"WORKSET", after=seen)
        terminal.press(b"q")
        assert terminal.end() == 0
        _given_back(terminal)


def test_a_filter_is_typed_and_holds(stage: TopStage) -> None:
    with _top(stage) as terminal:
        terminal.read_until(b"sandbox-2")
        terminal.press(b"/box-2\r")
        terminal.read_until(b"1 of 2 pods")
        seen = len(terminal.written)
        terminal.press(b"?")
        terminal.read_until(b"filter by a part of the name", after=seen)
        terminal.press(b"q")
        terminal.read_until(b"1 of 2 pods", after=seen)
        seen = len(terminal.written)
        terminal.press(b"\x1b")
        terminal.read_until(b"2 pods on 1 node", after=seen)
        terminal.press(b"q")
        assert terminal.end() == 0


def test_sorting_grouping_and_a_pause_are_seen(stage: TopStage) -> None:
    with _top(stage) as terminal:
        terminal.read_until(b"by working set")
        for key, seen in (
            (b"s", b"by growth"),
            (b"r", b"reversed"),
            (b"g", b"node-1: 2 pods"),
            (b"p", b"PAUSED"),
        ):
            terminal.press(key)
            terminal.read_until(seen)
        terminal.press(b"q")
        assert terminal.end() == 0


def test_an_unforeseen_error_is_said_after_the_screen_was_left(tmp_path: Path) -> None:
    program = tmp_path / "broken.py"
    program.write_text(
        textwrap.dedent("""
            import sys
            from memcollect.commands import screen

            class Broken:
                state, over = 0, False

                def press(self, key):
                    pass

                def lines(self, width, height):
                    raise RuntimeError("a fault of ours")

            screen.show(Broken())
        """)
    )
    with on_terminal([sys.executable, str(program)], _environment()) as terminal:
        before = terminal.settings
        assert terminal.end() == 1
        assert terminal.settings == before
    assert b"a fault of ours" in terminal.written.rpartition(LEAVE_SCREEN)[2]
    assert terminal.written.rindex(SHOW_CURSOR) > terminal.written.rindex(HIDE_CURSOR)


def test_ctrl_z_does_not_leave_a_shell_with_our_screen(stage: TopStage) -> None:
    with _top(stage) as terminal:
        terminal.read_until(b"sandbox-2")
        terminal.press(b"\x1a")
        seen = len(terminal.written)
        terminal.read_until(b"sandbox-2", after=seen)
        terminal.press(b"q")
        assert terminal.end() == 0
