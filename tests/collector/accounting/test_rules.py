import pytest

from memcollect.accounting.facts import Facts
from memcollect.accounting.interval import Interval
from memcollect.accounting.rules import (
    Amount,
    Bound,
    TermRule,
    as_term,
    bounded,
    charge_bound,
    cpus_in_words,
    evaluate,
    interval_of,
    lag_bytes,
    measured,
    residual_of,
)
from memcollect.documents.snapshot import Term
from worlds.builders import MIB, PAGE, facts


def term(low: int, high: int, estimate: int) -> Term:
    return as_term("x", bounded(Interval.of(low, high, estimate), ""))


def within(low: int, high: int) -> Bound:
    return Bound(Interval.between(low, high, 0), "")


def anon(known: Facts) -> Amount:
    return measured(known["stat.anon"], "memory.stat anon")


def test_a_rule_that_lacks_a_fact_is_undecided_under_the_facts_name() -> None:
    terms, undecided = evaluate([TermRule("anon", anon)], facts())

    assert terms == []
    assert [(item.name, item.missing) for item in undecided] == [("anon", "stat.anon")]


def test_a_term_says_all_that_its_amount_and_its_rule_do() -> None:
    amount = Amount(Interval.of(1, 5, 2), "inferred", "counted by hand")
    ((told,), _) = evaluate([TermRule("x", lambda _: amount, "locked")], facts())
    assert (told.term, told.confidence, told.evidence, told.reclaimable) == (
        "x",
        "inferred",
        "counted by hand",
        "locked",
    )
    assert interval_of(told) == amount.interval


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"node__cpus": 1}, "1 CPU"),
        ({"node__cpus": 2}, "2 CPUs"),
        ({}, "the node did not tell its CPUs: for one"),
    ],
)
def test_a_bound_says_for_how_many_cpus_it_was_made(known: dict[str, int], words: str) -> None:
    assert cpus_in_words(facts((), **known)) == words


def test_a_residual_says_both_ends_of_its_bound() -> None:
    told = residual_of(10, [term(1, 5, 2)], within(-3, 8))
    assert (told.bound_low_bytes, told.bound_high_bytes) == (-3, 8)


def test_a_rule_that_does_not_apply_or_finds_nothing_is_no_term() -> None:
    rules = [TermRule("none", lambda _: None), TermRule("zero", lambda _: measured(0, ""))]

    assert evaluate(rules, facts()) == ([], [])


def test_an_interval_around_zero_is_a_term() -> None:
    terms, _ = evaluate([TermRule("maybe", lambda _: bounded(Interval.of(0, 5, 0), ""))], facts())

    assert [(each.low_bytes, each.high_bytes) for each in terms] == [(0, 5)]


def test_an_amount_of_one_number_is_measured_and_a_wider_one_bounded() -> None:
    assert bounded(Interval.exactly(3), "").confidence == "measured"
    assert bounded(Interval.of(1, 3, 2), "").confidence == "bounded"


def test_the_residual_is_the_gap_less_the_terms() -> None:
    residual = residual_of(100, [term(10, 30, 20), term(50, 50, 50)], within(0, 0))

    assert (residual.low_bytes, residual.high_bytes, residual.estimate_bytes) == (20, 40, 30)
    assert not residual.within_bound


@pytest.mark.parametrize(("gap", "inside"), [(-6, False), (-5, True), (0, True), (9, True), (10, False)])
def test_a_residual_may_be_as_large_as_the_kernels_bookkeeping(gap: int, inside: bool) -> None:  # noqa: FBT001 - a table's column
    assert residual_of(gap, [], within(-5, 9)).within_bound is inside


def test_a_hole_is_not_hidden_by_an_uncertain_split() -> None:
    """Two terms share 64 MiB in unknown parts; the 50 MiB that nobody owns are still a hole."""
    split = [term(0, 64 * MIB, 60 * MIB), term(0, 64 * MIB, 4 * MIB)]

    assert not residual_of(114 * MIB, split, within(-MIB, MIB)).within_bound
    assert residual_of(64 * MIB, split, within(-MIB, MIB)).within_bound


def test_the_charges_bound_grows_with_cpus_pages_and_cgroups() -> None:
    known = facts(node__cpus=2, node__page_size=PAGE, cgroups=3)

    stock, stale = 64 * PAGE * 2 * 3, 128 * PAGE * 2
    assert charge_bound(known).interval == Interval.of(-stale, stock + stale, 0)


def test_a_node_that_did_not_tell_its_cpus_is_allowed_one() -> None:
    assert lag_bytes(facts(), 64) == 64 * 4096
    assert "did not tell its CPUs" in charge_bound(facts(cgroups=1)).reason
