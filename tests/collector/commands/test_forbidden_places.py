"""Where nobody may look: one sentence that says so, and no word of a mistake of the program."""

import ctypes
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from memcollect.reporters import json
from worlds import children
from worlds import compare_builders as build
from worlds import sample_snapshots as samples

PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2


def held_to_modes() -> None:
    """Take from root, once it begins a program, what lets it look everywhere; others have it not."""
    libc = ctypes.CDLL(None)
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def python(*words: str, cwd: Path, environ: Mapping[str, str] | None = None) -> CompletedProcess[str]:
    variables = {**os.environ, **(environ or {})}
    return children.run([sys.executable, *words], cwd=cwd, env=variables, preexec_fn=held_to_modes)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder with a snapshot, and in it `locked`, with a run that nobody may look at."""
    (tmp_path / "a.json").write_text(json.render(samples.snapshot()))
    locked = tmp_path / "locked"
    build.write(locked, build.good_pair()[0])
    locked.chmod(0o000)
    try:
        if python("-c", "import os; os.listdir('locked')", cwd=tmp_path).returncode == 0:
            pytest.skip("this machine lets root look everywhere, whatever it is told")
        yield tmp_path
    finally:
        locked.chmod(0o755)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["compare", "locked"], "locked cannot be read: Permission denied."),
        (["compare", "locked/x", "a.json"], "locked/x cannot be read: Permission denied."),
        (["evidence", "--show", "locked/x"], "locked/x cannot be read: Permission denied."),
        (["explain", "a.json", "-o", "locked/x"], "locked/x cannot be written: Permission denied."),
        (["explain", "a.json", "-o", "locked/in/x"], "locked/in/x cannot be written: Permission denied."),
        (["snapshot", "--local", "--root", "locked/x"], "locked/x cannot be read: Permission denied."),
        (["snapshot", "-A", "--kubeconfig", "locked/x"], "locked/x cannot be read: Permission denied."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_nobody_may_look_at_is_told_as_that(place: Path, words: list[str], told: str) -> None:
    done = python("-m", "memcollect", *words, cwd=place)
    assert done.returncode in {1, 2}
    assert done.stderr.startswith(f"memcollect: {told}")
    assert len(done.stderr.splitlines()) == 1


def test_a_home_of_somebody_else_has_no_settings_of_ours(place: Path) -> None:
    home = {"HOME": str(place / "locked"), "XDG_CONFIG_HOME": ""}
    done = python("-m", "memcollect", "explain", "a.json", cwd=place, environ=home)
    assert done.returncode == 0, done.stderr
    assert "deer-flow-sandbox" in done.stdout
    named = {"MEMCOLLECT_CONFIG": str(place / "locked/config.toml")}
    done = python("-m", "memcollect", "explain", "a.json", cwd=place, environ=named)
    assert done.returncode == 2
    assert "locked/config.toml cannot be read: Permission denied." in done.stderr
