from pathlib import Path

import msgspec
import pytest

from memcollect.commands.run import run
from memcollect.documents.files import read_snapshot
from worlds import local_tree


@pytest.fixture
def machine(tmp_path: Path) -> list[str]:
    return local_tree.make_machine(tmp_path / "machine")


def test_a_pod_of_this_machine_is_measured_named_and_explained(
    machine: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*machine, "--sample", "after-python"], "memcollect") == 0
    text = capsys.readouterr().out
    assert "deer-flow/sandbox-1" in text
    assert "after-python" in text
    assert "40 MiB of 56 MiB is private memory" in text


def test_the_document_holds_what_was_asked_for(machine: list[str], tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    assert run([*machine, "--format", "json", "-o", str(path), "--include-processes"], "memcollect") == 0
    snapshot = read_snapshot(str(path))
    (container,) = snapshot.pods[0].containers
    assert (container.name, container.id) == ("aio", local_tree.CONTAINER_ID)
    assert [process.pid for process in container.processes] == [local_tree.PID]
    assert snapshot.scope.processes


def test_processes_are_listed_only_when_asked_for(
    machine: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    run([*machine, "--format", "json"], "memcollect")
    document = msgspec.json.decode(capsys.readouterr().out)
    assert document["pods"][0]["containers"][0]["processes"] == []


def test_a_pattern_that_matches_nothing_is_missing_and_the_exit_code_says_so(
    machine: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*machine, "--match", "sandbox-*", "--match", "nobody"], "memcollect") == 3
    output = capsys.readouterr()
    assert "deer-flow/sandbox-1" in output.out
    assert "request nobody" in output.out
    assert "1 asked for and not measured" in output.err


def test_an_option_can_come_from_the_environment(
    machine: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMCOLLECT_SAMPLE", "from-the-environment")
    monkeypatch.setenv("MEMCOLLECT_FORMAT", "markdown")
    assert run(machine, "memcollect") == 0
    assert capsys.readouterr().out.startswith("# Memory of `from-the-environment`\n")


def test_the_demo_hands_over_its_own_top(
    machine: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tops = tmp_path / "tops.json"
    tops.write_text(f'{{"{local_tree.CONTAINER_ID}": {{"timestamp": 1.5, "memory_bytes": 58720256}}}}')
    assert run([*machine, "--top-file", str(tops), "--format", "json"], "memcollect") == 0
    top = msgspec.json.decode(capsys.readouterr().out)["pods"][0]["top"]
    assert (top["source"], top["timestamp"], top["memory_bytes"]) == ("demo", 1.5, 58720256)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--process-limit", "0"], "--process-limit"),
        (["--timeout", "0"], "--timeout"),
        (["--format", "yaml"], "--format"),
        (["--no-such-option"], "--no-such-option"),
        (["-o", "no/such/directory/f.json"], "no/such/directory does not exist"),
        (["-o", "."], "is a directory"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(
    arguments: list[str], words: str, machine: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*machine, *arguments], "memcollect") == 2
    output = capsys.readouterr()
    assert words in output.err
    assert output.out == ""


def test_an_existing_file_is_refused_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "old.json"
    path.write_text("old")
    arguments = ["snapshot", "--local", "--cgroup-root", "/nowhere", "-o", str(path)]
    assert run(arguments, "memcollect") == 2
    assert "overwrite it with --force" in capsys.readouterr().err
    assert path.read_text() == "old"


def test_force_overwrites(machine: list[str], tmp_path: Path) -> None:
    path = tmp_path / "old.txt"
    path.write_text("old")
    assert run([*machine, "-o", str(path), "--force"], "memcollect") == 0
    assert "deer-flow/sandbox-1" in path.read_text()


def test_a_machine_without_cgroup_v2_gets_one_sentence_and_the_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("memory", "unified"):
        (tmp_path / name).mkdir()
    assert run(["snapshot", "--local", "--cgroup-root", str(tmp_path)], "memcollect") == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "cgroup v1" in error
    assert "memcollect demo" in error


def test_a_name_that_is_not_utf_8_becomes_visible(
    machine: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*machine, "--sample", "caf\udce9", "--format", "json"], "memcollect") == 0
    assert msgspec.json.decode(capsys.readouterr().out)["sample"] == r"caf\xe9"


def test_verbose_says_what_it_cost_on_standard_error(
    machine: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*machine, "-v"], "memcollect") == 0
    output = capsys.readouterr()
    assert "measured 1 in" in output.err
    assert "of CPU" not in output.out
