"""A read that does not come back costs its own file, and what else there is to do goes on."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from memcollect_agent.errors import HangingError, StalledError
from memcollect_agent.read import files, hanging
from memcollect_agent.read.hanging import Watch, reading
from worlds.waiting import PATIENCE, wait_until

SOON = 0.2
"""Seconds: many times what a read of a pipe takes that has something."""


class Pipes:
    """Named pipes whose reads block in the kernel for as long as nobody writes."""

    def __init__(self) -> None:
        self._ends: dict[str, tuple[int, int]] = {}
        self.touched: list[str] = []

    def read(self, path: str) -> str:
        """Wait for the pipe of that name, as a thread waits for the kernel; then note that it went on."""
        ends = self._ends.setdefault(path, os.pipe())
        with reading(path):
            os.read(ends[0], 1)
        self.touched.append(path)
        return path

    def let_go(self, *paths: str) -> None:
        for path in paths or tuple(self._ends):
            os.write(self._ends[path][1], b"x" * 16)


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    made = Pipes()
    yield made
    made.let_go()


def what_can_be_read(*reads: Callable[[], str]) -> list[str]:
    found = []
    for read in reads:
        try:
            found.append(read())
        except HangingError as error:
            found.append(str(error))
    return found


def test_what_is_whole_at_once_is_returned_and_leaves_nothing() -> None:
    watch = Watch(SOON)
    assert watch.run(lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        watch.run(lambda: 1 // 0)
    assert watch.watched(divmod)(7, 2) == (3, 1)
    assert (watch.hanging(), watch.exhausted()) == ("", "")


def test_work_is_begun_anew_without_the_file_that_hangs_until_it_comes_back(
    pipes: Pipes, caplog: pytest.LogCaptureFixture
) -> None:
    watch, given_up = Watch(SOON), []
    work = lambda: what_can_be_read(lambda: pipes.read("/a/x"), lambda: "the rest")  # noqa: E731
    with caplog.at_level(logging.WARNING):
        first, *others = watch.run(work, lambda: given_up.append(1))
        assert first.startswith("/a/x: a read of it has not come back for ")
        assert (others, given_up) == (["the rest"], [1])
        assert watch.hanging().startswith("a read of /a/x has not come back for ")
        assert watch.exhausted() == ""
        assert watch.run(work)[1:] == ["the rest"]
        pipes.let_go()
        wait_until(lambda: watch.hanging() == "")
    assert watch.run(work) == ["/a/x", "the rest"]
    assert pipes.touched == ["/a/x"], "the thread that was given up went on after its read"
    # The thread that came back says so after it is forgotten.
    wait_until(lambda: len(caplog.records) > 1)
    told = [record.getMessage().partition(" s: ")[2] for record in caplog.records]
    assert told == ["it is left out until it does", "it is read again"]


def test_of_a_directory_in_which_two_files_hang_no_file_is_read_but_directories_are(pipes: Pipes) -> None:
    watch = Watch(SOON)

    def work() -> list[str]:
        names = ("one", "two", "three")
        with reading("/a/b/.", alone=True), reading("/a/c", alone=True):
            pass
        return what_can_be_read(*(lambda name=name: pipes.read(f"/a/b/{name}") for name in names))

    assert [told.partition(": ")[2][:20] for told in watch.run(work)] == [
        "a read of it has not",
        "a read of it has not",
        "reads of 2 files bes",
    ]
    assert ", and 1 more has not" in watch.hanging()


def test_beyond_the_bound_nothing_is_begun_and_it_is_said(pipes: Pipes) -> None:
    watch, begun = Watch(SOON, most=2), []

    def work() -> None:
        begun.append(1)
        pipes.read(f"/{len(begun)}/x")

    with pytest.raises(StalledError, match=r"a read of /1/x has not .*, and 1 more has not: nothing is read"):
        watch.run(work)
    with pytest.raises(StalledError):
        watch.run(work)
    assert len(begun) == 2
    pipes.let_go("/2/x")
    wait_until(lambda: not watch.exhausted())
    assert watch.run(lambda: 7) == 7


def test_a_thread_that_computes_in_its_read_is_waited_for() -> None:
    begun: list[int] = []

    def work() -> int:
        begun.append(1)
        with reading("/proc/1/smaps_rollup"):
            until = time.monotonic() + 4.5
            while time.monotonic() < until:
                sum(range(500_000))
                time.sleep(0.05)
        return 3

    assert Watch(2.0).run(work) == 3
    assert begun == [1]


def test_a_thread_that_waits_and_reads_nothing_is_waited_for() -> None:
    begun, go = [], threading.Event()

    def work() -> bool:
        begun.append(1)
        return go.wait(3 * SOON)

    assert Watch(SOON).run(work) is False
    assert begun == [1]


def test_a_descriptor_that_is_opened_too_late_is_closed(
    tmp_path: Path, pipes: Pipes, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, got = os.open, []

    def late(name: str, flags: int, *, dir_fd: int | None = None) -> int:
        if threading.current_thread().name == "memcollect work":
            os.read(pipes._ends.setdefault("open", os.pipe())[0], 1)
        got.append(real(name, flags, dir_fd=dir_fd))
        return got[-1]

    monkeypatch.setattr(os, "open", late)
    watch = Watch(SOON)
    with pytest.raises(HangingError):
        watch.run(lambda: files.open_root(str(tmp_path)))
    pipes.let_go()
    wait_until(lambda: watch.hanging() == "")
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(got[0])


def test_where_there_is_no_watch_a_read_is_a_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("5\n")
    directory = files.open_root(str(tmp_path))
    try:
        assert files.read_record("file", directory, "file", 64) == b"5\n"
    finally:
        os.close(directory)
    assert hanging._here.attempt is None
    assert PATIENCE > hanging.HANGING_SECONDS * 2
