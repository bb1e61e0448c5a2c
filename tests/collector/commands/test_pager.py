"""Long reports on a terminal: through a pager, as git has it."""

import os
import sys
from pathlib import Path

import pytest

from memcollect.commands.run import run
from worlds import local_tree
from worlds.terminal import on_terminal

PAGED = b"-- by the pager --"


@pytest.fixture
def saved(tmp_path: Path) -> str:
    path = tmp_path / "saved.json"
    machine = local_tree.make_machine(tmp_path / "machine")
    assert run([*machine, "--format", "json", "-o", str(path)], "memcollect") == 0
    return str(path)


@pytest.fixture
def pager(tmp_path: Path) -> str:
    script = tmp_path / "pager"
    script.write_text(f"#!/bin/sh\ncat\necho '{PAGED.decode()}'\n")
    script.chmod(0o755)
    return str(script)


def shown(saved: str, lines: int, *more: str, **environment: str) -> bytes:
    command = [sys.executable, "-m", "memcollect", "explain", saved, "sandbox-1", *more]
    inherited = {name: value for name, value in os.environ.items() if name not in {"LINES", "COLUMNS"}}
    with on_terminal(command, inherited | environment, columns=80, lines=lines) as terminal:
        assert terminal.end() == 0
        return terminal.written


def test_what_does_not_fit_the_terminal_goes_through_the_pager(saved: str, pager: str) -> None:
    written = shown(saved, 10, PAGER=pager)
    assert b"deer-flow/sandbox-1" in written
    assert PAGED in written


def test_what_fits_is_printed(saved: str, pager: str) -> None:
    assert PAGED not in shown(saved, 500, PAGER=pager)


def test_our_own_variable_goes_before_everybodys_and_cat_is_none(saved: str, pager: str) -> None:
    assert PAGED in shown(saved, 10, PAGER="cat", MEMCOLLECT_PAGER=pager)
    assert PAGED not in shown(saved, 10, PAGER=pager, MEMCOLLECT_PAGER="cat")
    assert PAGED not in shown(saved, 10, PAGER=pager, MEMCOLLECT_PAGER="")


def test_a_pager_that_is_not_there_costs_nothing(saved: str) -> None:
    assert b"deer-flow/sandbox-1" in shown(saved, 10, PAGER="no-such-pager")


def test_full_has_the_evidence_that_one_screen_leaves_out(saved: str) -> None:
    evidence = b"file_mapped 4194304 \xe2\x88\x92 \xce\xa3"
    brief, full = (shown(saved, 500, *more, PAGER="cat") for more in ((), ("--full",)))
    assert full.count(evidence) > brief.count(evidence)
