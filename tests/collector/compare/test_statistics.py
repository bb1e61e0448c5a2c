import itertools
import math
from collections import Counter
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap

from memcollect.compare.statistics import (
    chance_of_separation,
    difference,
    median_distribution,
    percentile,
    spread,
)

TREATED = [94, 197, 16, 38, 99, 141, 23]
CONTROL = [52, 104, 146, 10, 51, 30, 40, 27, 46]
"""Survival of mice in days: Efron and Tibshirani, An Introduction to the Bootstrap, table 2.1."""
SCATTERED = [907, 12, 433, 650, 88, 701, 295, 540, 333, 120, 861, 377]

sizes = st.lists(st.integers(-(1 << 50), 1 << 50), min_size=2, max_size=7)


def _ends(before: list[int], after: list[int]) -> tuple[int, int]:
    found = difference(before, after)
    assert found.low_bytes is not None
    assert found.high_bytes is not None
    return found.low_bytes, found.high_bytes


def test_the_medians_standard_error_is_the_textbooks_in_the_limit_of_all_resamples() -> None:
    chances = median_distribution(TREATED)
    mean = sum(value / 2 * chance for value, chance in chances.items())
    error = math.sqrt(sum(chance * (value / 2 - mean) ** 2 for value, chance in chances.items()))
    assert round(error, 2) == 37.83


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6])
def test_the_distribution_is_that_of_all_resamples(n: int) -> None:
    values = SCATTERED[:n]
    counted = Counter(int(2 * median(each)) for each in itertools.product(values, repeat=n))
    assert median_distribution(values) == pytest.approx(
        {value: count / n**n for value, count in counted.items()}
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (TREATED, CONTROL),
        (SCATTERED[:3], SCATTERED[3:6]),
        (SCATTERED[:5], SCATTERED[5:11]),
        (SCATTERED, TREATED),
    ],
)
def test_the_interval_is_the_one_scipy_draws(before: list[int], after: list[int]) -> None:
    drawn = bootstrap(
        (before, after),
        lambda x, y, axis: np.median(y, axis=axis) - np.median(x, axis=axis),
        n_resamples=99_999,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert _ends(before, after) == pytest.approx((drawn.low, drawn.high), abs=1)


@pytest.mark.parametrize(
    ("n", "m", "level"),
    [
        (2, 2, 2 / 3),
        (2, 3, 0.8),
        (3, 3, 0.9),
        (3, 4, 33 / 35),
        (4, 4, 0.95),
        (3, 9, 0.95),
        (5, 5, 0.95),
        (5, 7, 0.95),
    ],
)
def test_an_interval_holds_as_often_as_its_level_says_in_all_orders_of_one_thing(
    n: int, m: int, level: float
) -> None:
    values = SCATTERED[: n + m]
    splits = list(itertools.combinations(range(n + m), n))
    held = 0
    for chosen in splits:
        before = [values[at] for at in chosen]
        found = difference(before, [each for at, each in enumerate(values) if at not in chosen])
        assert found.level == pytest.approx(level)
        assert found.low_bytes is not None
        assert found.high_bytes is not None
        held += found.low_bytes <= 0 <= found.high_bytes
    assert held / len(splits) >= level - 1e-12


def test_of_three_repeats_the_interval_reaches_over_all_that_was_seen() -> None:
    found = difference([100, 101, 102], [50, 52, 53])
    assert (found.estimate_bytes, found.low_bytes, found.high_bytes) == (-49, -52, -47)


@pytest.mark.parametrize("n", [500, 501, 2000])
def test_of_very_many_values_the_interval_is_the_normal_one_and_takes_no_time(n: int) -> None:
    values = list(range(0, n * 1000, 1000))
    shifted = [value + 7_000_000 for value in values]
    half_width = 1.96 * math.sqrt(2) * math.sqrt(n) / 2 * 1000
    assert difference(values, shifted).estimate_bytes == 7_000_000
    assert _ends(values, shifted)[1] - 7_000_000 == pytest.approx(half_width, rel=0.05)
    assert sum(median_distribution(values).values()) == pytest.approx(1)


@settings(derandomize=True)
@given(sizes)
def test_the_difference_of_identical_inputs_is_zero_and_its_interval_contains_it(values: list[int]) -> None:
    found = difference(values, values)
    assert found.estimate_bytes == 0
    low, high = _ends(values, values)
    assert low <= 0 <= high


@settings(derandomize=True)
@given(sizes, sizes)
def test_turning_the_sides_round_turns_the_signs(before: list[int], after: list[int]) -> None:
    there, back = difference(before, after), difference(after, before)
    low, high = _ends(before, after)
    assert _ends(after, before) == (-high, -low)
    assert abs(there.estimate_bytes + back.estimate_bytes) <= 1


@settings(derandomize=True)
@given(sizes, sizes)
def test_the_interval_holds_the_estimate_and_lies_within_what_is_possible(
    before: list[int], after: list[int]
) -> None:
    low, high = _ends(before, after)
    assert low <= difference(before, after).estimate_bytes <= high
    assert min(after) - max(before) <= low
    assert high <= max(after) - min(before)


@settings(derandomize=True)
@given(sizes, sizes, st.randoms(use_true_random=False))
def test_the_order_of_the_values_changes_nothing(before: list[int], after: list[int], random: object) -> None:
    shuffled = [list(before), list(after)]
    for each in shuffled:
        random.shuffle(each)  # type: ignore[attr-defined]
    assert difference(*shuffled) == difference(before, after)
    assert spread(shuffled[0]) == spread(before)


@settings(derandomize=True)
@given(st.lists(st.integers(0, 1 << 45), min_size=1, max_size=30))
def test_median_and_quartiles_are_numpys(values: list[int]) -> None:
    found = spread(values)
    expected = np.quantile(np.array(values, dtype=np.longdouble), [0, 0.25, 0.5, 0.75, 1])
    ours = (found.low_bytes, found.q1_bytes, found.median_bytes, found.q3_bytes, found.high_bytes)
    assert ours == pytest.approx([float(each) for each in expected], abs=1)


def test_what_was_seen_is_told_with_how_many_there_were_of_each() -> None:
    found = difference([5, 6], [7, 8, 9])
    assert (found.n_before, found.n_after) == (2, 3)
    assert (spread([3, 1, 2]).n, list(spread([3, 1, 2]).values_bytes)) == (3, [1, 2, 3])


def test_of_a_single_value_nothing_can_be_drawn_anew() -> None:
    found = difference([5], [7, 8, 9])
    assert (found.estimate_bytes, found.low_bytes, found.high_bytes, found.level) == (3, None, None, 0)


def test_no_values_have_no_median() -> None:
    with pytest.raises(ValueError, match="no values"):
        spread([])


@pytest.mark.parametrize(("percent", "value"), [(50, 3), (95, 5), (99, 5), (1, 1)])
def test_a_percentile_is_one_of_the_values(percent: int, value: int) -> None:
    assert percentile([5, 3, 1, 2, 4], percent) == value


def test_three_against_three_lie_apart_by_chance_in_a_tenth_of_all_orders() -> None:
    assert chance_of_separation(3, 3) == pytest.approx(0.1)
    assert chance_of_separation(1, 1) == 1.0
