from memcollect.accounting.facts import Facts
from memcollect.accounting.interval import Interval
from memcollect.accounting.rules import Amount, bounded, measured
from memcollect.explain.engine import AmountRule, find, size_in_words
from worlds.builders import MIB, facts


def sock(known: Facts) -> Amount:
    return bounded(known.interval("sock"), "proof")


RULE = AmountRule("sock", sock, "{amount} is {what}.", "do this", words=lambda _: {"what": "sockets"})


def test_an_amount_that_matters_is_told_with_its_words_and_proof() -> None:
    (finding,), undecided = find([RULE], "app", facts(sock=5 * MIB))

    assert finding.sentence == "5 MiB is sockets."
    assert (finding.estimate_bytes, finding.evidence, finding.remedy) == (5 * MIB, "proof", "do this")
    assert undecided == []


def test_a_rule_in_brief_finds_the_same_without_words_that_no_verdict_has() -> None:
    (finding,), _ = find([RULE.in_brief()], "app", facts(sock=5 * MIB))

    assert (finding.cause, finding.estimate_bytes, finding.evidence) == ("sock", 5 * MIB, "proof")
    assert (finding.sentence, finding.remedy) == ("", "")


def test_a_rule_that_alarms_keeps_its_words_in_brief() -> None:
    alarming = AmountRule("sock", sock, "{amount} is sockets.", severity="warning")

    assert find([alarming.in_brief()], "app", facts(sock=5 * MIB))[0][0].sentence == "5 MiB is sockets."


def test_less_than_a_mib_is_not_worth_a_sentence() -> None:
    assert find([RULE], "app", facts(sock=MIB - 1)) == ([], [])


def test_a_negative_amount_is_judged_and_told_by_its_size() -> None:
    rule = AmountRule("gone", lambda _: measured(-2 * MIB, ""), "{amount} gone.")

    assert find([rule], "app", facts())[0][0].sentence == "2 MiB gone."


def test_a_missing_fact_makes_the_rule_undecided_by_name() -> None:
    findings, (item,) = find([RULE], "app", facts())

    assert findings == []
    assert (item.name, item.missing, item.reason) == ("sock", "sock", "not measured")


def test_a_cause_that_does_not_apply_says_nothing() -> None:
    assert find([AmountRule("none", lambda _: None, "")], "app", facts()) == ([], [])


def test_bounds_are_told_where_a_reader_would_see_them_differ() -> None:
    assert size_in_words(Interval.exactly(MIB)) == "1 MiB"
    assert size_in_words(Interval.of(MIB, MIB + 1, MIB)) == "1 MiB"
    assert size_in_words(Interval.of(-3 * MIB, -MIB, -2 * MIB)) == "2 MiB (between 1 MiB and 3 MiB)"
