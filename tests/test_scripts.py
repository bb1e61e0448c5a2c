"""What the scripts behind `make` say on a machine that lacks something: one sentence with the remedy."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from memcollect.commands import COMMANDS
from worlds.children import run

ROOT = Path(__file__).parents[1]
TOOLS = ("sh", "cat", "date", "dirname", "env", "rm", "sed", "tail")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with a shell's tools alone, to which a test adds its own."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (programs / tool).symlink_to(found)
    add(programs, "id", "echo 1000")
    monkeypatch.setenv("PATH", str(programs))
    return programs


def add(programs: Path, name: str, script: str) -> None:
    (programs / name).write_text(f"#!/bin/sh\n{script}\n")
    (programs / name).chmod(0o755)


def script(name: str, *words: str | Path) -> "subprocess.CompletedProcess[str]":
    return run(["/bin/sh", ROOT / "scripts" / name, *words])


def test_without_root_the_command_to_run_as_root_is_named(machine: Path) -> None:
    add(machine, "apt-get", "exit 1")
    done = script("debian-packages", "node")
    assert (done.returncode, done.stderr) == (1, "as root, run: apt-get install nodejs\n")


@pytest.mark.usefixtures("machine")
def test_on_another_distribution_the_packages_are_named() -> None:
    done = script("debian-packages", "node")
    assert done.returncode == 1
    assert done.stderr == "these are needed and this is no Debian machine, please install them: nodejs\n"


def test_what_is_there_needs_neither_root_nor_debian(machine: Path) -> None:
    add(machine, "node", "")
    done = script("debian-packages", "node")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.usefixtures("machine")
def test_a_set_that_no_one_knows_is_refused() -> None:
    done = script("debian-packages", "nothing")
    assert (done.returncode, done.stderr) == (2, "debian-packages: no set is called nothing\n")


def test_a_python_that_is_too_old_is_named_with_the_remedy(machine: Path, tmp_path: Path) -> None:
    add(machine, "python3", '[ "$1" = -V ] && echo "Python 3.9.2"; exit 1')
    done = script("make-venv", "python3", tmp_path / "venv", "demo")
    assert done.returncode == 1
    assert done.stderr == (
        "memcollect needs Python 3.11 or later; python3 is Python 3.9.2. Try: make PYTHON=python3.11 …\n"
    )
    assert not (tmp_path / "venv").exists()


def test_without_a_network_pips_reason_is_given_and_where_to_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    programs = tmp_path / "venv" / "bin"
    programs.mkdir(parents=True)
    add(programs, "python", f'exec {sys.executable} "$@"')
    add(programs, "pip", f'exec {sys.executable} -m pip "$@"')
    done = script("make-venv", sys.executable, tmp_path / "venv", "demo")
    assert done.returncode == 1
    began, said = done.stderr.splitlines()
    assert began.startswith("installing memcollect[demo] into ")
    assert said.startswith(
        "pip could not install memcollect[demo]: No matching distribution found for hatchling>=1.24. "
        "Look at the network and at pip's index and proxy ("
    )


def test_a_manual_page_is_made_of_the_program_and_of_each_command(tmp_path: Path) -> None:
    made = run([sys.executable, ROOT / "scripts" / "make-man", tmp_path])
    assert (made.returncode, made.stdout) == (0, f"{len(COMMANDS) + 1} manual pages in {tmp_path}\n")
    pages = {file.stem: file.read_text() for file in tmp_path.glob("*.1")}
    assert set(pages) == {"memcollect", *(f"memcollect-{name}" for name in COMMANDS)}
    macros = {"TH", "SH", "PP", "SS", "TP", "nf", "fi", "B"}
    for name, text in pages.items():
        requests = {line[1:].split(" ")[0] for line in text.splitlines() if line.startswith((".", "'"))}
        assert requests <= macros, name
        assert ".SH OPTIONS" in text
    assert r"\fB\-\-include\-processes\fR" in pages["memcollect-snapshot"]
    assert ".SH EXAMPLES\n.PP\n.nf\n" in pages["memcollect-snapshot"]


def test_the_manual_pages_are_what_groff_takes_without_a_warning(tmp_path: Path) -> None:
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("groff is not here")
    assert run([sys.executable, ROOT / "scripts" / "make-man", tmp_path]).returncode == 0
    for file in sorted(tmp_path.glob("*.1")):
        shown = run([groff, "-man", "-ww", "-Tutf8", "-K", "utf8", file])
        assert (shown.returncode, shown.stderr) == (0, ""), file.name
