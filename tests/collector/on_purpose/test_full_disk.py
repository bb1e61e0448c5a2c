"""A disk without room, for whole commands: one sentence, exit 1, and what stood there stays."""

import os
import sys
from pathlib import Path

import pytest

from memcollect.reporters import json
from worlds import children, sample_snapshots
from worlds.archives import Asked
from worlds.live_cluster import environment
from worlds.local_tree import make_machine

LIMIT_KIB = 1
"""What a file may hold: as on a full disk, and without root's rights to mount a small one."""


def without_room(*arguments: str, limit_kib: int = LIMIT_KIB) -> tuple[int, str]:
    limited = ["sh", "-c", f'ulimit -f {2 * limit_kib}; exec "$@"', "sh", sys.executable, "-m", "memcollect"]
    done = children.run([*limited, *arguments], env=environment())
    return done.returncode, done.stderr


@pytest.mark.parametrize("command", ["snapshot", "record", "export", "redact"])
def test_a_command_whose_file_does_not_fit_says_so_and_leaves_what_was_there(
    command: str, tmp_path: Path
) -> None:
    options = make_machine(tmp_path / "machine")
    saved = tmp_path / "saved.json"
    saved.write_text(json.render(sample_snapshots.snapshot(sample_snapshots.pod("one"))))
    place = tmp_path / "place"
    place.mkdir()
    (place / "out").write_text("old")
    written = ["-o", str(place / "out"), "--force"]
    arguments = {
        "snapshot": ["--format", "json", *options[1:], *written],
        "record": [*options[2:], *written],
        "export": [str(saved), "-o", str(tmp_path / "archive")],
        "redact": [str(saved), *written],
    }
    code, said = without_room(command, *arguments[command])
    assert code == 1, said
    assert "Traceback" not in said
    assert "Free some space" in said
    assert [path.name for path in place.iterdir()] == ["out"]
    assert (place / "out").read_text() == "old"
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_piped_snapshot_that_has_no_room_to_be_kept_is_told_by_that_place(tmp_path: Path) -> None:
    saved = json.render(sample_snapshots.snapshot(sample_snapshots.pod("one")))
    limited = f'ulimit -f {2 * LIMIT_KIB}; exec "$@"'
    words = [sys.executable, "-m", "memcollect", "export", "-", "-o", str(tmp_path / "archive")]
    done = children.run(
        ["sh", "-c", limited, "sh", *words], input=saved, env=environment(TMPDIR=str(tmp_path))
    )
    assert done.returncode == 1
    assert f"standard input could not be kept in {tmp_path} while it is read: File too large." in done.stderr


def test_an_export_tells_what_it_added_before_there_was_no_room(tmp_path: Path) -> None:
    small, large = tmp_path / "small.json", tmp_path / "large.json"
    small.write_text(json.render(sample_snapshots.snapshot(sample_snapshots.pod("one"))))
    noise = os.urandom(500_000).hex()
    large.write_text(json.render(sample_snapshots.snapshot(sample_snapshots.pod("two", verdict=noise))))
    archive = Asked(tmp_path / "archive")
    code, said = without_room("export", str(small), str(large), "-o", str(archive.directory), limit_kib=64)
    assert code == 3
    added, why = said.splitlines()
    assert added == f"memcollect: 1 snapshot with 1 pod and 3 containers added to {archive.directory}"
    assert "Free some space and export again: what is in it is unchanged." in why
    assert archive.rows("SELECT pod FROM pods") == [("one",)]
