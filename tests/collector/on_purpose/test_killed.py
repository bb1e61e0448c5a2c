"""`kill -9` of a command that writes: the old file or the new one stands there, and the next run succeeds."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from memcollect.commands.run import run
from memcollect.documents.bundle import read_bundle
from memcollect.documents.files import read_snapshot
from memcollect.recording.archive import read_recording
from memcollect.reporters import json
from worlds import children, sample_snapshots
from worlds.archives import Asked
from worlds.live_cluster import environment, memcollect
from worlds.local_tree import make_machine
from worlds.profile_stage import POD, SMALL_PLAN, staged

ROOT = Path(__file__).parents[3]


def dying(call: str, number: int, *arguments: str) -> int:
    """Run memcollect until its call of that number to `os.CALL`; return its exit code."""
    paths = os.pathsep.join([str(ROOT / "tests"), str(ROOT)])
    command = [sys.executable, "-m", "worlds.dying", call, str(number), *arguments]
    return children.run(command, env=environment(PYTHONPATH=paths)).returncode


@pytest.mark.parametrize(
    ("command", "call"), [("snapshot", "fsync"), ("snapshot", "link"), ("record", "replace")]
)
def test_what_stood_there_before_stays_and_the_next_run_writes(
    command: str, call: str, tmp_path: Path
) -> None:
    """Whether the file is to be replaced, or there was none."""
    options = make_machine(tmp_path / "machine")
    path = tmp_path / "out"
    force = [] if call == "link" else ["--force"]
    if force:
        path.write_text("old")
    arguments = ["-o", str(path), *options[2:]] if command == "record" else ["-o", str(path), *options[1:]]
    form = ["--format", "json"] if command == "snapshot" else []
    assert dying(call, 1, command, *arguments, *form, *force) == -signal.SIGKILL
    assert path.read_text() == "old" if force else not path.exists()
    assert run([command, *arguments, *form, *force], "memcollect") == 0
    read: Callable[[str], object] = read_snapshot if command == "snapshot" else read_recording
    read(str(path))


@pytest.mark.parametrize("number", [1, 9])
def test_an_archive_has_each_snapshot_once_whenever_its_export_was_killed(
    number: int, tmp_path: Path
) -> None:
    archive = Asked(tmp_path / "archive")
    names = []
    for pod in ("one", "two"):
        names.append(str(tmp_path / f"{pod}.json"))
        Path(names[-1]).write_text(json.render(sample_snapshots.snapshot(sample_snapshots.pod(pod))))
    arguments = ["export", *names, "-o", str(archive.directory)]
    assert dying("fsync", number, *arguments) == -signal.SIGKILL
    assert run(arguments, "memcollect") == 0
    assert archive.rows("SELECT pod FROM pods ORDER BY 1") == [("one",), ("two",)]


def test_a_profile_that_was_killed_goes_on_and_leaves_no_sandbox(tmp_path: Path) -> None:
    with staged(tmp_path) as (stage, options):
        (tmp_path / "pod.yaml").write_text(POD)
        (tmp_path / "plan.toml").write_text(SMALL_PLAN)
        directory = tmp_path / "run"
        arguments = ["profile", str(tmp_path / "plan.toml"), "-o", str(directory), *options]
        assert dying("fsync", 9, *arguments) == -signal.SIGKILL
        assert stage.made
        resumed = memcollect("profile", "--resume", str(directory), *options)
        assert (resumed.returncode, stage.pods()) == (0, []), resumed.stderr
    bundle = read_bundle(str(directory))
    assert [each.status for each in bundle.manifest.phases] == ["ok"]
    assert bundle.problems == []
