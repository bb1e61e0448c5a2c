"""A sign of life while the program computes."""

import os
import subprocess
import sys

from worlds import children
from worlds.terminal import on_terminal

PROGRAM = """
import sys, time
from memcollect.commands.heartbeat import heartbeat
with heartbeat("laying out 5000 pods", silent={silent}):
    if {waits}: sys.stdin.readline()
print("the result")
"""


def _program(*, silent: float, waits: bool) -> list[str]:
    return [sys.executable, "-c", PROGRAM.format(silent=silent, waits=waits)]


def test_what_takes_long_says_each_second_that_it_goes_on_and_leaves_nothing() -> None:
    with on_terminal(_program(silent=0.01, waits=True), os.environ, columns=80, lines=24) as terminal:
        terminal.read_until(b"memcollect: laying out 5000 pods, 1 s ")
        terminal.read_until(b"memcollect: laying out 5000 pods, 2 s ")
        terminal.press(b"\n")
        assert terminal.end() == 0
    assert terminal.written.endswith(b"\r\x1b[Kthe result\r\n")


def test_what_is_soon_done_says_nothing() -> None:
    with on_terminal(_program(silent=600, waits=False), os.environ, columns=80, lines=24) as terminal:
        assert terminal.end() == 0
    assert terminal.written == b"the result\r\n"


def test_without_a_terminal_nothing_is_said() -> None:
    ran = children.run(_program(silent=0.0, waits=True), stdin=subprocess.DEVNULL)
    assert (ran.stdout, ran.stderr) == ("the result\n", "")
