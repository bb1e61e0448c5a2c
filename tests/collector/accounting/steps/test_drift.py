import pytest

from memcollect.accounting.interval import Interval
from memcollect.accounting.rules import TermRule, evaluate
from memcollect.accounting.steps import drift
from worlds.builders import MIB, PAGE, facts


def test_drift_is_what_changed_since_the_metrics_sample() -> None:
    amount = drift.drift(facts(working_set_at_sample=90, working_set=100))

    assert amount.interval == Interval.exactly(-10)


@pytest.mark.parametrize("missing", ["working_set", "working_set_at_sample"])
def test_drift_needs_both_moments(missing: str) -> None:
    _, undecided = evaluate(drift.DRIFT, facts(missing, working_set_at_sample=90, working_set=100))

    assert [item.missing for item in undecided] == [missing]


def test_without_history_drift_stays_open_and_rounding_is_told() -> None:
    terms, undecided = evaluate(drift.UNALIGNED, facts(top_raw=5 * MIB + 7, working_set=4 * MIB))

    assert [(term.term, term.estimate_bytes) for term in terms] == [("rounding", -7)]
    assert [(item.name, item.missing) for item in undecided] == [("drift", "working_set_at_sample")]


def test_rounding_needs_the_raw_number() -> None:
    _, undecided = evaluate(drift.DISPLAY, facts())

    assert [item.missing for item in undecided] == ["top_raw"]


def test_the_sample_may_differ_by_its_tolerance_or_else_by_the_kernels_lag() -> None:
    assert drift.sample_bound(facts(top_tolerance=5)).interval == Interval.of(-5, 5, 0)
    lag = 64 * 2 * PAGE
    assert drift.sample_bound(facts(node__cpus=2, node__page_size=PAGE)).interval == Interval.of(-lag, lag, 0)


@pytest.mark.parametrize("rules", [drift.DISPLAY, drift.UNALIGNED])
def test_what_another_provider_counts_is_its_own_term(rules: tuple[TermRule, ...]) -> None:
    known = facts(top_raw=700 * MIB + 5, top_elsewhere=700 * MIB + 5, working_set=48 * MIB)
    terms, undecided = evaluate(rules, known)
    assert [(term.term, term.estimate_bytes, term.confidence) for term in terms] == [
        ("provider", 652 * MIB + 5, "inferred"),
        ("rounding", -5, "measured"),
    ]
    assert undecided == []


def test_another_provider_is_held_against_the_moment_of_its_sample() -> None:
    known = facts(top_raw=700 * MIB, top_elsewhere=700 * MIB, working_set=48 * MIB)
    known = known.extended({"working_set_at_sample": 40 * MIB})
    (term,) = evaluate(drift.DISPLAY, known)[0]
    assert (term.term, term.estimate_bytes) == ("provider", 660 * MIB)
