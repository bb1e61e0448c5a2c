"""What `memcollect demo` says before it plays anything, and how it hands over what ran in its cluster."""

from pathlib import Path

import pytest

from memcollect.commands import demo as command
from memcollect.commands.run import run
from memcollect.documents.files import read_snapshot, write_document
from memcollect.lab import cluster, demo
from memcollect.lab.demo import Played, Ran
from memcollect.lab.demo_cluster import Runs
from memcollect.reporters import json
from worlds import sample_snapshots as samples


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[Runs | None]:
    """Stand for the demo, which boots a kernel: what it was asked for, in order."""
    asked: list[Runs | None] = []

    def run_demo(directory: Path, _say: object, _kernel: str | None, runs: Runs | None) -> Played:
        asked.append(runs)
        if runs is not None and runs.commands:
            return Played(ran=[Ran(output="1 ok\n", exit_code=code) for code in (0, 3, 1)])
        write_document(directory / "snapshot.json", [json.render(samples.snapshot()).encode()], force=False)
        return Played(snapshot=directory / "snapshot.json")

    monkeypatch.setattr(demo, "run_demo", run_demo)
    return asked


def test_the_document_says_whose_numbers_top_has(played: list[Runs | None], tmp_path: Path) -> None:
    target = tmp_path / "demo.json"
    assert run(["demo", "--pace", "real", "--format", "json", "-o", str(target)], "memcollect") == 0
    assert played == [Runs(directory=str(Path.cwd()), pace="real", columns=80)]
    note = read_snapshot(str(target)).notes[-1]
    assert "stand-in for API server and metrics-server" in note
    assert "as late as in a cluster" in note


def test_commands_run_in_the_cluster_and_the_first_failure_is_the_exit_code(
    played: list[Runs | None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["demo", "--run", "doctor", "--run", 'snapshot -l "a=b c"'], "memcollect") == 3
    (runs,) = played
    assert runs is not None
    assert runs.commands == [["doctor"], ["snapshot", "-l", "a=b c"]]
    assert capsys.readouterr().out == "1 ok\n" * 3


def test_an_empty_cluster_is_for_commands_that_fill_it(
    played: list[Runs | None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["demo", "--empty"], "memcollect") == 2
    assert "Add --run COMMAND" in capsys.readouterr().err
    assert run(["demo", "--empty", "--pace", "swift", "--run", "doctor"], "memcollect") == 3
    (runs,) = played
    assert runs is not None
    assert (runs.empty, runs.pace) == (True, "swift")


def test_without_the_clusters_libraries_it_says_so_and_plays_on_the_machine_alone(
    played: list[Runs | None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cluster, "NEEDED", ("websockets", "no_such_library"))
    assert run(["demo"], "memcollect") == 0
    assert played == [None]
    said = capsys.readouterr()
    assert "without no_such_library there is no cluster" in said.err
    assert "pip install 'memcollect[demo]'" in said.err
    assert " ".join(command.NOTE_LOCAL.split()) in " ".join(said.out.split())


def test_a_command_in_the_cluster_needs_its_libraries(
    played: list[Runs | None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cluster, "NEEDED", ("no_such_library",))
    assert run(["demo", "--run", "doctor"], "memcollect") == 2
    assert played == []
    assert "needs no_such_library" in capsys.readouterr().err


def test_a_command_line_that_cannot_be_read_is_told_at_once(
    played: list[Runs | None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["demo", "--run", "snapshot 'x"], "memcollect") == 2
    assert played == []
    assert "--run cannot be read: No closing quotation" in capsys.readouterr().err
