from pathlib import Path

import msgspec
import pytest

from memcollect.commands.run import run
from memcollect.documents.snapshot import Missing, Snapshot
from memcollect.explain import explain
from memcollect.reporters import json
from worlds import builders, local_tree
from worlds import sample_snapshots as samples


@pytest.fixture
def saved(tmp_path: Path) -> str:
    path = tmp_path / "saved.json"
    machine = local_tree.make_machine(tmp_path / "machine")
    assert run([*machine, "--format", "json", "-o", str(path)], "memcollect") == 0
    return str(path)


def _save(path: Path, snapshot: Snapshot) -> str:
    path.write_text(json.render(snapshot), encoding="utf-8")
    return str(path)


def test_a_saved_snapshot_says_the_same_offline(saved: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["explain", saved, "--format", "json"], "memcollect") == 0
    output = capsys.readouterr()
    assert msgspec.json.decode(output.out) == msgspec.json.decode(Path(saved).read_bytes())
    assert output.err == ""


@pytest.mark.parametrize("name", ["sandbox-1", "deer-flow/sandbox-1", local_tree.POD_UID])
def test_a_pod_is_found_by_any_of_its_names_and_shown_with_all_evidence(
    saved: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["explain", saved, name, "--full"], "memcollect") == 0
    text = capsys.readouterr().out
    assert "deer-flow/sandbox-1" in text
    assert "file_mapped 4194304 − Σ (Pss_File + Pss_Shmem) 2097152" in text


def test_a_file_of_another_version_is_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    explained = explain(samples.snapshot())
    altered = msgspec.structs.replace(explained.pods[0], verdict="All is well.")
    name = _save(tmp_path / "f.json", msgspec.structs.replace(explained, pods=[altered]))
    assert run(["explain", name], "memcollect") == 0
    output = capsys.readouterr()
    assert "1 of 1 pods read differently from the file, which memcollect 0.1.0 wrote" in output.err
    assert "All is well." not in output.out


def test_a_pause_containers_steps_in_an_older_file_are_no_difference_that_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    explained = explain(builders.snapshot(builders.pod(builders.container(), builders.pause())))
    app, pause = explained.pods[0].containers
    assert app.ladder is not None
    assert app.ladder.steps
    older = msgspec.structs.replace(
        explained.pods[0], containers=[app, msgspec.structs.replace(pause, ladder=app.ladder)]
    )
    name = _save(tmp_path / "f.json", msgspec.structs.replace(explained, pods=[older]))
    assert run(["explain", name], "memcollect") == 0
    assert "read differently" not in capsys.readouterr().err


def test_an_unknown_pod_is_answered_with_those_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = _save(tmp_path / "f.json", samples.snapshot(samples.pod("one"), samples.pod("two")))
    assert run(["explain", name, "three"], "memcollect") == 2
    assert "It holds: deer-flow/one, deer-flow/two." in capsys.readouterr().err


def test_a_snapshot_that_lacks_something_is_explained_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = Missing(kind="pod", name="deer-flow/late", reason="no-agent", detail="its node has no agent")
    lacking = msgspec.structs.replace(samples.snapshot(), missing=[gone])
    path = _save(tmp_path / "s.json", explain(lacking))
    assert run(["explain", path], "memcollect") == 0
    assert "its node has no agent" in capsys.readouterr().out


def test_an_ambiguous_name_is_answered_with_the_uids(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pods = [samples.pod("one", uid="u-1"), samples.pod("one", uid="u-2", namespace="other")]
    name = _save(tmp_path / "f.json", samples.snapshot(*pods))
    assert run(["explain", name, "one"], "memcollect") == 2
    assert "2 pods are called one: deer-flow/one (u-1), other/one (u-2)" in capsys.readouterr().err


def test_a_missing_pod_is_answered_with_why_it_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = _save(tmp_path / "f.json", samples.snapshot(missing=[samples.missing_pod("gone-1")]))
    assert run(["explain", name, "gone-1"], "memcollect") == 2
    assert "gone-1 was not measured (no-agent): No agent runs on worker-2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("{", "cut short"),
        ('{"schema_version": 4}', "Upgrade memcollect"),
        ("[]", "is not a memcollect"),
    ],
)
def test_a_bad_file_is_one_sentence(
    tmp_path: Path, content: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.json"
    path.write_text(content)
    assert run(["explain", str(path)], "memcollect") == 1
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
