"""A node that was recorded says the same where it is replayed, and says it every time."""

import json
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest

from memcollect.commands.run import run
from memcollect.errors import UnsupportedError
from memcollect.recording import archive
from memcollect.recording.document import Recording
from memcollect.recording.replay import replayed
from worlds import local_tree
from worlds.agent_trees import FIXTURES

NODES = (
    "lab-kernel-6.1",
    "systemd-kernel-7.2",
    "lab-runtime-gvisor-systemd",
    "lab-runtime-aio-services",
    "lab-runtime-kata-memfd",
)
OF_THE_MOMENT = {"captured_at", "finished_at", "inode", "wall_seconds", "cpu_seconds", "max_rss_bytes"}
EVERYTHING = ("--include-processes", "--mappings", "--format", "json")


def said(*arguments: str, capsys: pytest.CaptureFixture[str]) -> Any:
    capsys.readouterr()
    assert run(list(arguments), "memcollect") in {0, 3}
    return timeless(json.loads(capsys.readouterr().out))


def timeless(value: Any) -> Any:
    """Return a document without what is of the moment of reading."""
    if isinstance(value, dict):
        return {
            key: timeless(each)
            for key, each in value.items()
            if key not in OF_THE_MOMENT and not key.endswith(("_at", "read_from", "read_until"))
        }
    return [timeless(each) for each in value] if isinstance(value, list) else value


def record(tmp_path: Path, *arguments: str) -> str:
    path = str(tmp_path / "recording.tar.gz")
    assert run(["record", "-o", path, *arguments], "memcollect") == 0
    return path


@pytest.mark.parametrize("node", NODES)
def test_a_recording_tells_the_same_of_pods_and_node_as_the_machine(
    node: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = str(FIXTURES / node)
    recording = record(tmp_path, "--root", machine)
    for command in (["snapshot", "--local", *EVERYTHING], ["node", "--local", "--format", "json"]):
        there = said(*command, "--root", machine, capsys=capsys)
        assert there["pods"] or there["accounts"]
        assert said(*command, "--root", recording, capsys=capsys) == there


def test_a_replay_prints_the_same_page_each_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = record(tmp_path, "--root", str(FIXTURES / "lab-kernel-7.2"))
    pages = []
    for _ in range(2):
        capsys.readouterr()
        run(["snapshot", "--local", "--root", recording, "--details", "all"], "memcollect")
        lines = capsys.readouterr().out.splitlines()
        pages.append([line for line in lines if not line.startswith("Captured")])
    assert pages[0] == pages[1]
    assert len(pages[0]) > 100


def test_of_one_pod_nothing_of_the_others_is_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = str(FIXTURES / "lab-kernel-7.2")
    pods = said("snapshot", "--local", "--root", machine, "--format", "json", capsys=capsys)["pods"]
    wanted, others = pods[0], pods[1:]
    recording = record(tmp_path, "--root", machine, wanted["uid"])
    files = archive.read_recording(recording).files
    assert len(others) > 1
    assert [pod["uid"] for pod in others if pod["uid"].replace("-", "_") in "".join(files)] == []
    (replayed_pod,) = said("snapshot", "--local", "--root", recording, "--format", "json", capsys=capsys)[
        "pods"
    ]
    assert replayed_pod["verdict"] == wanted["verdict"]
    assert replayed_pod["composition"] == wanted["composition"]


def test_names_come_along_with_a_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    machine = local_tree.make_machine(tmp_path / "machine")
    there = said(*machine, "--format", "json", capsys=capsys)
    recording = record(tmp_path, *machine[2:])
    here = said("snapshot", "--local", "--root", recording, "--format", "json", capsys=capsys)
    assert [pod["name"] for pod in here["pods"]] == [pod["name"] for pod in there["pods"]] == ["sandbox-1"]
    names = [[each["name"] for each in pod["containers"]] for pod in (*here["pods"], *there["pods"])]
    assert names[0] == names[1]


def test_a_machine_with_other_pages_cannot_be_replayed(tmp_path: Path) -> None:
    recording = archive.read_recording(record(tmp_path, "--root", str(FIXTURES / "lab-kernel-7.2")))
    about = msgspec.structs.replace(recording.about, page_size_bytes=65536)
    path = tmp_path / "arm.tar.gz"
    path.write_bytes(archive.encode(Recording(about, recording.files)))
    with (
        pytest.raises(UnsupportedError, match="is of a machine with pages of 65,536 bytes"),
        replayed(str(path)),
    ):
        pass


def test_what_a_program_is_called_is_a_link_again_which_nobody_follows(tmp_path: Path) -> None:
    recording = archive.read_recording(record(tmp_path, "--root", str(FIXTURES / "lab-kernel-7.2")))
    path = tmp_path / "hostile.tar.gz"
    programs = {"proc/1/exe": b"/etc/shadow", "proc/2/exe": b"", "proc/3/exe": b"a\0b"}
    path.write_bytes(archive.encode(Recording(recording.about, {**recording.files, **programs})))
    with replayed(str(path)) as root:
        assert (Path(root) / "proc/1/exe").readlink() == Path("/etc/shadow")
        links = [place for place in Path(root).rglob("*") if place.is_symlink()]
        assert [str(place.relative_to(root)) for place in links if place.name != "exe"] == []
        assert not (Path(root) / "proc/2/exe").exists()
    assert not Path(root).exists()


def test_where_two_names_are_one_nothing_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a file system that does not tell a from A: here a file is there already under one's name."""
    made = tempfile.TemporaryDirectory

    def occupied(prefix: str) -> tempfile.TemporaryDirectory[str]:
        directory = made(prefix=prefix)
        (Path(directory.name) / "proc").mkdir()
        (Path(directory.name) / "proc/meminfo").write_text("another's")
        return directory

    recording = record(tmp_path, "--root", str(FIXTURES / "lab-kernel-7.2"))
    monkeypatch.setattr(tempfile, "TemporaryDirectory", occupied)
    with pytest.raises(UnsupportedError, match="names that differ in case alone"), replayed(recording):
        pass


@pytest.mark.parametrize("command", ["snapshot", "node", "top"])
def test_a_root_that_is_none_is_answered_in_one_sentence(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command, "--local", "--root", "/nowhere"], "memcollect") == 2
    assert capsys.readouterr().err.startswith("memcollect: /nowhere is neither a directory nor a recording.")


def test_a_recording_of_a_recording_is_the_same(tmp_path: Path) -> None:
    first = record(tmp_path, "--root", str(FIXTURES / "lab-kernel-7.2"))
    again = str(tmp_path / "again.tar.gz")
    assert run(["record", "--root", first, "-o", again], "memcollect") == 0
    assert archive.read_recording(again).files == archive.read_recording(first).files


def test_a_root_without_local_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["snapshot", "--root", str(tmp_path)], "memcollect") == 2
    assert "--root has no effect without --local." in capsys.readouterr().err
