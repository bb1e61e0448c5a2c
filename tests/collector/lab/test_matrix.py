"""One table of the kernels, and nothing beside it that says something else."""

import re
import sys
from pathlib import Path

import pytest

from memcollect.lab import matrix
from memcollect.lab.matrix import MATRIX, Boot, Suite
from worlds import children

ROOT = Path(__file__).parents[3]


def test_a_kernel_is_known_by_its_version_and_by_what_it_says_of_itself() -> None:
    for release in ("6.1", "6.1.176", "6.1-rc2"):
        row = matrix.row_of(release)
        assert row is not None
        assert row.suite == "bookworm"
    assert matrix.row_of("6.13.2") is None
    assert matrix.row_of("6") is None


def test_no_kernel_stands_in_it_twice() -> None:
    assert len({(row.version, row.boot) for row in MATRIX}) == len(MATRIX)


def test_every_suite_runs_on_a_kernel_and_the_guide_on_one() -> None:
    assert all(matrix.versions(suite) for suite in Suite)
    assert len(matrix.versions(Suite.GUIDE)) == 1


def test_what_needs_no_padding_does_not_trace_or_asks_the_host() -> None:
    assert [row.version for row in MATRIX if row.boot is Boot.PROGRAM and row.sets_bytes is None] == ["7.2"]


@pytest.mark.parametrize("suite", list(Suite))
def test_scripts_get_a_suites_kernels_as_words(suite: Suite) -> None:
    command = [sys.executable, "-m", "memcollect.lab.matrix", suite]
    done = children.run(command, check=True)
    assert done.stdout.split() == matrix.versions(suite)


def test_anything_else_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert matrix.main(["nonsense"]) == 2
    assert "usage:" in capsys.readouterr().err


def test_the_page_holds_the_table() -> None:
    page = (ROOT / "docs/lab.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- begin: matrix -->\n\n(.*)\n<!-- end: matrix -->", page, re.DOTALL)
    assert found is not None
    assert found[1] == matrix.table(), "python -m memcollect.lab.matrix table"


@pytest.mark.parametrize(("target", "suite"), [("lab", None), ("lab-full", Suite.FULL)])
def test_the_makefile_names_the_kernels_of_the_table(target: str, suite: Suite | None) -> None:
    makefile = (ROOT / "Makefile").read_text()
    (line,) = re.findall(rf"^{target}:.*make {target} KERNEL=(.*)$", makefile, re.MULTILINE)
    assert line.split(" | ") == matrix.versions(suite)
