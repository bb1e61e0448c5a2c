"""Ctrl-C and SIGTERM while a command runs in a sandbox: what was found is kept, what was made is removed."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from memcollect.documents.bundle import read_bundle
from worlds import children, own_shell
from worlds.interfaces import interfaces
from worlds.live_cluster import command_of, environment
from worlds.profile_stage import POD, SMALL_PLAN, TEMPLATE, Stage, staged
from worlds.waiting import PATIENCE, wait_until

FAKE = Path(__file__).parents[2] / "worlds" / "fake_deerflow"
SOURCE = f"""
backend = "mine"
{TEMPLATE}[evidence]
command = [{sys.executable!r}]
"""
EVIDENCE = '[[phases]]\nname = "evidence"\ndo = "evidence"\nrows = ["Commands", "Files"]\ndriver = "{}"\n'


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, list[str]]]:
    with staged(tmp_path_factory.mktemp("stage")) as found:
        yield found


def words(way: str, driver: str, directory: Path) -> list[str]:
    """Return the command: by itself on a source, or a plan whose only phase it is."""
    if way == "evidence":
        (directory / "mine.toml").write_text(SOURCE)
        return ["evidence", str(directory / "mine.toml"), "--driver", driver, "--rows", "commands,files"]
    head, _, _ = SMALL_PLAN.partition("[[phases]]")
    phase = EVIDENCE.format(driver)
    (directory / "plan.toml").write_text(f"{head}[evidence]\ncommand = [{sys.executable!r}]\n{phase}")
    return ["profile", str(directory / "plan.toml")]


def checks(bundle: Path) -> dict[str, dict[str, Any]]:
    document = json.loads((bundle / "evidence" / "evidence.json").read_bytes())
    assert document.get("finished_at") is None
    return {f"{row['row']}/{c['name']}": c for row in document["rows"] for c in row["checks"]}


@pytest.mark.parametrize(
    ("driver", "way", "number"),
    [
        ("exec", "evidence", signal.SIGINT),
        ("aio", "profile", signal.SIGTERM),
        ("deerflow", "evidence", signal.SIGTERM),
    ],
)
def test_what_was_found_is_kept_and_what_was_made_is_removed(
    driver: str, way: str, number: signal.Signals, stage: tuple[Stage, list[str]], tmp_path: Path
) -> None:
    there, options = stage
    there.made.clear()
    (tmp_path / "pod.yaml").write_text(POD)
    (tmp_path / "deerflow").mkdir()
    shell, waits = own_shell.waiting(tmp_path)
    there.programs["sh"] = str(shell / "sh")
    variables = {**environment(), "PYTHONPATH": str(FAKE), "FAKE_DEERFLOW": str(tmp_path / "deerflow")}
    variables["PATH"] = own_shell.before_others(shell)["PATH"]
    out = tmp_path / "out"
    command = command_of([*words(way, driver, tmp_path), "-o", str(out), *options])
    with ExitStack() as stack:
        stack.enter_context(interfaces(there, tmp_path, variables))
        child = stack.enter_context(
            children.Child(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        )
        wait_until(waits.exists, 3 * PATIENCE)  # a whole command starts, and does some checks
        child.send_signal(number)
        page, said = child.communicate(timeout=3 * PATIENCE)  # what hangs is given its own time to be removed
    assert child.returncode == 130, said
    assert "Traceback" not in page + said
    assert "finishing with what has been measured" in said
    assert there.pods() == []
    assert driver == "deerflow" or there.made
    assert driver != "deerflow" or (tmp_path / "deerflow" / "shut-down").exists()
    wait_until(lambda: not children.lives(int(waits.read_text())))
    found = checks(out)
    assert found["Commands/stdout"]["verdict"] == found["Commands/utf-8"]["verdict"] == "as-expected"
    assert found["Commands/exit-7"]["verdict"] == found["Commands/killed"]["verdict"] == "not-tried"
    assert "interrupted" in found["Commands/exit-7"]["observed"]
    (phase,) = read_bundle(str(out)).manifest.phases
    assert phase.status == "interrupted"
    told = {each.name: each.detail for each in phase.missing}
    assert told["Files"] == "Files not tried: the run was broken off before it"
    assert not any(each.reason == "not-removed" for each in phase.missing)
    shown = (page or (out / "report.md").read_text()).replace("\n", " ")
    assert "the run was broken off before it" in " ".join(shown.split())
