"""What was reported from the field is told as its folder says: `scripts/field-test` makes one of a report."""

import shlex
from pathlib import Path

import pytest

from memcollect.commands.run import run
from memcollect.documents.files import read_snapshot
from memcollect.recording.archive import read_recording

HERE = Path(__file__).parent
REPORTS = sorted(path.parent for path in HERE.glob("*/told.txt"))


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.name)
def test_a_report_from_the_field_is_told_as_it_was(
    report: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command, _, told = (report / "told.txt").read_text(encoding="utf-8").partition("\n")
    monkeypatch.chdir(report)
    monkeypatch.setenv("COLUMNS", "80")
    assert run(shlex.split(command.removeprefix("$ memcollect ")), "memcollect") in {0, 3}
    lines = capsys.readouterr().out.splitlines(keepends=True)
    assert "".join(line for line in lines if not line.startswith("Captured")) == told


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.name)
def test_a_report_from_the_field_is_redacted(report: Path) -> None:
    recording, snapshot = report / "recording.tar.gz", report / "snapshot.json"
    assert recording.exists() or snapshot.exists()
    assert not recording.exists() or read_recording(str(recording)).about.redacted
    assert not snapshot.exists() or read_snapshot(str(snapshot)).redacted


def test_there_are_reports() -> None:
    assert len(REPORTS) >= 2
