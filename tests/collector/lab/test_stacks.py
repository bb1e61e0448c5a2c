"""A run of the lab that hangs tells what its processes do, and what cannot be asked is left alone."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from memcollect.lab import stacks
from worlds.children import Child, lives
from worlds.waiting import wait_until

STUCK = """
import threading
def waits_for_nobody():
    print("there", flush=True)
    threading.Event().wait()
waits_for_nobody()
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    monkeypatch.setenv(stacks.VARIABLE, "")
    return stacks.prepare(tmp_path)


@pytest.fixture
def stuck(file: Path) -> Iterator[Child]:
    assert file.exists()
    with Child([sys.executable, "-c", STUCK], stdout=subprocess.PIPE) as child:
        assert child.line() == "there"
        yield child


def test_after_silence_it_is_told_where_each_process_waits(file: Path, stuck: Child) -> None:
    told: list[str] = []
    with stacks.Watch(told.append, file, 0.2, lambda: [stuck.pid]):
        wait_until(lambda: any("waits_for_nobody" in line for line in told))
    assert told[0] == "nothing was heard for 0 s; what the processes do:"
    assert told[1].startswith(f"{stuck.pid} ")
    assert lives(stuck.pid)


def test_while_lines_come_nothing_is_told_but_they(file: Path) -> None:
    told: list[str] = []
    with stacks.Watch(told.append, file, 3600.0) as watch:
        watch.heard("a line")
    assert told == ["a line"]


@pytest.mark.parametrize("words", [["-I", "-c", STUCK], ["-S", "-c", STUCK]])
def test_a_process_that_would_die_of_the_question_is_not_asked(file: Path, words: list[str]) -> None:
    with Child([sys.executable, *words], stdout=subprocess.PIPE) as child:
        assert child.line() == "there"
        (line,) = stacks.account([child.pid], file)
        assert line.startswith(f"{child.pid} ")
        assert lives(child.pid)


def test_one_that_has_ended_meanwhile_is_left_out(file: Path) -> None:
    with Child([sys.executable, "-c", ""]) as child:
        child.wait(60)
        assert list(stacks.account([child.pid], file)) == []
