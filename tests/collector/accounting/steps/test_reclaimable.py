import pytest

from memcollect.accounting.interval import Interval
from memcollect.accounting.rules import evaluate
from memcollect.accounting.steps import reclaimable
from worlds.builders import facts


def test_the_inactive_list_is_taken_apart_into_cache_and_freed_memory() -> None:
    terms, undecided = evaluate(reclaimable.RULES, facts(stat__inactive_file=100, lazyfree=(10, 30, 20)))

    assert [(term.term, term.low_bytes, term.high_bytes, term.estimate_bytes) for term in terms] == [
        ("cold_cache", -90, -70, -80),
        ("lazyfree", -30, -10, -20),
    ]
    assert undecided == []


@pytest.mark.parametrize(
    ("missing", "names"),
    [("stat.inactive_file", ["cold_cache"]), ("lazyfree", ["cold_cache", "lazyfree"])],
)
def test_a_missing_fact_leaves_its_term_open(missing: str, names: list[str]) -> None:
    _, undecided = evaluate(reclaimable.RULES, facts(missing, stat__inactive_file=100, lazyfree=0))

    assert [item.name for item in undecided] == names
    assert {item.missing for item in undecided} == {missing}


def test_nothing_may_be_left_but_what_the_formula_cuts_off_at_zero() -> None:
    assert reclaimable.bound(facts()).interval == Interval.exactly(0)
    assert reclaimable.bound(facts(cut_off=0)).interval == Interval.exactly(0)
    assert reclaimable.bound(facts(cut_off=5)).interval == Interval.of(0, 5, 0)
