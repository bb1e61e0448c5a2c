"""`memcollect explain` without an argument: on a terminal it asks, elsewhere it is wrong usage."""

import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from memcollect.commands.choosing import MOST_SHOWN, choose_pod, saved_snapshots
from memcollect.commands.run import run
from memcollect.documents.snapshot import Snapshot
from memcollect.reporters import json
from memcollect_agent.wire import Cgroup
from worlds import sample_snapshots as samples
from worlds.terminal import Terminal, on_terminal

COMMAND = [sys.executable, "-m", "memcollect", "explain"]
INTERRUPTED = 130
COLUMNS = 80
LISTED = re.compile(
    rb" 1  newer\.json .* 2  older\.json .* 0  all .* 1  deer-flow/large .* 2  deer-flow/small ", re.DOTALL
)
"""The newest snapshot first, then all pods, then the largest."""
WHICH_SNAPSHOT, WHICH_POD = b"Which snapshot [1]:", b"Which pod [0]:"


def two_pods() -> Snapshot:
    """A small pod, and a larger one behind it."""
    small, large = (
        samples.pod(name, uid=name, cgroup=Cgroup(path=f"/{name}", inode=1, current_bytes=current))
        for name, current in (("small", 1 << 20), ("large", 300 << 20))
    )
    return samples.snapshot(small, large)


def namesakes() -> Snapshot:
    """Two pods of one name in different namespaces."""
    return samples.snapshot(
        *(msgspec.structs.replace(pod, name="web", namespace=pod.name) for pod in two_pods().pods)
    )


def save(path: Path, age_seconds: int, snapshot: Snapshot | None = None) -> None:
    path.write_text(json.render(snapshot or two_pods()), encoding="utf-8")
    os.utime(path, (1_700_000_000 - age_seconds,) * 2)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: two snapshots, and files that are none."""
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "newer.json", 10)
    save(tmp_path / "older.json", 20)
    (tmp_path / "notes.txt").write_text("{}")
    (tmp_path / "cut.json").write_text('{"schema_version": 2,')
    os.mkfifo(tmp_path / "pipe.json")
    return tmp_path


@contextmanager
def asked(*options: str) -> Iterator[Terminal]:
    inherited = {name: value for name, value in os.environ.items() if name not in {"LINES", "COLUMNS"}}
    with on_terminal(
        [*COMMAND, *options], inherited | {"PAGER": "cat"}, columns=COLUMNS, lines=24
    ) as terminal:
        yield terminal


def answer(terminal: Terminal, question: bytes, typed: bytes) -> None:
    before = len(terminal.written)
    terminal.read_until(question, 0 if question not in terminal.written else before)
    terminal.press(typed)


def rows(written: bytes) -> list[str]:
    return written.decode().replace("\r\n", "\n").splitlines()


def test_a_name_that_two_namespaces_have_is_asked_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("web\nsmall/web\n"))
    assert choose_pod(namesakes().pods) == "small/web"
    assert "2 pods are called web" in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_a_number_or_a_name_chooses_what_is_neither_is_asked_again() -> None:
    with asked("--format", "json") as terminal:
        answer(terminal, WHICH_SNAPSHOT, b"3\r")
        terminal.read_until(b"Type a number from 1 to 2, or a name")
        terminal.press(b"older.json\r")
        answer(terminal, WHICH_POD, b"1\r")
        assert terminal.end() == 0
    assert LISTED.search(terminal.written)
    _, _, document = terminal.written.partition(
        b"next time: memcollect explain older.json deer-flow/large\r\n"
    )
    (pod,) = msgspec.json.decode(document[document.index(b"{") :], type=Snapshot).pods
    assert pod.uid == "large"


def test_ctrl_c_leaves_it_and_names_of_strangers_are_shown_and_not_obeyed(here: Path) -> None:
    hostile = [
        msgspec.structs.replace(pod, name=samples.HOSTILE, namespace=pod.name) for pod in two_pods().pods
    ]
    save(here / "e\x1b[31mvil\n.json", 0, samples.snapshot(*hostile))
    with asked() as terminal:
        before = terminal.settings
        answer(terminal, WHICH_SNAPSHOT, b"\r")
        terminal.read_until(WHICH_POD + b" ")
        terminal.interrupt()
        assert terminal.end() == INTERRUPTED
        assert terminal.settings == before
    assert rb"e\x1b[31mvil\n.json" in terminal.written
    assert rb"large/a\x1b[31mre" in terminal.written
    assert b"\x1b[31m" not in terminal.written
    assert rows(terminal.written)[-1].endswith("memcollect: interrupted.")


def test_where_no_snapshot_is_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with asked() as terminal:
        assert terminal.end() == 2
    assert b"No saved snapshot is in this directory." in terminal.written


@pytest.mark.usefixtures("here")
def test_what_has_no_effect_on_a_snapshot_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "--context", "lab"], "memcollect") == 2
    assert "no effect on a saved snapshot" in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_without_a_terminal_it_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain"], "memcollect") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Name a saved snapshot or a pod: memcollect explain FILE" in captured.err


def test_at_most_so_many_are_listed_the_newest_first(tmp_path: Path) -> None:
    for number in range(MOST_SHOWN + 5):
        save(tmp_path / f"{number:02}.json", number)
    found = saved_snapshots(str(tmp_path))
    assert [saved.name for saved in found] == [f"{number:02}.json" for number in range(MOST_SHOWN)]


def test_only_the_head_is_read_however_it_is_laid_out(tmp_path: Path) -> None:
    written = json.render(two_pods())
    (tmp_path / "compact.json").write_bytes(msgspec.json.format(written.encode(), indent=-1))
    (tmp_path / "cut.json").write_text(written[:1000])
    (tmp_path / "dangling.json").symlink_to("nowhere")
    names = {saved.name for saved in saved_snapshots(str(tmp_path))}
    assert names == {"compact.json", "cut.json"}


def test_a_directory_that_cannot_be_read_has_none(tmp_path: Path) -> None:
    assert saved_snapshots(str(tmp_path / "nowhere")) == []
