"""The guide as it is shipped, evidence included, on two backends of which one is broken in ten known ways.

It is no part of `make test`, for writing 50 MiB into a sandbox takes minutes here: `make guide` runs it.
"""

from pathlib import Path

import pytest

from lab import guide
from lab.guide_pages import BACKENDS, PHASES, between, compare, compared
from memcollect.compare.model import Comparison
from memcollect.evidence.catalogue import MEASURED, NAMES
from memcollect.lab import kernels, matrix
from memcollect.lab.errors import LabError
from memcollect.lab.sandboxes import BACKENDS as BACKENDS_OF_THE_LAB
from worlds.planted_faults import MAY_BREAK, MUST_BREAK

pytestmark = pytest.mark.lab

(KERNEL,) = matrix.versions(matrix.Suite.GUIDE)
TOO_LARGE = "beyond-memory"
"""To go beyond 1 GiB takes longer on this kernel than the check may."""


@pytest.fixture(scope="module")
def results(lab_directory: Path) -> Path:
    try:
        kernels.provide(KERNEL)
    except LabError as error:
        pytest.skip(f"NOT RUN, since the kernel could not be had: {error}")
    directory = lab_directory / "profile-evidence"
    directory.mkdir(exist_ok=True)
    if not (directory / "left").exists():
        guide.run_all(directory, KERNEL, evidence=True)
    return directory


@pytest.fixture(scope="module")
def comparison(results: Path) -> Comparison:
    return compared(results, *BACKENDS, code=guide.NOT_ALL_TRIED)


def test_a_backend_that_is_broken_may_not_be_claimed_to_save_anything(comparison: Comparison) -> None:
    for phase in PHASES:
        pair = between(comparison, phase)
        assert [each.rule for each in pair.refusals] == ["evidence"], phase
        assert pair.claim == ""
    assert "Nothing may be claimed" in comparison.verdict
    assert "the candidate does not keep the guide's rows: " in comparison.verdict


def test_the_same_numbers_are_a_claim_for_the_backend_that_keeps_the_guide_s_rows(results: Path) -> None:
    turned = compared(results, *reversed(BACKENDS), code=guide.NOT_ALL_TRIED)
    for phase in PHASES:
        pair = between(turned, phase)
        assert pair.refusals == [], phase
        assert pair.claim


def test_the_page_s_first_lines_say_which_backend_may_be_recommended_and_why_not_the_other(
    results: Path,
) -> None:
    words = (*BACKENDS, "--issue", "#3213", "--format", "markdown")
    page = compare(results, *words, code=guide.NOT_ALL_TRIED)
    first = page.partition("\n## ")[0]
    assert "disk may be recommended by the guide's rule, memory aside; memory may not" in first
    assert "Artifacts" in first


def test_all_ten_rows_are_there_for_both_backends(comparison: Comparison) -> None:
    assert comparison.evidence is not None
    assert comparison.evidence.backends == [*BACKENDS]
    assert [row.name for row in comparison.evidence.rows] == [*MEASURED, *NAMES]
    assert len(comparison.evidence.rows) == 10
    for row in comparison.evidence.rows:
        assert all(cell.of or (row.name in MEASURED and cell.worst) for cell in row.cells), row.name
    assert {each.check for each in comparison.evidence.untried} <= {TOO_LARGE}
    assert comparison.evidence.left == []


def broken(comparison: Comparison, backend: str) -> frozenset[tuple[str, str]]:
    assert comparison.evidence is not None
    index = comparison.evidence.backends.index(backend)
    return frozenset(
        (line.row, line.name)
        for line in comparison.evidence.lines
        if (result := line.results[index]) is not None and result.verdict in {"fails", "differs"}
    )


def test_every_fault_that_was_planted_is_found_and_none_is_invented(comparison: Comparison) -> None:
    planted = BACKENDS_OF_THE_LAB["memory"].faults
    found = broken(comparison, "memory")
    assert sorted(frozenset().union(*(MUST_BREAK[fault] for fault in planted)) - found) == []
    may = frozenset().union(*(MAY_BREAK[fault] for fault in planted))
    assert sorted(found - may) == []
    assert broken(comparison, "disk") == frozenset()
