"""A backend that is broken in known ways: every planted fault is found, and none is invented."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memcollect.evidence.catalogue import SHA256
from memcollect.evidence.document import CatalogueUsed, CheckResult, Evidence, decode, encode
from memcollect.evidence.rejudging import believed
from memcollect.trying.trial import Trial
from worlds.evidence_backend import FAULTS, backend
from worlds.planted_faults import MAY_BREAK, MUST_BREAK, Named, rows_for

EVERY = frozenset(FAULTS)


def tried(faults: frozenset[str], rows_of: frozenset[str]) -> dict[tuple[str, str], CheckResult]:
    """Return what came of the checks in which `rows_of` can show, tried on a backend with `faults`."""
    with TemporaryDirectory() as directory, backend(Path(directory), faults) as (made, performer):
        trial = Trial(performer, lambda _sentence: None)
        results = trial.run(rows_for(rows_of))
        assert trial.left == []
        if "left-pods" not in faults:
            assert made.there == {}
        run_id = performer.ledger.run.removeprefix("mc-")
    evidence = Evidence(run_id=run_id, catalogue=CatalogueUsed(sha256=SHA256), rows=results)
    assert believed(decode(encode(evidence), "it")).rows == results  # each record bears out its verdict
    return {(row.row, check.name): check for row in results for check in row.checks}


def broken(results: dict[tuple[str, str], CheckResult]) -> Named:
    return frozenset(name for name, check in results.items() if check.verdict in {"fails", "differs"})


@cache
def good() -> dict[tuple[str, str], CheckResult]:
    return tried(frozenset(), EVERY)


def test_of_a_good_backend_no_check_fails_or_differs() -> None:
    assert {name: good()[name].observed for name in broken(good())} == {}


def test_a_good_backend_is_asked_every_question_that_a_fault_can_answer_wrongly() -> None:
    unasked = {name: check.observed for name, check in good().items() if check.verdict != "as-expected"}
    assert unasked.keys() <= {("Commands", "beyond-memory"), ("Files", "over-the-limit")}


def test_every_fault_is_told_by_some_check() -> None:
    assert MUST_BREAK.keys() == MAY_BREAK.keys() == EVERY


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(faults=st.frozensets(st.sampled_from(sorted(EVERY)), min_size=1, max_size=6))
def test_whatever_faults_are_planted_those_are_found_and_no_others(faults: frozenset[str]) -> None:
    found = broken(tried(faults, faults))
    must = frozenset().union(*(MUST_BREAK[fault] for fault in faults))
    may = frozenset().union(*(MAY_BREAK[fault] for fault in faults))
    assert must <= found <= may


@pytest.mark.parametrize("faults", [sorted(EVERY)[::2], sorted(EVERY)[1::2]], ids=["one-half", "the-other"])
def test_every_fault_is_found_among_many(faults: list[str]) -> None:
    planted = frozenset(faults)
    found = broken(tried(planted, planted))
    must = frozenset().union(*(MUST_BREAK[fault] for fault in planted))
    assert sorted(must - found) == []
    may = frozenset().union(*(MAY_BREAK[fault] for fault in planted))
    assert sorted(found - may) == []
