"""`memcollect snapshot --depth summary`: terms and verdict of most pods, said wherever more would be."""

from pathlib import Path

import pytest

from memcollect.commands.run import run
from memcollect.documents.files import read_snapshot
from memcollect.documents.snapshot import SCHEMA_VERSION, SUMMARY_SCHEMA_VERSION, Snapshot
from memcollect.taking import chosen, cluster
from worlds.live_cluster import LiveCluster

SANDBOXES = ("-n", "deer-flow", "-n", "team-b")


@pytest.fixture(autouse=True)
def few_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chosen.Chosen.__init__, "__defaults__", (1,))


def taken(live: LiveCluster, path: Path, *words: str, code: int = 0) -> Snapshot:
    saved = ["--format", "json", "--force", "-o", str(path)]
    assert run(["snapshot", *words, *saved, *live.options()], "memcollect") == code
    return read_snapshot(str(path))


def in_summary(snapshot: Snapshot) -> set[str]:
    return {pod.full_name for pod in snapshot.pods if pod.summary is not None}


@pytest.fixture
def saved(live: LiveCluster, tmp_path: Path) -> Path:
    path = tmp_path / "summary.json"
    taken(live, path, *SANDBOXES, "--depth", "summary")
    return path


def test_any_number_of_jobs_tells_the_same_pods_in_summary_and_the_same_of_them(
    live: LiveCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = (
        taken(live, tmp_path / "s.json", *SANDBOXES, "--depth", "summary", "--jobs", jobs)
        for jobs in ("1", "2")
    )
    full = taken(live, tmp_path / "f.json", *SANDBOXES)
    told = {pod.full_name: pod.composition for pod in full.pods}
    assert (one.depth, two.depth, full.depth) == ("summary", "summary", "full")
    assert (one.schema_version, full.schema_version) == (SUMMARY_SCHEMA_VERSION, SCHEMA_VERSION)
    assert in_summary(full) == set()
    for each in (one, two):
        assert {pod.full_name for pod in each.pods} == set(told)
        assert 0 < len(in_summary(each)) < len(told)
        for pod in each.pods:
            assert (pod.containers == []) == (pod.summary is not None)
            assert pod.composition is not None
            assert pod.verdict
        assert each.summary.containers == full.summary.containers
        assert each.summary.pods_measured == full.summary.pods_measured
    error = capsys.readouterr().err
    assert f"Depth summary: of {len(told)} pods" in error
    assert "the largest" in error


def test_many_pods_of_all_namespaces_are_told_in_summary_unless_full_is_asked_for(
    live: LiveCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "MANY_PODS", 2)
    path = tmp_path / "s.json"
    everywhere = taken(live, path, "-A", code=3)  # the agents' own pods have no cgroup here
    assert everywhere.depth == "summary"
    assert everywhere.schema_version == SUMMARY_SCHEMA_VERSION
    assert any("Depth summary" in note for note in everywhere.notes)
    assert taken(live, path, "-A", "--depth", "full", code=3).depth == "full"
    assert taken(live, path, "-A", "--include-processes", code=3).depth == "full"
    assert taken(live, path, *SANDBOXES).depth == "full"


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["--include-processes"], "--include-processes"),
        (["--mappings"], "--mappings"),
        (["--files"], "--files"),
        (["--format", "profile-v1"], "--format profile-v1"),
        (["deer-flow/sandbox"], "POD"),
    ],
)
def test_what_a_summary_would_leave_out_is_not_asked_for_with_it(
    words: list[str], asked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["snapshot", "--depth", "summary", *words], "memcollect") == 2
    assert f"--depth summary leaves out what {asked} asks for." in capsys.readouterr().err


def test_it_has_no_effect_on_this_machine_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["snapshot", "--local", "--depth", "summary"], "memcollect") == 2
    assert "--depth has no effect with --local." in capsys.readouterr().err


@pytest.mark.parametrize("format_", ["table", "markdown", "html"])
def test_every_report_says_what_is_not_there_and_how_to_have_it(
    saved: Path, format_: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["explain", str(saved), "--format", format_, "--details", "all"]
    assert run(words, "memcollect") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "Told in summary" in text
    assert "A snapshot with --depth full" in text
    assert "Depth summary: of" in text
    assert "no numbers" not in text


def test_one_pod_of_it_is_explained_by_its_verdict(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    snapshot = read_snapshot(str(saved))
    pod = next(each for each in snapshot.pods if each.summary is not None)
    for words in ([], ["--full"]):
        assert run(["explain", str(saved), pod.full_name, *words], "memcollect") == 0
        output = capsys.readouterr()
        text = " ".join(output.out.split())
        assert " ".join(pod.verdict.split()) in text
        assert f"`memcollect explain {pod.full_name}`" in text
        assert "Not measured" not in text
        assert "read differently" not in output.err


def test_without_its_names_it_has_no_verdicts_and_says_why(saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "public.json"
    before = read_snapshot(str(saved))
    assert run(["redact", str(saved), "-o", str(path)], "memcollect") == 0
    after = read_snapshot(str(path))
    text = path.read_text()
    assert not any(pod.name in text for pod in before.pods)
    assert after.depth == "summary"
    for old, new in zip(before.pods, after.pods, strict=True):
        assert new.composition is not None
        assert old.composition is not None
        assert [(each.term, each.estimate_bytes) for each in new.composition.terms] == [
            (each.term, each.estimate_bytes) for each in old.composition.terms
        ]
        if old.summary is not None and new.summary is not None:
            assert new.verdict.startswith("Its verdict had names in it")
            assert new.summary.causes == old.summary.causes


def test_its_pods_are_compared_by_their_terms_and_no_sameness_is_claimed_of_what_it_leaves_out(
    live: LiveCluster, saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.json"
    taken(live, other, *SANDBOXES, "--depth", "summary")
    capsys.readouterr()
    code = run(["compare", str(saved), str(other), "--by", "file"], "memcollect")
    text = " ".join(capsys.readouterr().out.split())
    assert code in (0, 3)
    assert "told in summary" in text
    assert "the same image" not in text
    assert "anonymous memory" in text


def test_what_was_written_before_there_was_a_depth_is_told_in_full(live: LiveCluster, tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    taken(live, path, *SANDBOXES)
    kept = [line for line in path.read_text().splitlines() if not line.startswith('  "depth"')]
    path.write_text("\n".join(kept))
    assert read_snapshot(str(path)).depth == "full"
