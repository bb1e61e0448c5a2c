import hashlib
import io
from pathlib import Path

import msgspec
import pytest

from memcollect.commands.run import run
from memcollect.compare.model import Comparison
from memcollect.documents.bundle import BundleWriter
from memcollect.documents.run import RunManifest
from memcollect.documents.snapshot import Runtime, Snapshot
from memcollect.reporters import json
from worlds import compare_builders as build
from worlds import html_pages
from worlds.compare_builders import MIB


@pytest.fixture
def runs(tmp_path: Path) -> list[str]:
    return [
        str(build.write(tmp_path / name, each)) for name, each in zip("ab", build.good_pair(), strict=True)
    ]


def _save(path: Path, snapshot: Snapshot) -> str:
    path.write_text(json.render(snapshot), encoding="utf-8")
    return str(path)


def _snapshot(size: int, sample: str = "empty", family: str = "runc") -> Snapshot:
    pod = build.pod(size, runtime=Runtime(family=family))
    return build.snapshot(pod, sample=sample, captured_at=f"2026-01-01T00:00:{size % 60:02}Z")


def test_two_runs_make_a_page_that_can_be_made_again(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    pages = []
    for _ in range(2):
        assert run(["compare", *runs, "--issue", "#3213", "--format", "markdown"], "memcollect") == 0
        pages.append(capsys.readouterr().out)
    assert pages[0] == pages[1]
    assert "50 MiB less working set per pod" in pages[0]


def test_json_is_the_document(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", *runs, "--format", "json"], "memcollect") == 0
    comparison = msgspec.json.decode(capsys.readouterr().out, type=Comparison)
    assert comparison.backends == ["aio", "cube"]
    assert [pair.allowed for pair in comparison.pairs if pair.kind == "backends"] == [True, True]


def test_the_baseline_can_be_chosen(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", *runs, "--baseline", "cube"], "memcollect") == 0
    assert "aio against cube: 50 MiB more" in " ".join(capsys.readouterr().out.split())


def test_snapshots_are_compared_by_file_where_nothing_else_tells_them_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [_save(tmp_path / f"{size}.json", _snapshot(size * MIB)) for size in (10, 30)]
    assert run(["compare", *paths, "--format", "json", "--issue", "#7"], "memcollect") == 0
    comparison = msgspec.json.decode(capsys.readouterr().out, type=Comparison)
    (pair,) = comparison.pairs
    assert (pair.baseline.backend, pair.candidate.backend) == ("10.json", "30.json")
    assert comparison.verdict.startswith("Related to #7. Nothing may be claimed: too few repeats: 1 and 1")


def test_labels_make_backends_and_repeats(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = []
    for label, size in (("aio", 10), ("aio", 11), ("cube", 30)):
        path = _save(tmp_path / f"{size}.json", _snapshot(size * MIB))
        arguments += ["--label", f"{label}={path}"]
    assert run(["compare", *arguments, "--format", "json"], "memcollect") == 0
    comparison = msgspec.json.decode(capsys.readouterr().out, type=Comparison)
    assert [(each.backend, each.repeats) for each in comparison.cells] == [("aio", 2), ("cube", 1)]


def test_a_phase_on_one_side_only_is_exit_code_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [
        _save(tmp_path / "a.json", _snapshot(MIB)),
        _save(tmp_path / "b.json", _snapshot(MIB, "after-bash", "kata")),
    ]
    assert run(["compare", *paths], "memcollect") == 3
    output = capsys.readouterr()
    assert "2 missing" in output.err
    assert "runc, after-bash: was not measured, though it was on another backend" in output.out


def test_an_altered_file_is_exit_code_3_and_named(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(runs[1]) / build.path_of("empty", 1)
    path.write_bytes(path.read_bytes() + b" ")
    assert run(["compare", *runs], "memcollect") == 3
    output = capsys.readouterr()
    assert "was altered" in output.err
    assert "Nothing may be claimed between the backends: " in " ".join(output.out.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "There is nothing to compare"),
        (["a.json"], "Only one file is named"),
        (["a.json", "a.json"], "is named twice"),
        (["a.json", "copy.json"], "are the same document"),
        (["a.json", "b.json", "--baseline", "nobody"], "No backend is called nobody"),
        (["a.json", "b.json", "--issue", "fixes all"], "is not an issue"),
        (["--label", "aio", "b.json"], "is not NAME=PATH"),
        (["--label", "x=a.json", "--label", "y=a.json"], "has two labels"),
        (["a.json", "b.json", "-o", "."], "is a directory"),
    ],
)
def test_wrong_usage_is_one_sentence(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    _save(tmp_path / "a.json", _snapshot(MIB))
    _save(tmp_path / "copy.json", _snapshot(MIB))
    _save(tmp_path / "b.json", _snapshot(9 * MIB))
    assert run(["compare", *arguments], "memcollect") == 2
    output = capsys.readouterr()
    assert words in output.err
    assert output.out == ""


def test_a_file_whose_name_is_not_utf_8_is_opened_and_its_name_made_visible(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = _save(tmp_path / "caf\udce9.json", _snapshot(MIB))
    plain = _save(tmp_path / "b.json", _snapshot(9 * MIB))
    assert run(["compare", "--label", f"old={odd}", "--label", f"new={plain}"], "memcollect") == 0
    assert r"caf\xe9.json: snapshot of old" in capsys.readouterr().out


def test_two_names_that_would_look_alike_stay_two_documents(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [
        _save(tmp_path / "caf\udce9.json", _snapshot(MIB)),
        _save(tmp_path / r"caf\xe9.json", _snapshot(9 * MIB)),
    ]
    assert run(["compare", *paths, "--format", "json"], "memcollect") == 0
    comparison = msgspec.json.decode(capsys.readouterr().out, type=Comparison)
    assert comparison.backends == [r"caf\xe9.json", r"caf\xe9.json (2)"]


@pytest.mark.parametrize("piped", [True, False])
def test_one_of_them_may_come_on_standard_input(
    piped: bool,  # noqa: FBT001 (a case)
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = _save(tmp_path / "a.json", _snapshot(MIB))
    after = _save(tmp_path / "b.json", _snapshot(9 * MIB))
    data = Path(after).read_bytes() if piped else b""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert run(["compare", before, "-", "--by", "file"], "memcollect") == (0 if piped else 1)
    output = capsys.readouterr()
    assert ("standard input: snapshot of standard input" in output.out) is piped
    assert ("standard input is empty" in output.err) is not piped


@pytest.mark.parametrize("time", ["yesterday", "", "2026-01-01T00:00:00", "9999-12-31T23:59:59-23:59"])
def test_a_snapshot_that_does_not_say_when_it_was_taken_is_one_sentence(
    time: str, runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edited = _save(tmp_path / "a.json", msgspec.structs.replace(_snapshot(MIB), captured_at=time))
    other = _save(tmp_path / "b.json", _snapshot(9 * MIB))
    assert run(["compare", edited, other], "memcollect") == 1
    said = capsys.readouterr().err
    assert (said.count("\n"), said.count("a.json does not say when it was taken")) == (1, 1)
    first = next((Path(runs[0]) / "snapshots").iterdir())
    snapshot = msgspec.json.decode(first.read_bytes(), type=Snapshot)
    first.write_bytes(msgspec.json.encode(msgspec.structs.replace(snapshot, captured_at=time)))
    manifest = Path(runs[0]) / "manifest.json"
    whole = msgspec.json.decode(manifest.read_bytes(), type=RunManifest)
    sealed = [
        msgspec.structs.replace(
            each, sha256=hashlib.sha256(first.read_bytes()).hexdigest(), size_bytes=first.stat().st_size
        )
        if each.path == f"snapshots/{first.name}"
        else each
        for each in whole.files
    ]
    manifest.write_bytes(msgspec.json.encode(msgspec.structs.replace(whole, files=sealed)))
    assert run(["compare", *runs, "--format", "json"], "memcollect") == 3
    found = msgspec.json.decode(capsys.readouterr().out, type=Comparison)
    assert any(f"{first.name} does not say when it was taken" in each.reason for each in found.missing)


@pytest.mark.parametrize("name", ["nowhere.json", "empty.json", "."])
def test_what_cannot_be_read_is_one_sentence(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.json").touch()
    _save(tmp_path / "a.json", _snapshot(MIB))
    assert run(["compare", "a.json", name], "memcollect") == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_run_of_which_nothing_is_left_is_one_sentence(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for each in (Path(runs[0]) / "snapshots").iterdir():
        each.unlink()
    assert run(["compare", runs[0]], "memcollect") == 1
    assert "No snapshot to compare: snapshots/after-python-1.json is missing." in capsys.readouterr().err


def test_the_comparison_comes_as_a_page_to_look_at(runs: list[str], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert run(["compare", *runs, "--format", "html", "-o", str(page)], "memcollect") == 0
    assert html_pages.faults(html_pages.parse(page.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("events", "altered"), [(b'{"kind": "a"}\n{"kind": "b"}\n', 0), (b'{"kind": "x"}\n', 1)]
)
def test_a_run_that_was_killed_is_unfinished_and_altered_only_where_it_was(
    tmp_path: Path, events: bytes, altered: int, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = build.good_pair()[0]
    assert whole.manifest is not None
    writer = BundleWriter.create(tmp_path / "run")
    for path, each in whole.snapshots.items():
        writer.write(path, msgspec.json.encode(each))
    writer.write("events.jsonl", b'{"kind": "a"}\n')
    writer.write_manifest(msgspec.structs.replace(whole.manifest, finished_at=None))
    (tmp_path / "run" / "events.jsonl").write_bytes(events)
    assert run(["compare", str(tmp_path / "run"), "--format", "json"], "memcollect") == 3
    found = msgspec.json.decode(capsys.readouterr().out, type=Comparison)
    assert found.verdict.startswith("run is unfinished; `memcollect profile --resume` goes on with it.")
    assert "nothing to hold" not in found.verdict
    reasons = [each.reason for each in found.missing]
    assert any("is unfinished; `memcollect profile --resume` goes on" in each for each in reasons)
    assert sum("was altered" in each for each in reasons) == altered


def test_evidence_that_was_edited_and_sealed_again_carries_no_claim(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aio, cube = (str(build.write(tmp_path / each.name, each)) for each in build.good_pair())

    def refused() -> set[str]:
        run(["compare", aio, cube, "--format", "json"], "memcollect")
        found = msgspec.json.decode(capsys.readouterr().out, type=Comparison)
        return {rule.rule for pair in found.pairs if pair.kind == "backends" for rule in pair.refusals}

    assert refused() == set()
    _reseal(Path(cube), b'"text": "not reached\\n"', b'"text": "reached\\n"')
    assert refused() == {"evidence"}


def _reseal(bundle: Path, old: bytes, new: bytes) -> None:
    """Edit the bundle's evidence, and write its new checksum into the manifest."""
    manifest = msgspec.json.decode((bundle / "manifest.json").read_bytes())
    (entry,) = (each for each in manifest["files"] if each["path"].startswith("evidence/"))
    data = (bundle / entry["path"]).read_bytes()
    assert old in data
    edited = data.replace(old, new)
    (bundle / entry["path"]).write_bytes(edited)
    entry.update(sha256=hashlib.sha256(edited).hexdigest(), size_bytes=len(edited))
    (bundle / "manifest.json").write_bytes(msgspec.json.encode(manifest))
