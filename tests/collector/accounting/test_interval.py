import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memcollect
from memcollect.accounting.interval import ZERO, Interval, total

MADE = re.compile(r"\bInterval\((?!Struct)")
numbers = st.integers(-(1 << 50), 1 << 50)
intervals = st.tuples(numbers, numbers, numbers).map(sorted).map(lambda n: Interval.of(n[0], n[2], n[1]))


def test_an_estimate_outside_its_bounds_is_refused() -> None:
    with pytest.raises(ValueError, match="not an interval: 1 <= 5 <= 4"):
        Interval.of(1, 4, 5)


def test_a_lower_bound_above_the_upper_one_is_refused() -> None:
    with pytest.raises(ValueError, match="not an interval"):
        Interval.between(4, 1)


def test_no_other_module_makes_one_whose_numbers_nobody_looked_at() -> None:
    package = Path(memcollect.__file__).parent
    making = {path.name for path in package.rglob("*.py") if MADE.search(path.read_text(encoding="utf-8"))}
    assert making == {"interval.py"}


@given(intervals, intervals)
@settings(derandomize=True)
def test_arithmetic_on_intervals_gives_intervals(one: Interval, other: Interval) -> None:
    for made in (one + other, one - other, -one, total([one, other])):
        assert made.low <= made.estimate <= made.high


@pytest.mark.parametrize(("guess", "estimate"), [(None, 2), (1, 2), (5, 5), (9, 8)])
def test_a_guess_is_drawn_into_the_interval(guess: int | None, estimate: int) -> None:
    assert Interval.between(2, 8, guess) == Interval.of(2, 8, estimate)


@given(intervals, intervals)
@settings(derandomize=True)
def test_subtracting_turns_the_bounds_around(one: Interval, other: Interval) -> None:
    difference = one - other

    assert (difference.low, difference.high) == (one.low - other.high, one.high - other.low)
    assert difference.estimate == one.estimate - other.estimate


@given(intervals, numbers)
@settings(derandomize=True)
def test_a_floor_and_a_ceiling_hold_for_all_three_numbers(one: Interval, edge: int) -> None:
    floored, capped = one.at_least(edge), one.at_most(edge)

    assert min(floored.low, floored.estimate, floored.high) >= edge
    assert max(capped.low, capped.estimate, capped.high) <= edge


def test_the_sum_of_nothing_is_zero() -> None:
    assert total([]) == ZERO
    assert total([Interval.of(1, 3, 2), Interval.exactly(10)]) == Interval.of(11, 13, 12)


def test_an_interval_holds_its_ends() -> None:
    assert 1 in Interval.of(1, 3, 2)
    assert 3 in Interval.of(1, 3, 2)
    assert 4 not in Interval.of(1, 3, 2)
    assert Interval.exactly(7).is_exact
