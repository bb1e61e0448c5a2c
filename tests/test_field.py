"""scripts/field-test: a file that is attached to an issue becomes a test in one step."""

import shutil
import sys
from pathlib import Path

import pytest

from worlds.children import run

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "tests" / "recordings" / "aio-services"
SAMPLE = ROOT / "tests" / "document_samples" / "snapshot-2.json"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The script in a tree of its own, where it writes."""
    copy = tmp_path / "scripts" / "field-test"
    copy.parent.mkdir()
    shutil.copy(ROOT / "scripts" / "field-test", copy)
    return copy


def test_a_recording_becomes_the_folder_that_the_test_reads(script: Path, tmp_path: Path) -> None:
    done = run([sys.executable, script, "mine", REPORT / "recording.tar.gz"])
    assert (done.returncode, done.stderr) == (0, "")
    folder = tmp_path / "tests" / "recordings" / "mine"
    assert (folder / "recording.tar.gz").read_bytes() == (REPORT / "recording.tar.gz").read_bytes()
    assert (folder / "told.txt").read_text() == (REPORT / "told.txt").read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["mine", SAMPLE], "has names in it."),
        (["../mine", SAMPLE], "is no name for a test."),
        (["mine", "/nowhere"], "No such file"),
        (["mine", ROOT / "README.md"], "is not JSON"),
    ],
)
def test_what_may_not_be_kept_is_told_in_one_sentence(
    arguments: list[str], sentence: str, script: Path, tmp_path: Path
) -> None:
    done = run([sys.executable, script, *arguments])
    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "tests").exists()
