import bz2
import fcntl
import gzip
import importlib.util
import io
import lzma
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from memcollect.archive import directory as module
from memcollect.archive.columns import TABLES
from memcollect.commands.run import run
from memcollect.documents.snapshot import Pod, Snapshot, Top
from memcollect.explain.reduced import reduced
from memcollect.reporters import json
from worlds import children
from worlds import sample_snapshots as samples
from worlds.archives import Asked, export
from worlds.children import Child
from worlds.live_cluster import environment

ONE = samples.snapshot(samples.pod("one"))
TWO = samples.snapshot(samples.pod("two"), samples.pod("three", uid="u-3"))


@pytest.fixture
def archive(tmp_path: Path) -> Asked:
    return Asked(tmp_path / "archive")


@pytest.fixture
def save(tmp_path: Path) -> Callable[[str, Snapshot], Path]:
    def write(name: str, snapshot: Snapshot) -> Path:
        path = tmp_path / name
        path.write_text(json.render(snapshot), encoding="utf-8")
        return path

    return write


Save = Callable[[str, Snapshot], Path]


def files(archive: Asked) -> dict[str, bytes]:
    return {
        str(path.relative_to(archive.directory)): path.read_bytes()
        for path in archive.directory.rglob("*.parquet")
    }


def test_it_says_what_was_added(archive: Asked, save: Save, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(archive, save("1.json", ONE), save("2.json", TWO)) == 0
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == (
        f"memcollect: 2 snapshots with 3 pods and 9 containers added to {archive.directory}\n"
    )
    assert archive.count("pods") == 3


def test_of_a_pod_told_in_summary_it_says_what_the_archive_does_not_get(
    archive: Asked, save: Save, capsys: pytest.CaptureFixture[str]
) -> None:
    short = msgspec.structs.replace(TWO, pods=[reduced(TWO.pods[0]), TWO.pods[1]], depth="summary")
    assert export(archive, save("1.json", short)) == 0
    assert (
        "1.json 1 pod was told in summary: exported are their terms, and of their containers name, image and"
        " private memory."
    ) in capsys.readouterr().err
    told = archive.rows("select pods, pods_in_summary from snapshots")
    assert told == [(2, 1)]
    terms = archive.rows("select pod, sum(estimate_bytes) from terms where part = 'composition' group by pod")
    assert len(terms) == 2


def with_images(pod: Pod) -> Pod:
    named = [msgspec.structs.replace(each, image=f"registry/{each.name}:1") for each in pod.containers]
    return msgspec.structs.replace(pod, containers=named)


def test_of_a_pod_told_in_summary_the_containers_that_top_counts_have_image_and_private_memory(
    archive: Asked, save: Save
) -> None:
    statement = (
        "select pod, container, role, image, anon_bytes from containers where role = 'container' order by all"
    )
    pods = [with_images(each) for each in TWO.pods]
    assert export(archive, save("full.json", msgspec.structs.replace(TWO, pods=pods))) == 0
    in_full = archive.rows(statement)
    assert [row[0] for row in in_full if None not in row] == ["three", "two"]
    short = Asked(archive.directory.with_name("in-summary"))
    summary = msgspec.structs.replace(TWO, pods=[reduced(each) for each in pods], depth="summary")
    assert export(short, save("short.json", summary)) == 0
    assert short.rows(statement) == in_full


def test_the_same_snapshot_twice_adds_nothing(
    archive: Asked, save: Save, capsys: pytest.CaptureFixture[str]
) -> None:
    one = save("1.json", ONE)
    assert export(archive, one, one) == 0
    before = files(archive)
    assert export(archive, save("copy.json", ONE), "--cluster", "other") == 0
    assert files(archive) == before
    assert "copy.json is in the archive already (cluster worker-1): nothing added." in capsys.readouterr().err


@pytest.mark.parametrize("how", ["explained anew", "laid out anew"])
def test_a_measurement_is_added_once_whatever_its_file_looks_like(
    archive: Asked, save: Save, tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    one, again = save("1.json", ONE), tmp_path / "again.json"
    if how == "explained anew":
        assert run(["explain", str(one), "--format", "json", "-o", str(again)], "memcollect") == 0
    else:
        again.write_bytes(msgspec.json.format(one.read_bytes(), indent=4))
    assert again.read_bytes() != one.read_bytes()
    assert export(archive, one) == 0
    before = files(archive)
    assert export(archive, again, "--cluster", "other") == 0
    assert files(archive) == before
    said = "again.json is 1.json over again, explained or laid out anew: nothing added."
    assert said in capsys.readouterr().err
    # Also where one command has both.
    both = Asked(tmp_path / "both")
    assert export(both, again, one) == 0
    assert both.count("pods") == 1


def test_of_many_that_are_there_it_says_how_many(
    archive: Asked, save: Save, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder is exported each night, and cron sends what is said."""
    nights = [
        save(f"{day}.json", samples.snapshot(captured_at=f"2026-01-0{day}T00:00:00.000Z"))
        for day in range(1, 8)
    ]
    assert export(archive, *nights[:6]) == 0
    capsys.readouterr()
    assert export(archive, *nights) == 0
    assert capsys.readouterr().err.splitlines() == [
        "memcollect: 6 snapshots are in the archive already: nothing added of them.",
        f"memcollect: 1 snapshot with 1 pod and 3 containers added to {archive.directory}",
    ]


@pytest.mark.parametrize("program", ["gzip", "xz", "bzip2"])
def test_a_compressed_snapshot_is_told_to_be_and_comes_through_a_pipe(
    archive: Asked,
    save: Save,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    program: str,
) -> None:
    one = save("1.json", ONE)
    packers: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress,
        "xz": lzma.compress,
        "bzip2": bz2.compress,
    }
    packed = one.with_name("1.json.packed")
    packed.write_bytes(packers[program](one.read_bytes()))
    assert export(archive, packed) == 1
    assert f"1.json.packed is compressed with {program}. " in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(one.read_bytes())))
    assert export(archive, "-") == 0
    assert export(archive, one) == 0
    assert archive.count("pods") == 1
    # What to export again is never called "standard input".
    (harmed,) = (archive.directory / "terms").rglob("*.parquet")
    harmed.write_bytes(b"")
    capsys.readouterr()
    assert export(archive, save("2.json", TWO)) == 3
    assert f"export the snapshot with the SHA-256 {harmed.stem} again" in capsys.readouterr().err


def test_two_snapshots_of_one_moment_with_other_pods_are_two(archive: Asked, save: Save) -> None:
    assert export(archive, save("1.json", ONE), save("2.json", samples.snapshot(samples.pod("two")))) == 0
    assert archive.rows("SELECT pod FROM pods ORDER BY 1") == [("one",), ("two",)]


def test_a_snapshot_comes_through_a_pipe(archive: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.render(TWO).encode())))
    assert export(archive, "-", "--cluster", "prod") == 0
    assert archive.rows("SELECT pod, cluster FROM pods ORDER BY pod") == [("three", "prod"), ("two", "prod")]


def test_a_broken_snapshot_never_spoils_the_others(
    archive: Asked, save: Save, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = tmp_path / "cut.json"
    cut.write_text(json.render(TWO)[:-100])
    older = save("older.json", msgspec.structs.replace(TWO, schema_version=1))
    newer = save("newer.json", msgspec.structs.replace(TWO, schema_version=9))
    assert export(archive, cut, older, newer, tmp_path / "none.json", save("1.json", ONE)) == 3
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(str(tmp_path))[1].split(" ")[0] for line in lines] == [
        *("/cut.json", "/older.json", "/newer.json", "/none.json", "/archive")
    ]
    assert "has schema 9, written by memcollect 0.1.0; this memcollect reads 2 and 3." in lines[2]
    assert archive.rows("SELECT pod FROM pods") == [("one",)]


def test_nothing_is_kept_of_one_with_a_value_that_cannot_be(
    archive: Asked, save: Save, capsys: pytest.CaptureFixture[str]
) -> None:
    huge = samples.pod("two", top=Top(source="demo", memory_bytes=1 << 70))
    timeless = msgspec.structs.replace(TWO, captured_at="yesterday")
    bad = samples.snapshot(samples.pod("one"), huge)
    assert export(archive, save("huge.json", bad), save("timeless.json", timeless)) == 1
    errors = capsys.readouterr().err
    assert "huge.json was not exported: it has a value that cannot be (pods.top_bytes: " in errors
    assert "timeless.json was not exported: it has a value that cannot be" in errors
    assert files(archive) == {}
    assert not any((archive.directory / "_staging").iterdir())


@pytest.mark.parametrize("done", range(len(TABLES)))
def test_what_an_export_left_that_was_broken_off_is_removed_by_the_next(
    archive: Asked, save: Save, capsys: pytest.CaptureFixture[str], done: int
) -> None:
    one, two = save("1.json", ONE), save("2.json", TWO)
    assert export(archive, one, two) == 0
    whole = files(archive)
    (row,) = archive.rows("SELECT snapshot FROM snapshots WHERE file = '2.json'")
    for table in list(TABLES)[done:]:
        next((archive.directory / table).rglob(f"{row[0]}.parquet")).unlink()
    (archive.directory / "_staging" / "old").mkdir()
    (archive.directory / "_staging" / "old" / "pods.parquet").write_bytes(b"PAR1")
    capsys.readouterr()
    assert export(archive, one) == 0
    assert files(archive) == {name: data for name, data in whole.items() if f"{row[0]}" not in name}
    assert not (archive.directory / "_staging" / "old").exists()
    told = "an export was broken off: its half of 1 snapshot is removed." in capsys.readouterr().err
    assert told == (done > 0)
    assert export(archive, two) == 0
    assert files(archive).keys() == whole.keys()


@pytest.mark.parametrize(
    "harm", ["cut", "gone", "empty", "garbage", "no footer", "another table's", "foreign"]
)
def test_a_damaged_file_is_named_and_mended_by_exporting_again(
    archive: Asked, save: Save, capsys: pytest.CaptureFixture[str], harm: str
) -> None:
    one, two = save("1.json", ONE), save("2.json", TWO)
    assert export(archive, one, two) == 0
    (row,) = archive.rows("SELECT snapshot FROM snapshots WHERE file = '2.json'")
    harmed = next((archive.directory / "terms").rglob(f"{row[0]}.parquet"))
    data = harmed.read_bytes()
    if harm == "gone":
        harmed.unlink()
    else:
        foreign = io.BytesIO()
        pq.write_table(pa.table({"snapshot": ["x"]}), foreign)
        harms = {
            "cut": data[:-10],
            "empty": b"",
            "garbage": b"x" * 500,
            "no footer": b"PAR1" + b"x" * 500 + b"PAR1",
            "another table's": next((archive.directory / "pods").rglob("*.parquet")).read_bytes(),
            "foreign": foreign.getvalue(),
        }
        harmed.write_bytes(harms[harm])
    capsys.readouterr()
    assert export(archive, one) == 3
    assert f"{harmed} is missing or damaged: export 2.json again" in capsys.readouterr().err
    assert export(archive, two) == 0
    assert harmed.exists()
    assert archive.count("pods") == 3
    assert archive.rows("SELECT count(*) FROM terms") == archive.rows(
        "SELECT count(*) FROM terms JOIN snapshots USING (snapshot)"
    )


def test_a_snapshot_that_stands_twice_is_named(
    archive: Asked, save: Save, capsys: pytest.CaptureFixture[str]
) -> None:
    """As where two machines' archives were copied together, or a folder was to be renamed."""
    one = save("1.json", ONE)
    assert export(archive, one) == 0
    for table in TABLES:
        day = archive.directory / table / "date=2026-01-02"
        shutil.copytree(day / "cluster=worker-1", day / "cluster=other")
    whole = files(archive)
    capsys.readouterr()
    assert export(archive, one) == 3
    assert "has too, so that its rows count twice: remove the files" in capsys.readouterr().err
    assert files(archive) == whole
    shutil.rmtree(archive.directory / "snapshots/date=2026-01-02/cluster=other")
    assert export(archive, one) == 0
    assert "an export was broken off: its half of 1 snapshot is removed." in capsys.readouterr().err
    assert archive.count("pods") == 1


@pytest.mark.parametrize("place", ["date=2026-01-02/cluster=worker-1/copy of it.parquet", "old/kept/{}"])
def test_a_file_elsewhere_that_questions_read_is_named_and_kept(
    archive: Asked, save: Save, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    one = save("1.json", ONE)
    assert export(archive, one) == 0
    (pods,) = (archive.directory / "pods").rglob("*.parquet")
    copy = archive.directory / "pods" / place.format(pods.name)
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(pods, copy)
    assert export(archive, one) == 3
    assert f"{copy} is none of this archive's files, and questions read it" in capsys.readouterr().err
    assert copy.exists()


def test_a_row_that_cannot_be_read_is_named_by_its_hash_and_hinders_no_other(
    archive: Asked, save: Save, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(archive, save("1.json", ONE)) == 0
    (harmed,) = (archive.directory / "snapshots").rglob("*.parquet")
    pq.write_table(pa.table({"a": [1]}), harmed)
    capsys.readouterr()
    assert export(archive, save("2.json", samples.snapshot(samples.pod("two")))) == 3
    said = f"{harmed} is missing or damaged: export the snapshot with the SHA-256 {harmed.stem} again"
    assert said in capsys.readouterr().err
    assert export(archive, save("1.json", ONE)) == 0
    assert archive.count("pods") == 2


@pytest.mark.parametrize(
    ("mark", "sentence"),
    [
        ('{"archive_version": 2}', "is an archive of version 2; this memcollect writes 1. Upgrade"),
        ('{"archive_version": 0}', "Export the JSON files into a new directory"),
        ("{", "does not say which version the archive has"),
        ("", "does not say which version the archive has"),
    ],
)
def test_an_archive_of_another_version_is_left_as_it_is(
    archive: Asked, save: Save, capsys: pytest.CaptureFixture[str], mark: str, sentence: str
) -> None:
    assert export(archive, save("1.json", ONE)) == 0
    before = files(archive)
    (archive.directory / "_archive.json").write_text(mark)
    assert export(archive, save("2.json", TWO)) == 1
    assert sentence in capsys.readouterr().err
    assert files(archive) == before


def test_a_folder_of_something_else_is_left_alone(
    archive: Asked, save: Save, capsys: pytest.CaptureFixture[str]
) -> None:
    archive.directory.mkdir()
    (archive.directory / "thesis.tex").touch()
    assert export(archive, save("1.json", ONE)) == 2
    assert "holds something else than an archive: thesis.tex." in capsys.readouterr().err
    assert [path.name for path in archive.directory.iterdir()] == ["thesis.tex"]


def test_a_file_in_the_directorys_place(save: Save, capsys: pytest.CaptureFixture[str]) -> None:
    one = save("1.json", ONE)
    assert run(["export", str(one), "-o", str(one)], "memcollect") == 2
    assert "1.json is no directory." in capsys.readouterr().err


def test_a_full_disk_is_told_and_what_was_there_stays(
    archive: Asked, save: Save, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert export(archive, save("1.json", ONE)) == 0
    before = files(archive)

    def full(_path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("memcollect.archive.writing._flush", full)
    assert export(archive, save("2.json", TWO)) == 1
    assert "could not be written: No space left on device. Free some space" in capsys.readouterr().err
    assert files(archive) == before


@pytest.mark.parametrize("what", ["file", "dangling link"])
def test_what_stands_in_a_tables_place_is_named(
    archive: Asked, save: Save, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    archive.directory.mkdir()
    assert export(archive, save("1.json", ONE)) == 0
    table = archive.directory / "terms"
    shutil.rmtree(table)
    table.touch() if what == "file" else table.symlink_to("nowhere")
    assert export(archive, save("2.json", TWO)) == 1
    assert f"({table}" in capsys.readouterr().err


def test_a_mark_that_leads_nowhere_is_told(
    archive: Asked, save: Save, capsys: pytest.CaptureFixture[str]
) -> None:
    archive.directory.mkdir()
    (archive.directory / "_archive.json").symlink_to("nowhere")
    assert export(archive, save("1.json", ONE)) == 1
    assert "_archive.json cannot be read: No such file" in capsys.readouterr().err


def test_an_archive_that_another_export_is_making_is_no_foreign_folder(
    archive: Asked, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = Path.iterdir

    def while_another_begins(directory: Path) -> Iterator[Path]:
        if directory == archive.directory:
            (directory / "_archive.json").write_text('{"archive_version": 1}')
            (directory / "pods").mkdir(exist_ok=True)
        return listed(directory)

    monkeypatch.setattr(Path, "iterdir", while_another_begins)
    assert export(archive, save("1.json", ONE)) == 0


@pytest.mark.parametrize("name", ["prod:archive", "s3:archive", "file:archive", "a%41", "a b#c?d"])
def test_a_relative_name_is_a_directory_whatever_it_looks_like(
    save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    one = save("1.json", ONE)
    monkeypatch.chdir(tmp_path)
    archive = Asked(Path(name))
    assert export(archive, one) == 0
    assert len(files(archive)) == len(TABLES)
    (snapshots,) = (archive.directory / "snapshots").rglob("*.parquet")
    (archive.directory / "pods" / snapshots.relative_to(archive.directory / "snapshots")).unlink()
    assert export(archive, save("2.json", TWO)) == 3
    assert "is missing or damaged: export 1.json again" in capsys.readouterr().err


def test_two_exports_wait_for_each_other(archive: Asked, save: Save) -> None:
    one, two = save("1.json", ONE), save("2.json", TWO)
    assert export(archive, one) == 0
    words = [sys.executable, "-m", "memcollect", "export", str(two), "-o", str(archive.directory)]
    with (archive.directory / "_lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with Child(words, stderr=-2, stdout=-1) as child:
            assert child.line() == f"memcollect: waiting for another export into {archive.directory}"
            assert archive.count("pods") == 1
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert child.wait() == 0
    assert archive.count("pods") == 3


def test_without_pyarrow_it_says_what_to_install(
    archive: Asked, save: Save, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pyarrow" else found(name))
    assert export(archive, save("1.json", ONE)) == 1
    assert capsys.readouterr().err == (
        "memcollect: export needs pyarrow, which is not installed. Run: pip install 'memcollect[archive]'\n"
    )
    assert not archive.directory.exists()


def test_a_pyarrow_that_cannot_be_loaded_is_told(archive: Asked, save: Save, tmp_path: Path) -> None:
    broken = tmp_path / "broken" / "pyarrow"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('libarrow.so.2600: cannot open')")
    words = ["-m", "memcollect", "export", str(save("1.json", ONE)), "-o", str(archive.directory)]
    done = children.run([sys.executable, *words], env=environment(PYTHONPATH=str(broken.parent)))
    assert done.returncode == 1
    assert done.stderr == (
        "memcollect: export needs pyarrow, which is installed and cannot be loaded: libarrow.so.2600: cannot"
        " open. Run: pip install --force-reinstall pyarrow\n"
    )


@pytest.mark.parametrize("name", ["a/b", "..", "", "x" * 300, "é" * 90, "a=b", "%41", "\t"])
def test_a_clusters_name_makes_one_folder(name: str) -> None:
    folder = module.folder_name(name)
    assert "/" not in folder
    assert 0 < len(os.fsencode(folder)) <= 200
    assert folder != module.folder_name(f"{name}2")
