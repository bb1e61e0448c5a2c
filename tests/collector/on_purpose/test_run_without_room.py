"""A disk that fills up in a run, two runs into one new directory: nothing is lost, nothing is left."""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from memcollect.commands.run import run
from memcollect.documents.bundle import read_bundle
from worlds import children
from worlds.children import Child
from worlds.live_cluster import command_of, environment
from worlds.profile_stage import POD, SMALL_PLAN, staged

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("number", [2, 9])
def test_a_full_disk_in_a_run_is_one_sentence_and_with_room_the_run_is_whole(
    number: int, tmp_path: Path
) -> None:
    """Before the manifest is there, and while sandboxes are."""
    env = environment(PYTHONPATH=os.pathsep.join([str(ROOT / "tests"), str(ROOT)]))
    with staged(tmp_path) as (stage, options):
        (tmp_path / "pod.yaml").write_text(POD)
        (tmp_path / "plan.toml").write_text(SMALL_PLAN)
        directory = tmp_path / "run"
        words = ["profile", str(tmp_path / "plan.toml"), "-o", str(directory), *options]
        filled = children.run([sys.executable, "-m", "worlds.filling", str(number), *words], env=env)
        assert (filled.returncode, stage.pods()) == (1, []), filled.stderr
        assert "Traceback" not in filled.stderr
        assert "Free some space" in filled.stderr.splitlines()[-1]
        if directory.exists():
            words = ["profile", "--resume", str(directory), *options]
        assert run(words, "memcollect") == 0
    bundle = read_bundle(str(directory))
    assert ([each.status for each in bundle.manifest.phases], bundle.problems) == (["ok"], [])


def test_of_two_runs_into_one_new_directory_one_is_refused_and_asks_for_no_sandbox(tmp_path: Path) -> None:
    with staged(tmp_path) as (stage, options):
        (tmp_path / "pod.yaml").write_text(POD)
        (tmp_path / "plan.toml").write_text(SMALL_PLAN)
        words = ["profile", str(tmp_path / "plan.toml"), "-o", str(tmp_path / "run"), *options]
        with ExitStack() as stack:
            started = [
                stack.enter_context(Child(command_of(words), env=environment(), stderr=subprocess.PIPE))
                for _ in range(2)
            ]
            said = [each.communicate()[1] for each in started]
        (won, _), (lost, why) = sorted(zip((each.returncode for each in started), said, strict=True))
        assert (won, lost) == (0, 2)
        assert f"{tmp_path / 'run'} exists" in why
        assert (len(stage.made), stage.pods()) == (1, [])
    assert read_bundle(str(tmp_path / "run")).problems == []


def test_a_directory_that_holds_no_run_is_not_said_to_be_resumable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with staged(tmp_path) as (_, options):
        (tmp_path / "pod.yaml").write_text(POD)
        (tmp_path / "plan.toml").write_text(SMALL_PLAN)
        (tmp_path / "run").mkdir()
        words = ["profile", str(tmp_path / "plan.toml"), "-o", str(tmp_path / "run"), *options]
        assert run(words, "memcollect") == 2
    said = capsys.readouterr().err
    assert "no run is in it" in said
    assert "resume" not in said
