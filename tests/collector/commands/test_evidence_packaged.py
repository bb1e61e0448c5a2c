"""`memcollect evidence` and plans on sandboxes that a package makes: no pods, and no cluster is needed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from memcollect.commands.run import run
from worlds import children
from worlds.local_package import command
from worlds.waiting import PATIENCE, wait_until

FAKE_DEERFLOW = Path(__file__).parents[2] / "worlds" / "fake_deerflow"
KEY = f"e2b_{'7' * 40}"
PHASES = """
name = "whole"
repeats = 1
[[phases]]
name = "empty"
do = "nothing"
[[phases]]
name = "evidence"
do = "evidence"
rows = ["Paths"]
"""


@pytest.fixture(autouse=True)
def no_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("E2B_API_KEY", KEY)


def source(directory: Path, way: str = "") -> str:
    """Write a source's file; return its path."""
    path = directory / "mine.toml"
    words = json.dumps(command(directory / "backend", way))
    path.write_text(f'[source]\nkind = "e2b"\nready_within = "60s"\n[evidence]\ncommand = {words}\n')
    return str(path)


def there(directory: Path) -> list[str]:
    return sorted(each.name for each in (directory / "backend" / "there").iterdir())


def told(capsys: pytest.CaptureFixture[str], words: Sequence[str]) -> tuple[int, str, str]:
    code = run(list(words), "memcollect")
    out, err = capsys.readouterr()
    return code, out, err


def checks(bundle: Path) -> dict[str, dict[str, Any]]:
    document = json.loads((bundle / "evidence" / "evidence.json").read_bytes())
    return {c["name"]: c for row in document["rows"] for c in row["checks"]}


def test_a_source_without_pods_is_tried_without_a_cluster_and_nothing_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evidence", source(tmp_path), "--rows", "paths,operations", "-o", str(tmp_path / "out")]
    code, out, err = told(capsys, words)
    assert code == 3, err
    found = checks(tmp_path / "out")
    assert found["workspace"]["verdict"] == found["working-directory"]["verdict"] == "as-expected"
    assert found["privileged"]["verdict"] == "not-tried"
    assert found["privileged"]["observed"] == "its sandboxes are no pods of a cluster that we see"
    assert "driver e2b" in out
    assert there(tmp_path) == []


def test_phases_that_measure_memory_are_skipped_with_a_reason_and_never_zero(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plan.toml").write_text(PHASES + '[source]\nkind = "template"\nclone = "x"\n')
    words = [
        "profile",
        str(tmp_path / "plan.toml"),
        "--source",
        source(tmp_path),
        "-o",
        str(tmp_path / "out"),
    ]
    code, _, err = told(capsys, words)
    assert code == 3, err
    assert "warning: empty will be skipped: the source's sandboxes are no pods" in err
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
    phases = {each["phase"]: each for each in manifest["phases"]}
    assert phases["empty"]["status"] == "skipped"
    assert phases["empty"]["missing"][0]["reason"] == "not-seen"
    assert phases["evidence"]["status"] == "ok"
    assert phases["empty"].get("snapshots", []) == []
    assert checks(tmp_path / "out")["workspace"]["verdict"] == "as-expected"
    assert there(tmp_path) == []


def test_what_a_crash_has_left_is_cleaned_up_by_the_package(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    told(capsys, ["evidence", source(tmp_path), "--rows", "paths", "-o", str(out)])
    run_id = json.loads((out / "manifest.json").read_bytes())["run_id"]
    left = tmp_path / "backend" / "there"
    (left / "id-left").write_text(f"mc-{run_id}")
    (left / "id-others").write_text("mc-9876543210")
    code, _, err = told(capsys, ["evidence", "--clean", str(out)])
    assert (code, there(tmp_path)) == (0, ["id-others"]), err
    assert "nothing of the run is left" in err


@pytest.mark.parametrize(
    ("way", "verdict", "said"),
    [
        ("garbage", "fails", "no JSON but"),
        ("html", "fails", "502 Bad Gateway"),
        ("dies", "fails", "the program of the driver e2b has ended"),
        ("full", "not-tried", "no room for another sandbox"),
        ("secret", "not-tried", "the key"),
    ],
)
def test_a_package_that_misbehaves_is_told_with_what_was_seen(
    way: str, verdict: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evidence", source(tmp_path, way), "--rows", "operations,paths", "-o", str(tmp_path / "out")]
    code, out, err = told(capsys, words)
    assert code == 3, err
    check = checks(tmp_path / "out")["workspace"]
    assert (check["verdict"], said in check["observed"]) == (verdict, True), check
    written = b"".join(each.read_bytes() for each in (tmp_path / "out").rglob("*.*"))
    assert "Traceback" not in out + err
    assert KEY not in out + err
    assert KEY.encode() not in written
    assert there(tmp_path) == []


@pytest.mark.parametrize("way", ["slow", "hangs", ""])
def test_ctrl_c_in_each_phase_removes_what_was_made(way: str, tmp_path: Path) -> None:
    """While a sandbox is waited for, while a command is, and between checks."""
    words = [
        sys.executable,
        "-m",
        "memcollect",
        "evidence",
        source(tmp_path, way),
        "-o",
        str(tmp_path / "out"),
    ]
    with children.Child(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        wait_until(lambda: (tmp_path / "backend" / "there").is_dir() and bool(there(tmp_path)))
        child.send_signal(signal.SIGINT)
        code = child.wait(3 * PATIENCE)  # a command that hangs has 20 s of its own
    assert code == 130
    assert there(tmp_path) == []
    assert (tmp_path / "out" / "manifest.json").exists()


def test_a_package_that_is_not_there_is_one_sentence_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'[source]\nkind = "e2b"\n[evidence]\ncommand = ["{sys.executable}", "-I"]\n')
    code, out, err = told(capsys, ["evidence", str(path), "-o", str(tmp_path / "out")])
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert "The driver e2b did not start" in err
    assert not os.path.lexists(tmp_path / "out")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ('kind = "deerflow"', []),
        ('kind = "template"\nclone = "app=x"', ["--driver", "deerflow"]),
    ],
)
def test_deer_flows_own_provider_needs_no_cluster_whatever_the_source_says(
    kind: str,
    words: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("PYTHONPATH", str(FAKE_DEERFLOW))
    monkeypatch.setenv("FAKE_DEERFLOW", str(tmp_path / "data"))
    path, out = tmp_path / "mine.toml", tmp_path / "out"
    path.write_text(f"[source]\n{kind}\n[evidence]\ncommand = [{sys.executable!r}]\n")
    code, page, err = told(
        capsys, ["evidence", str(path), *words, "--rows", "files,isolation", "-o", str(out)]
    )
    assert code == 3, err
    assert "driver deerflow" in page
    found = checks(out)
    assert found["every-byte-in"]["verdict"] == "as-expected"
    assert found["two-users"]["verdict"] != "not-tried"
    assert (tmp_path / "data" / "shut-down").exists()
    assert json.loads((out / "manifest.json").read_bytes())["phases"][0]["status"] == "ok"
    assert told(capsys, ["evidence", "--clean", str(out)])[0] == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('kind = "deerflow"\n', "evidence.command is missing; write what starts Python in DeerFlow's"),
        (
            'kind = "e2b"\n[evidence]\ndriver = "exec"\n',
            "are spoken to by its own package; leave the driver out",
        ),
        ('kind = "opensandbox"\n', "evidence.template is missing; write the image"),
        ('kind = "e2b"\nnamespace = "cube"\n', "source.label is ''; write the label of the sandboxes' pods"),
        ('kind = "e2b"\nnamespace = "A"\n', "source.namespace is 'A'; write a namespace's name"),
        ('kind = "e2b"\nready_within = "0s"\n', "source.ready_within is 0"),
    ],
)
def test_what_a_packaged_source_may_not_say_is_a_sentence(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.toml").write_text(f"[source]\n{text}")
    code, _, err = told(capsys, ["evidence", str(tmp_path / "mine.toml"), "--check"])
    assert code == 2
    assert said in err
