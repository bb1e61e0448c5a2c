"""The catalogue is data: what it asks can be done, and what it demands is about something that was done."""

from collections.abc import Iterator

import pytest

from memcollect.evidence.catalogue import GUARDED, NAMES, ROWS, SHA256, rows_named
from memcollect.evidence.checks import Check, Row, canonical, digest
from memcollect.evidence.steps import Step, Together

CHECKS = [(row, check) for row in ROWS for check in row.checks]
IDS = [f"{row.name}-{check.name}" for row, check in CHECKS]


def labels(steps: tuple[Step, ...]) -> Iterator[str]:
    for step in steps:
        yield step.label
        if isinstance(step, Together):
            yield from labels(step.runs)


@pytest.mark.parametrize(("row", "check"), CHECKS, ids=IDS)
def test_every_demand_is_about_a_step_of_its_check_or_of_its_row(row: Row, check: Check) -> None:
    known = {*labels(check.steps), *([] if check.steps else labels(row.first))}
    assert {demand.of for demand in check.demands} <= known


@pytest.mark.parametrize(("row", "check"), CHECKS, ids=IDS)
def test_every_check_says_what_it_asks_expects_and_on_whose_word(row: Row, check: Check) -> None:
    assert all([check.asks, check.expected, check.source, check.demands]), row.name
    assert check.seconds <= row.seconds


def test_names_of_checks_are_theirs_alone() -> None:
    assert len(set(IDS)) == len(IDS)


def test_the_rows_are_the_guides_in_its_order() -> None:
    assert NAMES == (
        "Commands",
        "Files",
        "Uploads",
        "Artifacts",
        "Paths",
        "Isolation",
        "Cleanup",
        "Operations",
    )
    assert set(GUARDED) < set(NAMES)


def test_another_expectation_is_another_catalogue() -> None:
    row, *others = ROWS
    check, *rest = row.checks
    from msgspec.structs import replace  # noqa: PLC0415

    changed = replace(row, checks=(replace(check, expected=f"{check.expected}!"), *rest))
    assert digest([changed, *others]) != SHA256
    assert digest(ROWS) == SHA256


def test_rows_are_chosen_by_name_and_all_of_them_by_none() -> None:
    assert rows_named([]) == ROWS
    assert [row.name for row in rows_named(["Paths", "Files"])] == ["Files", "Paths"]
    assert canonical(rows_named(["Files"])) != canonical(ROWS)
