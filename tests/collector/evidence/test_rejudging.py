"""A file's verdicts against its own record: of an edited one nothing better is believed than what it saw."""

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from memcollect.evidence.catalogue import ROWS
from memcollect.evidence.demands import Header, Recorded
from memcollect.evidence.document import (
    KEPT_CHARACTERS,
    KEPT_HEADERS,
    CatalogueUsed,
    CheckResult,
    Evidence,
    KeptStep,
    kept,
)
from memcollect.evidence.port import Match
from memcollect.evidence.rejudging import believed
from memcollect.evidence.seen import Seen
from memcollect.secrecy import MASK
from worlds.compare_builders import evidence_of, recorded_evidence, with_record

replace = msgspec.structs.replace
JUDGED = [
    (row.name, check.name)
    for row in ROWS
    for check in row.checks
    if any(not isinstance(demand, Recorded) for demand in check.demands)
]


def whole() -> Evidence:
    """Return evidence whose record bears out every verdict."""
    return with_record(evidence_of("aio"))


def changed(
    document: Evidence, row: str, name: str, change: Callable[[CheckResult], CheckResult]
) -> Evidence:
    return replace(
        document,
        rows=[
            replace(each, checks=[change(check) if check.name == name else check for check in each.checks])
            if each.row == row
            else each
            for each in document.rows
        ],
    )


def step(label: str, **more: Any) -> Callable[[CheckResult], CheckResult]:
    """Return a change of one step of a check."""

    def change(check: CheckResult) -> CheckResult:
        return replace(
            check, steps=[replace(each, **more) if each.label == label else each for each in check.steps]
        )

    return change


def text(words: str) -> dict[str, Any]:
    """Return a text with the hash and size that it has."""
    data = words.encode()
    return {
        "text": words,
        "size_bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest() if data else "",
    }


def of(document: Evidence, row: str, name: str) -> CheckResult:
    return next(
        c for each in believed(document).rows if each.row == row for c in each.checks if c.name == name
    )


def test_a_record_that_bears_out_its_verdicts_leaves_them_as_they_are() -> None:
    assert believed(whole()) == whole()


@pytest.mark.parametrize("template", ["box-a", "box-b"])
def test_every_verdict_of_a_real_run_is_borne_out_by_what_it_kept(template: str) -> None:
    assert believed(recorded_evidence(template)) == recorded_evidence(template)


@pytest.mark.parametrize("template", ["box-a", "box-b"])
def test_verdicts_that_were_rewritten_are_those_of_the_record_again(template: str) -> None:
    true = recorded_evidence(template)
    rows = [replace(r, checks=[replace(c, verdict="as-expected") for c in r.checks]) for r in true.rows]
    again = believed(replace(true, rows=rows))
    assert [[c.verdict for c in r.checks] for r in again.rows] == [
        [c.verdict for c in r.checks] for r in true.rows
    ]
    neighbour = of(replace(true, rows=rows), "Isolation", "neighbour")
    assert neighbour.observed == (
        "another sandbox's interface can be reached: no “not reached” in “reached\\n”"
        " (by its own record; the file says “as expected”)"
    )


@pytest.mark.parametrize(("row", "name"), JUDGED)
def test_no_check_is_as_expected_whose_record_has_no_answer(row: str, name: str) -> None:
    def broken(check: CheckResult) -> CheckResult:
        steps = [
            KeptStep(label=each.label, came="error", kind="transport", why="broke") for each in check.steps
        ]
        return replace(check, steps=steps)

    assert of(changed(whole(), row, name, broken), row, name).verdict in {"fails", "not-tried"}


@pytest.mark.parametrize(("row", "name"), [(row.name, check.name) for row in ROWS for check in row.checks])
def test_nor_one_of_which_nothing_is_recorded(row: str, name: str) -> None:
    bare = changed(whole(), row, name, lambda check: replace(check, steps=[]))
    assert of(bare, row, name).verdict == "not-tried"


@pytest.mark.parametrize(
    ("row", "name", "change", "verdict"),
    [
        ("Uploads", "listed", step("list", paths=["/mnt/user-data/uploads/another"]), "fails"),
        ("Uploads", "put-is-visible", step("hash", **text("0" * 64)), "fails"),
        ("Artifacts", "at-once", step("get", status=404), "fails"),
        ("Artifacts", "large", step("get", sha256="0" * 64), "fails"),
        ("Artifacts", "range", step("get", status=200), "differs"),
        ("Artifacts", "html", step("get", headers={"content-disposition": "inline"}), "fails"),
        ("Artifacts", "after-the-sandbox", step("get", **text("kept-")), "fails"),
        ("Paths", "workspace", step("probe", **text("there\nread-only\n")), "fails"),
        ("Paths", "kept-over-reuse", step("read", **text("")), "fails"),
        ("Paths", "same-instance", step("after", **text("another")), "differs"),
        ("Isolation", "service-account", step("look", **text("there\n")), "differs"),
        ("Commands", "exit-7", step("run", exit=None), "differs"),
        ("Cleanup", "pods", step("left", facts={"pods": 1}), "fails"),
        ("Files", "grep-literal", step("grep", matches=[Match(path="/x", number=1, line="x")]), "fails"),
    ],
)
def test_what_it_saw_counts_in_every_row(
    row: str, name: str, change: Callable[[CheckResult], CheckResult], verdict: str
) -> None:
    edited = changed(whole(), row, name, change)
    assert edited != whole()
    assert of(edited, row, name).verdict == verdict


def test_a_canary_that_another_sandbox_has_read_is_no_isolation_whatever_the_file_says() -> None:
    true = whole()
    (leave,) = [s for s in of(true, "Isolation", "two-threads").steps if s.label == "leave"]
    read = changed(true, "Isolation", "two-threads", step("find", **text(f"{leave.text}looked\n")))
    assert of(read, "Isolation", "two-threads").verdict == "fails"


def test_a_text_that_was_edited_beside_its_hash_leaves_the_check_untried() -> None:
    edited = changed(recorded_evidence(), "Isolation", "neighbour", step("reach", text="not reached\n"))
    edited = changed(edited, "Isolation", "neighbour", lambda check: replace(check, verdict="as-expected"))
    found = of(edited, "Isolation", "neighbour")
    assert found.verdict == "not-tried"
    assert found.observed.startswith("what is recorded of “reach” has another hash than it had")


def test_a_step_that_was_taken_out_leaves_the_check_untried() -> None:
    def without(check: CheckResult) -> CheckResult:
        return replace(check, steps=[each for each in check.steps if each.label != "release"])

    found = of(changed(whole(), "Isolation", "handed-on", without), "Isolation", "handed-on")
    assert (found.verdict, found.observed.partition(" (")[0]) == (
        "not-tried",
        "nothing is recorded of “release”",
    )


def test_a_verdict_that_is_worse_than_the_record_stays() -> None:
    worse = changed(whole(), "Paths", "outputs", lambda check: replace(check, verdict="fails"))
    assert believed(worse) == worse


@pytest.mark.parametrize(
    "words", [f"canary {MASK}", f"{'x' * (KEPT_CHARACTERS - 1)}…", "\\xff\\xfe and \\x00"]
)
def test_what_is_masked_cut_or_no_text_decides_nothing(words: str) -> None:
    part = changed(whole(), "Paths", "outputs", step("probe", text=words, sha256="0" * 64, size_bytes=9000))
    assert of(part, "Paths", "outputs").verdict == "as-expected"


def test_bytes_that_are_no_text_are_told_from_what_is_kept_of_them() -> None:
    assert of(whole(), "Commands", "invalid-utf-8").verdict == "as-expected"
    other = changed(whole(), "Commands", "invalid-utf-8", step("print", **text("plain")))
    assert of(other, "Commands", "invalid-utf-8").verdict == "fails"


def test_of_another_catalogue_nothing_can_be_judged_again() -> None:
    other = replace(recorded_evidence(), catalogue=CatalogueUsed(sha256="c0" * 32))
    assert believed(other) == other


def test_a_run_id_is_no_part_of_the_demands_language() -> None:
    assert of(replace(whole(), run_id='"}], {canary}'), "Uploads", "listed").verdict == "fails"


def test_every_header_that_a_check_asks_for_is_kept() -> None:
    asked = {d.name for row in ROWS for check in row.checks for d in check.demands if isinstance(d, Header)}
    assert asked == set(KEPT_HEADERS)
    step_ = kept(Seen(label="get", headers={"content-disposition": "inline", "server": "x"}))
    assert step_.headers == {"content-disposition": "inline"}


def test_what_a_search_found_is_kept() -> None:
    found = Match(path="/a", number=3, line="x")
    assert kept(Seen(label="grep", matches=[found] * 60)).matches == [found] * 50
