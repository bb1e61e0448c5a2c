import json
import os
from pathlib import Path

import pytest

from memcollect.commands.run import run
from worlds import sample_snapshots as samples
from worlds.schemas import faults

SAMPLE = Path(__file__).parents[2] / "document_samples" / "snapshot-2.json"


def test_a_snapshot_is_written_without_names_and_can_be_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    public = tmp_path / "public.json"
    assert run(["redact", str(SAMPLE), "-o", str(public)], "memcollect") == 0
    document = json.loads(public.read_bytes())
    assert faults("snapshot", document) == []
    assert document["redacted"] is True
    assert "prom-0" not in public.read_text()
    capsys.readouterr()
    assert run(["explain", str(public)], "memcollect") == 0
    output = capsys.readouterr()
    assert "2002 MiB of 2988 MiB is page cache" in output.out
    assert output.err == ""
    assert run(["redact", str(public)], "memcollect") == 2
    assert "The snapshot is redacted already. Redact the original" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"schema_version": 9, "tool": {"version": "9.0"}}', "has schema 9, written by memcollect 9.0"),
        ('{"schema_version": 1}', "has schema 1; this memcollect reads 2 and 3."),
        ("{}", "is not a memcollect snapshot: it has no schema_version."),
        ("", "is empty."),
        ("{", "is not JSON, or is cut short"),
    ],
)
def test_what_is_no_snapshot_of_this_version_is_told(
    text: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.json"
    path.write_text(text)
    assert run(["redact", str(path), "-o", str(tmp_path / "out.json")], "memcollect") == 1
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize("arguments", [[], ["--known", str(SAMPLE)]])
def test_one_thing_is_asked_for(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["redact", *arguments], "memcollect") == 2
    assert "Name a snapshot, a recording or a diagnosis, or give --known." in capsys.readouterr().err


def test_the_names_that_stay_are_public(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["redact", "--known"], "memcollect") == 0
    assert '"jupyter-lab"' in capsys.readouterr().out


@pytest.mark.parametrize("place", ["/nowhere.json", "/dev/zero", "/"])
def test_what_cannot_be_read_is_told(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["redact", place], "memcollect") == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert run(["redact", str(tmp_path / "pipe")], "memcollect") == 1
    assert "pipe is not a regular file" in capsys.readouterr().err


def test_a_document_of_yesterday_without_the_mark_is_not_redacted() -> None:
    assert samples.snapshot().redacted is False
