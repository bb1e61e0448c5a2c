"""Bundles that somebody has altered on purpose: a problem for each fault, none of them an end, and soon."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from memcollect import explain
from memcollect.commands.run import run
from memcollect.documents.bundle import read_bundle
from memcollect.documents.run import MANIFEST_NAME
from memcollect.documents.snapshot import Snapshot
from worlds import compare_builders as build

FIRST = build.path_of("empty", 1)
MANY = 1_000


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return build.write(tmp_path / "run", build.good_pair()[0])


def changed(bundle: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = bundle / MANIFEST_NAME
    manifest = msgspec.json.decode(path.read_bytes())
    change(manifest)
    path.write_bytes(msgspec.json.encode(manifest))


def compared(bundle: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what compare and evidence say; neither may break."""
    for words in (
        ["compare", str(bundle), str(bundle.parent / "other")],
        ["evidence", "--show", str(bundle)],
    ):
        assert run(words, "memcollect") in (0, 1, 2, 3)
    out, err = capsys.readouterr()
    assert "should not happen" not in err
    return out + err


def long_name(manifest: dict[str, Any]) -> None:
    manifest["files"].append({"path": "x" * 5000, "sha256": "", "size_bytes": 1})
    manifest["files"].append({"path": "/".join(["d"] * 3000), "sha256": "", "size_bytes": 1})


def below_a_file(manifest: dict[str, Any]) -> None:
    manifest["files"].append({"path": f"{FIRST}/below", "sha256": "", "size_bytes": 1})


def huge_number(manifest: dict[str, Any]) -> None:
    manifest["files"].append({"path": FIRST, "sha256": "", "size_bytes": 1 << 62})


def negative(manifest: dict[str, Any]) -> None:
    manifest["files"].append({"path": "events.jsonl", "sha256": "", "size_bytes": -5})


def no_evidence(manifest: dict[str, Any]) -> None:
    manifest["files"].append({"path": "evidence/absent.json", "sha256": "", "size_bytes": 5})


FAULTS = [long_name, below_a_file, huge_number, negative, no_evidence]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_an_entry_that_cannot_be_is_a_problem_of_the_bundle(
    bundle: Path, capsys: pytest.CaptureFixture[str], fault: Callable[[dict[str, Any]], None]
) -> None:
    build.write(bundle.parent / "other", build.good_pair()[1])
    before = read_bundle(str(bundle)).problems
    changed(bundle, fault)
    assert len(read_bundle(str(bundle)).problems) > len(before)
    compared(bundle, capsys)


@pytest.mark.parametrize("kind", ["fifo", "device", "loop", "sparse"])
def test_a_file_that_is_none_is_a_problem_of_the_bundle(
    bundle: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    build.write(bundle.parent / "other", build.good_pair()[1])
    path = bundle / FIRST
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "sparse":
        with path.open("wb") as stream:
            stream.truncate(3 << 30)
    else:
        path.symlink_to("/dev/zero" if kind == "device" else path.name)
    (problem,) = read_bundle(str(bundle)).problems
    assert FIRST in problem
    compared(bundle, capsys)


def test_a_snapshot_that_cannot_be_explained_leaves_the_others(
    bundle: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    build.write(bundle.parent / "other", build.good_pair()[1])
    left = [1]

    def explained(snapshot: Snapshot) -> Snapshot:
        if left:
            raise ValueError(f"no number {left.pop()}")
        return whole(snapshot)

    whole = explain.explain
    monkeypatch.setattr(explain, "explain", explained)
    said = " ".join(compared(bundle, capsys).split())
    assert "has numbers that contradict each other: no number 1" in said
    assert "cube against aio" in said


def seconds_to_read(bundle: Path, entries: int) -> float:
    """Return the CPU seconds that a bundle with so many more entries takes."""

    def more(manifest: dict[str, Any]) -> None:
        manifest["files"] += [{"path": f"x{i}", "sha256": "", "size_bytes": 1} for i in range(entries)]
        manifest["files"] += manifest["files"][:1] * entries
        first = manifest["phases"][0]
        first["snapshots"] = [*first["snapshots"], *(f"y{i}" for i in range(entries))]

    changed(bundle, more)
    began = time.process_time()
    found = read_bundle(str(bundle))
    assert len(found.problems) >= 2 * entries
    assert len(found.snapshots) == 6
    return time.process_time() - began


def test_many_entries_take_time_in_proportion(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = build.write(bundle.parent / "few", build.good_pair()[0])
    build.write(bundle.parent / "other", build.good_pair()[1])
    # Eight times as many: what is quadratic takes 64 times as long.
    assert seconds_to_read(bundle, 8 * MANY) < 30 * seconds_to_read(few, MANY)
    assert f"and {16 * MANY - 49} more problems" in compared(bundle, capsys).replace("\n", " ")


def test_a_file_that_stands_twice_is_a_problem(bundle: Path) -> None:
    def twice(manifest: dict[str, Any]) -> None:
        manifest["files"] += manifest["files"]

    changed(bundle, twice)
    assert f"{FIRST} stands in the manifest's files more than once" in read_bundle(str(bundle)).problems
