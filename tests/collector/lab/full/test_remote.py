"""Commands and files, with a stand-in for ssh that runs on this machine what it is to run in the guest."""

import os
import sys
from pathlib import Path

import pytest

from memcollect.lab.errors import LabError, TimeLimitError
from memcollect.lab.full.remote import Remote

REMOTE = Remote(port=2222, login="/nowhere/login", control="/nowhere/ssh")


@pytest.fixture(autouse=True)
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As ssh does, give the words after the options to a shell, joined."""
    script = "import subprocess, sys\nat = sys.argv.index('--')\n"
    script += "sys.exit(subprocess.call(['sh', '-c', ' '.join(sys.argv[at + 1:])]))\n"
    (tmp_path / "ssh.py").write_text(script)
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {tmp_path}/ssh.py "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def test_words_arrive_as_they_were_given() -> None:
    words = ["two words", "$HOME", "a'b", "*", ""]
    assert REMOTE.check(["printf", "%s\\n", *words]) == words


def test_a_command_that_fails_tells_what_it_said() -> None:
    with pytest.raises(LabError, match=r"in the guest sh -c .* ended with 3: no such thing"):
        REMOTE.check(["sh", "-c", "echo no such thing >&2; exit 3"])


def test_one_that_hangs_is_ended() -> None:
    with pytest.raises(TimeLimitError, match="not done within 1 s"):
        REMOTE.run(["sleep", "100"], 1)


def test_lines_and_complaints_are_kept_apart() -> None:
    lines: list[str] = []
    assert REMOTE.run(["sh", "-c", "echo one; echo oh >&2; echo two; exit 4"], 60, lines.append) == (
        4,
        ["oh"],
    )
    assert lines == ["one", "two"]


def test_trees_go_there_and_come_back_without_what_python_compiled(tmp_path: Path) -> None:
    tree = tmp_path / "package"
    (tree / "__pycache__").mkdir(parents=True)
    (tree / "__pycache__" / "code.pyc").write_text("compiled")
    (tree / "code.py").write_text("code")
    there = tmp_path / "there"
    REMOTE.put([(tree, "package"), (tree / "code.py", "alone.py")], str(there))
    assert sorted(str(each.relative_to(there)) for each in there.rglob("*")) == [
        "alone.py",
        "package",
        "package/code.py",
    ]
    REMOTE.fetch(str(there), tmp_path / "back")
    assert (tmp_path / "back" / "package" / "code.py").read_text() == "code"


def test_what_cannot_be_read_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="/nowhere/results could not be read"):
        REMOTE.fetch("/nowhere/results", tmp_path / "back")
