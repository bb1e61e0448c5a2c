"""The matrix: what was not tried is told first, and no gap reads as something good."""

import msgspec
import pytest

from memcollect.documents.snapshot import Tool
from memcollect.evidence.catalogue import GUARDED, NAMES
from memcollect.evidence.document import CatalogueUsed, Evidence
from memcollect.evidence.judging import Verdict
from memcollect.evidence.matrix import BROKEN_OFF, guarded_faults, matrix
from memcollect.reporters.evidence.formats import rendered
from worlds.compare_builders import evidence_of, few


def test_a_backend_with_every_row_as_expected_may_be_recommended() -> None:
    found = matrix([evidence_of("aio")])
    assert [row.name for row in found.rows] == ["Capacity", "Startup", *NAMES]
    assert [(each.backend, each.may) for each in found.advice] == [("aio", True)]
    assert found.untried == []


@pytest.mark.parametrize("row", GUARDED)
@pytest.mark.parametrize("verdict", ["fails", "differs", "not-offered", "not-tried"])
def test_a_guarded_row_that_is_not_as_expected_speaks_against_it(row: str, verdict: Verdict) -> None:
    document = evidence_of("aio", {row: verdict})
    assert [fault.partition(":")[0] for fault in guarded_faults(document)] == [row]
    assert [each.may for each in matrix([document]).advice] == [False]


def test_the_worst_check_speaks_for_itself_and_the_others_are_counted_as_not_as_expected() -> None:
    document = evidence_of("aio", {"Paths": "fails"})
    rows = {row.row: row for row in document.rows}
    failing = rows["Paths"].checks[0]
    others = [msgspec.structs.replace(each, verdict="not-offered") for each in rows["Paths"].checks[1:]]
    paths = msgspec.structs.replace(rows["Paths"], checks=[failing, *others])
    document = msgspec.structs.replace(
        document, rows=[paths if row.row == "Paths" else row for row in document.rows]
    )

    assert guarded_faults(document) == [
        f"Paths: {failing.name}: fails: {failing.observed} ({len(others)} more are not as expected)"
    ]


def of_this_catalogue(left_out: frozenset[str] = frozenset()) -> Evidence:
    """Return evidence with every check of the catalogue as expected, but for those that are not there."""
    document = evidence_of("aio")
    rows = [
        msgspec.structs.replace(row, checks=[each for each in row.checks if each.name not in left_out])
        for row in document.rows
    ]
    return msgspec.structs.replace(document, rows=rows)


def test_a_check_that_was_taken_out_of_a_guarded_row_speaks_against_it() -> None:
    assert guarded_faults(of_this_catalogue()) == []
    assert guarded_faults(of_this_catalogue(frozenset({"neighbour"}))) == [
        "Isolation: neighbour is not in the evidence"
    ]


def test_a_second_row_of_a_name_does_not_stand_for_the_first() -> None:
    bad, good = evidence_of("aio", {"Isolation": "fails"}), evidence_of("aio")
    for order in ([*bad.rows, *good.rows], [*good.rows, *bad.rows]):
        (fault,) = guarded_faults(msgspec.structs.replace(bad, rows=order))
        assert fault.startswith("Isolation: two-threads: fails")


@pytest.mark.parametrize(("verdict", "may"), [("fails", False), ("differs", True), ("not-tried", True)])
def test_of_the_other_rows_only_a_failure_does(verdict: Verdict, may: bool) -> None:  # noqa: FBT001 # a case
    assert [each.may for each in matrix([evidence_of("aio", {"Files": verdict})]).advice] == [may]


def test_a_run_that_was_broken_off_says_so_of_every_row_that_it_owes() -> None:
    whole = evidence_of("aio")
    broken = msgspec.structs.replace(whole, rows=whole.rows[:2], finished_at=None)
    found = matrix([broken])
    assert [(each.row, each.check, each.why) for each in found.untried] == [
        (name, "*", BROKEN_OFF) for name in NAMES[2:]
    ]
    assert found.broken_off == ["aio"]
    assert not found.advice[0].may


def test_rows_that_nobody_asked_for_are_no_gap_and_no_recommendation_either() -> None:
    whole = evidence_of("aio")
    part = msgspec.structs.replace(
        whole, rows=whole.rows[:1], catalogue=CatalogueUsed(sha256="c0", rows=["Commands"])
    )
    found = matrix([part])
    assert found.untried == []
    assert not found.advice[0].may


def test_the_page_says_what_was_not_tried_before_anything_else() -> None:
    found = matrix(
        [few(evidence_of("aio", {"Uploads": "not-tried"})), few(evidence_of("cube", {"Paths": "fails"}))]
    )
    page = rendered(found, "markdown", Tool(version="1"))
    assert page.index("Asked for and not tried") < page.index("The ten rows")
    assert "| Uploads | 0/1 not tried | 1/1 |" in page
    assert "| Paths | 1/1 | 0/1 fails |" in page
    assert "| Capacity | – | – |" in page


@pytest.mark.parametrize("format_", ["table", "markdown", "html"])
def test_what_a_backend_wrote_cannot_leave_its_place(format_: str) -> None:
    hostile = "\x1b[31m<script>alert(1)</script> | **x** `y`\n# z"
    document = evidence_of(hostile, {"Files": "fails"})
    page = rendered(matrix([document]), format_, Tool(version="1"))
    assert "\x1b" not in page
    assert "\n# z" not in page
    if format_ != "table":
        assert "<script>" not in page
