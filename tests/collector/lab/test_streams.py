"""Lines of several pipes, as they come."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from memcollect.lab.errors import TimeLimitError
from memcollect.lab.streams import lines_of
from worlds import children
from worlds.waiting import PATIENCE


@contextmanager
def started(program: str) -> Iterator[tuple[children.Child, list[int]]]:
    """Start a program that writes to two pipes, whose descriptors are its arguments."""
    pipes = [os.pipe(), os.pipe()]
    writers = [pipe[1] for pipe in pipes]
    command = [sys.executable, "-c", program, *map(str, writers)]
    process = children.Child(command, pass_fds=writers)
    try:
        yield process, [pipe[0] for pipe in pipes]
    finally:
        process.kill()
        process.wait()
        for descriptor in (descriptor for pipe in pipes for descriptor in pipe):
            os.close(descriptor)


def test_lines_are_told_apart_and_the_last_needs_no_end() -> None:
    program = (
        "import os, sys; a, b = map(int, sys.argv[1:]);"
        r"os.write(a, b'one\r\ntw'); os.write(b, b'x\n'); os.write(a, b'o')"
    )
    with started(program) as (process, readers):
        assert sorted(lines_of(process, readers, 20)) == [(0, "one"), (0, "two"), (1, "x")]


def test_bytes_that_are_no_text_do_no_harm() -> None:
    with started("import os, sys; os.write(int(sys.argv[1]), b'\\xff\\x00\\n')") as (process, readers):
        assert list(lines_of(process, readers, 20)) == [(0, "\ufffd\x00")]


def test_a_silent_process_is_given_up_when_its_time_is_over() -> None:
    began = time.monotonic()
    silent = started("import time; time.sleep(120)")
    with silent as (process, readers), pytest.raises(TimeLimitError, match="not done within 1 s"):
        list(lines_of(process, readers, 1))
    assert time.monotonic() - began < PATIENCE


def test_a_process_that_writes_without_end_is_given_up_too() -> None:
    program = "import os, sys\nwhile True: os.write(int(sys.argv[1]), b'line\\n')"
    with started(program) as (process, readers), pytest.raises(TimeLimitError):
        for _ in lines_of(process, readers, 1):
            pass


def test_the_end_is_seen_though_a_child_holds_the_pipe_open() -> None:
    program = (
        "import subprocess, sys; fds = tuple(map(int, sys.argv[1:]));"
        "subprocess.Popen(['sleep', '40'], pass_fds=fds)"
    )
    began = time.monotonic()
    with started(program) as (process, readers):
        assert list(lines_of(process, readers, 2 * PATIENCE)) == []
    assert time.monotonic() - began < PATIENCE / 2
