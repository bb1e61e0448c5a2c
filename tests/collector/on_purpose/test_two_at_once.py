"""Two collectors that write one file at the same time: one of them stands there, whole, and both say so."""

import subprocess
from contextlib import ExitStack
from pathlib import Path

from memcollect.documents.files import read_snapshot
from worlds.children import Child
from worlds.live_cluster import command_of, environment
from worlds.local_tree import make_machine


def both(tmp_path: Path, *more: str) -> list[tuple[int, str]]:
    options = make_machine(tmp_path / "machine")
    place = tmp_path / "place"
    place.mkdir()
    command = command_of(["snapshot", *options[1:], "--format", "json", "-o", str(place / "s.json"), *more])
    with ExitStack() as stack:
        started = [
            stack.enter_context(Child(command, env=environment(), stderr=subprocess.PIPE)) for _ in range(2)
        ]
        said = [each.communicate()[1] for each in started]
    assert [path.name for path in place.iterdir()] == ["s.json"]
    assert len(read_snapshot(str(place / "s.json")).pods) > 0
    return sorted((each.returncode, text) for each, text in zip(started, said, strict=True))


def test_one_of_two_writes_and_the_other_is_refused(tmp_path: Path) -> None:
    (won, _), (lost, said) = both(tmp_path)
    assert (won, lost) == (0, 2)
    assert "s.json exists" in said


def test_of_two_that_replace_one_file_one_stands_whole(tmp_path: Path) -> None:
    assert [code for code, _ in both(tmp_path, "--force")] == [0, 0]
