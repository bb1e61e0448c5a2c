import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from memcollect.documents.bundle import BundleWriter, is_bundle, read_bundle
from memcollect.documents.events import read_events
from memcollect.documents.run import EVENTS_NAME, MANIFEST_NAME, REPORT_NAME, Event, FileEntry, RunManifest
from memcollect.errors import DocumentError, OutputError, SchemaError, UsageError
from worlds import compare_builders as build
from worlds.compare_builders import MIB

FIRST = build.path_of("empty", 1)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return build.write(tmp_path / "run", build.good_pair()[0])


def _rewrite(bundle: Path, **changed: Any) -> None:
    path = bundle / MANIFEST_NAME
    manifest = msgspec.json.decode(path.read_bytes(), type=RunManifest)
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(manifest, **changed)))


def _files(bundle: Path) -> list[FileEntry]:
    return msgspec.json.decode((bundle / MANIFEST_NAME).read_bytes(), type=RunManifest).files


def test_what_was_written_is_read_back_whole(bundle: Path) -> None:
    found = read_bundle(str(bundle))
    expected = build.good_pair()[0]
    assert found.problems == []
    assert found.snapshots == expected.snapshots
    assert msgspec.structs.replace(found.manifest, files=[]) == expected.manifest


def test_the_manifest_may_be_named_in_place_of_its_directory(bundle: Path) -> None:
    assert is_bundle(str(bundle / MANIFEST_NAME))
    assert read_bundle(str(bundle / MANIFEST_NAME)).sha256 == read_bundle(str(bundle)).sha256


def test_a_single_changed_byte_is_told_and_the_file_is_not_used(bundle: Path) -> None:
    path = bundle / FIRST
    path.write_bytes(path.read_bytes().replace(b"sandbox-1", b"sandbox-2", 1))
    found = read_bundle(str(bundle))
    assert found.problems == [f"{FIRST} was altered: its checksum is not the manifest's"]
    assert FIRST not in found.snapshots
    assert len(found.snapshots) == 5


def test_a_missing_file_is_one_sentence(bundle: Path) -> None:
    (bundle / FIRST).unlink()
    assert read_bundle(str(bundle)).problems == [f"{FIRST} is missing"]


@pytest.mark.parametrize("name", ["../outside.json", "/etc/hostname", "", "a/../../b", "a\0b"])
def test_a_path_that_leaves_the_bundle_is_not_followed(bundle: Path, name: str) -> None:
    (bundle.parent / "outside.json").write_text("{}")
    _rewrite(bundle, files=[*_files(bundle), FileEntry(path=name, sha256="0", size_bytes=2)])
    assert read_bundle(str(bundle)).problems == [f"{name} points out of the bundle"]


def test_a_link_that_leaves_the_bundle_is_not_followed(bundle: Path) -> None:
    outside = bundle.parent / "outside.json"
    (bundle / FIRST).rename(outside)
    (bundle / FIRST).symlink_to(outside)
    assert read_bundle(str(bundle)).problems == [f"{FIRST} points out of the bundle"]


def test_a_pipe_in_place_of_a_file_does_not_wait_for_a_writer(bundle: Path) -> None:
    (bundle / FIRST).unlink()
    os.mkfifo(bundle / FIRST)
    (problem,) = read_bundle(str(bundle)).problems
    assert "is not a regular file" in problem


def test_a_snapshot_without_a_checksum_is_not_used(bundle: Path) -> None:
    _rewrite(bundle, files=[each for each in _files(bundle) if each.path != FIRST])
    found = read_bundle(str(bundle))
    assert found.problems == [f"{FIRST} has no checksum in the manifest"]
    assert FIRST not in found.snapshots


def test_one_measurement_under_two_repeats_is_told(bundle: Path) -> None:
    manifest = read_bundle(str(bundle)).manifest
    phases = [msgspec.structs.replace(each, snapshots=[FIRST]) for each in manifest.phases[:2]]
    _rewrite(bundle, phases=phases)
    assert read_bundle(str(bundle)).problems == [f"{FIRST} stands for more than one measurement"]


def test_a_copy_of_a_measurement_is_told(tmp_path: Path) -> None:
    document = build.run("aio", {"empty": [MIB] * 2})
    (first, same) = document.snapshots
    snapshots = {first: document.snapshots[first], same: document.snapshots[first]}
    path = build.write(tmp_path / "run", msgspec.structs.replace(document, snapshots=snapshots))
    assert read_bundle(str(path)).problems == ["two of the snapshots are the same file"]


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        ("{", DocumentError, "is not the manifest of a run"),
        ("[]", DocumentError, "is not the manifest of a run"),
        ('{"run_schema_version": 1}', DocumentError, "is not the manifest of a run"),
        ('{"run_schema_version": 99}', SchemaError, "has schema 99"),
    ],
)
def test_a_bad_manifest_is_one_sentence(
    tmp_path: Path, content: str, error: type[DocumentError], words: str
) -> None:
    (tmp_path / MANIFEST_NAME).write_text(content)
    with pytest.raises(error, match=words):
        read_bundle(str(tmp_path))


def test_a_directory_without_a_manifest_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="is no bundle"):
        read_bundle(str(tmp_path))


def test_a_new_bundle_never_takes_the_place_of_another(tmp_path: Path) -> None:
    run = tmp_path / "run"
    manifest = build.run("aio", {"empty": [MIB]}, phases=[]).manifest
    assert manifest is not None
    BundleWriter.create(run).write_manifest(manifest)
    with pytest.raises(UsageError, match="resume the run that is in it"):
        BundleWriter.create(run)
    with pytest.raises(UsageError, match="exists, and no run is in it"):
        BundleWriter.create(tmp_path)


def test_a_bundle_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be made"):
        BundleWriter.create(tmp_path / "file" / "run")


@pytest.mark.parametrize("path", ["../x", "/x", ""])
def test_nothing_is_written_outside(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="not a path in a bundle"):
        BundleWriter(tmp_path).write(path, b"")


def test_events_are_lines_and_their_checksum_is_of_what_is_there(tmp_path: Path) -> None:
    writer = BundleWriter.create(tmp_path / "run")
    manifest = build.run("aio", {"empty": [MIB]}, phases=[]).manifest
    assert manifest is not None
    for index in range(2):
        writer.event(Event(at=float(index), kind="phase-started", detail="a\nb"))
        writer.write_manifest(manifest)
    lines = (tmp_path / "run" / EVENTS_NAME).read_bytes().splitlines()
    assert [msgspec.json.decode(line, type=Event).at for line in lines] == [0.0, 1.0]
    assert read_bundle(str(tmp_path / "run")).problems == []


@pytest.mark.parametrize("torn", [b'{"at":1.5,"kind":"creat', b"{", b'{"at":1.5,"kind":"whole"}'])
def test_an_event_after_a_line_that_a_crash_cut_off_is_not_joined_to_it(tmp_path: Path, torn: bytes) -> None:
    writer = BundleWriter.create(tmp_path / "run")
    writer.event(Event(at=1.0, kind="creating", name="a"))
    with (tmp_path / "run" / EVENTS_NAME).open("ab") as stream:
        stream.write(torn)
    for name in ("b", "c"):
        writer.event(Event(at=2.0, kind="creating", name=name))
    told = read_events(tmp_path / "run")
    assert [each.name for each in told if each.kind == "creating"] == ["a", "b", "c"]
    # What is whole but for its end counts too, and no line is left empty.
    assert [each.kind for each in told if each.at == 1.5] == ["whole"] * torn.endswith(b"}")
    assert (tmp_path / "run" / EVENTS_NAME).read_bytes().count(b"\n") == 4


def test_the_page_is_no_part_of_what_it_names_the_hash_of(bundle: Path) -> None:
    before = read_bundle(str(bundle)).sha256
    BundleWriter(bundle).write_page("# Page\n")
    after = read_bundle(str(bundle))
    assert (after.sha256, after.problems) == (before, [])
    assert (bundle / REPORT_NAME).read_text() == "# Page\n"


def test_a_resumed_run_keeps_the_files_of_the_broken_one(bundle: Path) -> None:
    before = read_bundle(str(bundle)).manifest
    writer = BundleWriter(bundle, before.files)
    writer.write("plan.toml", b"[plan]\n")
    after = writer.write_manifest(before)
    assert {each.path for each in after.files} == {"plan.toml", *(each.path for each in before.files)}
    assert read_bundle(str(bundle)).problems == []
