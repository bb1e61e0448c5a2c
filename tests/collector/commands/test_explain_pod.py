"""`memcollect explain POD`: one pod of the cluster as it is now, by the same page as of a saved snapshot."""

from pathlib import Path

import msgspec
import pytest

from memcollect.commands.run import run
from memcollect.documents.snapshot import Snapshot
from memcollect.testing import Fault
from worlds.live_cluster import LiveCluster


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> tuple[str, str]:
    """Return what the command writes, and what it says beside."""
    assert run(["explain", *words], "memcollect") == code
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_one_pod_is_measured_and_told_on_its_page(
    live: LiveCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = told(capsys, "sandbox-a", *live.options())
    assert err == ""
    assert out.splitlines()[0] == "deer-flow/sandbox-a"
    assert "From the processes to kubectl top" in out


def test_its_mappings_are_read_and_its_services_have_their_price(
    live: LiveCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["deer-flow/sandbox-a", "--mappings", "--include-processes", *live.options()]
    out, _ = told(capsys, *words, "--format", "json")
    (pod,) = msgspec.json.decode(out, type=Snapshot).pods
    assert any(each.services for each in pod.containers)


def test_files_that_cannot_be_reached_are_said_and_change_the_exit_code(
    live: LiveCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    """The recorded nodes' files are another machine's: the agent says so, and no file is made up."""
    out, err = told(capsys, "sandbox-a", "--files", *live.options(), code=3)
    assert "Files behind page cache and tmpfs" in out
    assert "another machine's" in out
    assert "another machine's" in err


def test_a_pod_that_is_not_there_is_missing(live: LiveCluster, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = told(capsys, "nobody-is-called-so", *live.options(), code=3)
    assert out == ""
    assert "No pod of the chosen namespaces is called nobody-is-called-so: see `kubectl get pods -A`." in err


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("snadbox-b", "sandbox-b"),
        ("deer-flow/snadbox-b", "deer-flow/sandbox-b"),
        ("deerflow/sandbox-b", "deer-flow/sandbox-b"),
    ],
)
def test_a_slip_of_the_fingers_finds_its_pod(
    written: str, meant: str, live: LiveCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    _, err = told(capsys, written, *live.options(), code=3)
    assert f"There is no pod {written}. Did you mean {meant}" in err


def test_a_pod_of_other_namespaces_is_named_with_them(
    live: LiveCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    _, err = told(capsys, "sandbox-c", "-n", "default", *live.options(), code=3)
    assert "There is no pod sandbox-c. Did you mean deer-flow/sandbox-c or team-b/sandbox-c?" in err


def test_where_no_pods_may_be_listed_a_pod_that_is_not_there_is_still_told(
    live: LiveCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    live.state.fault(Fault(".*/pods$", times=None, status=403))
    _, err = told(capsys, "deer-flow/snadbox-b", *live.options(), code=3)
    assert "There is no pod deer-flow/snadbox-b: see `kubectl get pods -A`." in err


def test_of_several_pods_of_one_name_none_is_told(
    live: LiveCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = told(capsys, "sandbox-a", "-A", *live.options(), code=2)
    assert out == ""
    assert "2 pods are called sandbox-a: deer-flow/sandbox-a, team-b/sandbox-a" in err
    assert "NAMESPACE/NAME" in err


@pytest.mark.parametrize("name", ["before.json", "runs/aio/after.json", "No_Pod", "a/b/c", "before.json.gz"])
def test_what_can_be_no_pod_is_a_file_that_is_missed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = told(capsys, name, code=1)
    assert out == ""
    assert f"{name} cannot be read: No such file or directory." in err


def test_a_file_that_is_there_is_the_one_that_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sandbox-a").write_text("{}")
    _, err = told(capsys, "sandbox-a", code=1)
    assert "sandbox-a" in err


@pytest.mark.parametrize(
    "option",
    [
        ["--context", "dev"],
        ["-n", "team-b"],
        ["--include-processes"],
        ["--timeout", "5"],
        ["--agent-port", "1"],
    ],
)
def test_what_only_matters_for_a_measurement_is_refused_with_a_file(
    option: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "saved.json"
    path.write_text("{}")
    _, err = told(capsys, str(path), *option, code=2)
    assert "has no effect on a saved snapshot" in err


def test_mappings_that_no_snapshot_holds_are_missed(
    live: LiveCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "saved.json"
    assert run(["snapshot", *live.options(), "--format", "json", "-o", str(path)], "memcollect") == 0
    _, err = told(capsys, str(path), "--mappings", code=2)
    assert "tells no mappings" in err
    assert "--mappings" in err
