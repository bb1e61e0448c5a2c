"""What is recorded: what was read and no more, masked, and only where a replay would tell the same."""

import shutil
from pathlib import Path

import pytest

from memcollect.commands.run import run
from memcollect.recording import taking
from memcollect.recording.archive import read_recording
from worlds import local_tree
from worlds.agent_trees import FIXTURES

SECRET = "hunter2secret"  # noqa: S105 -- what is to be masked


def recorded(tmp_path: Path, *arguments: str) -> dict[str, bytes]:
    path = tmp_path / "recording.tar.gz"
    assert run(["record", "-o", str(path), *arguments], "memcollect") == 0
    return dict(read_recording(str(path)).files)


@pytest.mark.parametrize(
    "command",
    [
        f"psql\0--password={SECRET}\0",
        f"curl\0-u\0bob:{SECRET}\0https://bob:{SECRET}@host/\0",
        f"sh\0-c\0TOKEN={SECRET} run\0",
        f"--token\0{SECRET}\0",
    ],
)
def test_a_secret_of_a_command_line_is_not_recorded(command: str, tmp_path: Path) -> None:
    machine = local_tree.make_machine(tmp_path / "machine")
    place = tmp_path / "machine/proc" / str(local_tree.PID) / "cmdline"
    place.write_text(command)
    files = recorded(tmp_path, *machine[2:])
    assert files[f"proc/{local_tree.PID}/cmdline"] != b""
    assert [path for path, data in files.items() if SECRET.encode() in data] == []


def test_of_the_mounts_the_cgroup_tree_alone_is_recorded(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "lab-kernel-7.2", tmp_path / "machine")
    mounts = tmp_path / "machine/proc/mounts"
    mounts.write_text(f"//server/{SECRET} /mnt/{SECRET} cifs rw 0 0\n{mounts.read_text()}")
    kept = recorded(tmp_path, "--root", str(tmp_path / "machine"))["proc/mounts"]
    assert [line.split()[2] for line in kept.splitlines()] == [b"cgroup2"]


def test_no_file_is_recorded_that_was_not_read(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "lab-kernel-7.2", tmp_path / "machine")
    process = next((tmp_path / "machine/proc").glob("[0-9]*"))
    (process / "environ").write_text(SECRET)
    files = recorded(tmp_path, "--root", str(tmp_path / "machine"))
    assert [path for path in files if path.endswith("environ")] == []


def test_where_time_did_not_suffice_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.tar.gz"
    machine = str(FIXTURES / "lab-kernel-7.2")
    assert run(["record", "--root", machine, "--timeout", "1e-9", "-o", str(path)], "memcollect") == 1
    said = capsys.readouterr().err
    assert "cannot be recorded whole" in said
    assert "Raise --timeout, or name fewer pods." in said
    assert list(tmp_path.iterdir()) == []


def test_a_pod_that_is_not_there_is_told_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = str(FIXTURES / "lab-kernel-7.2")
    path = tmp_path / "r.tar.gz"
    assert run(["record", "no-such-pod", "--root", machine, "-o", str(path)], "memcollect") == 1
    assert "Nothing here is called no-such-pod" in capsys.readouterr().err
    assert not path.exists()


def test_what_is_there_is_not_overwritten_unless_it_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.tar.gz"
    path.write_text("mine")
    machine = str(FIXTURES / "lab-kernel-7.2")
    assert run(["record", "--root", machine, "-o", str(path)], "memcollect") == 2
    assert (path.read_text(), "exists" in capsys.readouterr().err) == ("mine", True)
    assert run(["record", "--root", machine, "-o", str(path), "--force"], "memcollect") == 0
    assert read_recording(str(path)).files


def test_more_than_a_recording_may_be_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(taking, "MOST_FILES", 50)
    machine = str(FIXTURES / "lab-kernel-7.2")
    assert run(["record", "--root", machine, "-o", str(tmp_path / "r.tar.gz")], "memcollect") == 1
    assert "Name fewer pods." in capsys.readouterr().err


def test_a_process_that_ended_while_it_was_read_is_gone_in_the_recording_too() -> None:
    files = {
        "sys/fs/cgroup/a/cgroup.procs": b"1\n2\n3\n",
        "proc/1/stat": b"1 (a) S 0",
        "proc/1/smaps_rollup": b"",
        "proc/2/stat": b"2 (b) S 0",
        "proc/3/stat": b"3 (c) Z 0",
        "proc/9/stat": b"9 (an ancestor) S 0",
    }
    kept = taking._without_the_gone(files)
    assert set(files) - set(kept) == {"proc/2/stat"}
