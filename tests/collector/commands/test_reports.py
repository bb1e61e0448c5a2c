import json
import os
import sys
from pathlib import Path

import pytest

from memcollect.commands.run import run
from memcollect.documents.snapshot import Snapshot
from memcollect.explain import explain
from memcollect.reporters import json as json_report
from worlds import children, html_pages, local_tree
from worlds import sample_snapshots as samples


def _save(path: Path, snapshot: Snapshot) -> str:
    path.write_text(json_report.render(snapshot), encoding="utf-8")
    return str(path)


def test_a_snapshot_comes_in_the_older_scripts_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = local_tree.make_machine(tmp_path / "machine")
    assert run([*machine, "--format", "profile-v1", "--include-processes"], "memcollect") == 0
    view = json.loads(capsys.readouterr().out)
    assert (view["schema_version"], view["summary"]["pod_count"]) == (1, 1)
    assert view["pods"][0]["memory"] == {"raw": None, "bytes": None, "mib": None}
    assert [each["pid"] for each in view["pods"][0]["processes"]] == [local_tree.PID]


def test_a_saved_snapshot_comes_in_the_older_scripts_markdown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = _save(tmp_path / "s.json", explain(samples.snapshot()))
    assert run(["explain", saved, "--format", "profile-v1-markdown"], "memcollect") == 0
    text = capsys.readouterr().out
    assert "- Sample: `after-python`" in text
    assert "| deer-flow-sandbox-7d9c5b6f4-x2x9k | Running | - | 1000Mi | - |" in text


@pytest.mark.parametrize("format_", ["profile-v1", "profile-v1-markdown"])
def test_no_pod_at_all_is_exit_code_3_where_the_script_said_nothing(
    format_: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = local_tree.make_machine(tmp_path / "machine", with_pod=False, with_service=False)
    empty = _save(tmp_path / "empty.json", Snapshot(captured_at="", finished_at="", mode="cluster"))
    assert run(["explain", empty, "--format", format_], "memcollect") == 3
    assert "no pod is in the snapshot" in capsys.readouterr().err
    assert run([*machine, "--match", "nobody", "--format", format_], "memcollect") == 3


def test_a_page_is_utf_8_whatever_the_terminal_reads(tmp_path: Path) -> None:
    saved = _save(tmp_path / "s.json", explain(samples.snapshot(samples.pod("größe-Σ"))))
    words = [sys.executable, "-m", "memcollect", "explain", saved, "--format", "html"]
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    page = children.run(words, check=True, env=environment).stdout
    assert "größe-Σ" in page


def test_a_snapshot_comes_as_a_page_to_look_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    machine = local_tree.make_machine(tmp_path / "machine")
    assert run([*machine, "--format", "html"], "memcollect") == 0
    page = html_pages.parse(capsys.readouterr().out)
    assert html_pages.faults(page) == []
    saved, file = _save(tmp_path / "s.json", explain(samples.snapshot())), tmp_path / "s.html"
    assert run(["explain", saved, "--format", "html", "-o", str(file)], "memcollect") == 0
    assert html_pages.faults(html_pages.parse(file.read_text(encoding="utf-8"))) == []
