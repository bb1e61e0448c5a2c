"""Medians, spreads, and how far a difference of two medians may be chance. Pure, exact, no random numbers.

The interval is a percentile bootstrap (Efron, "Bootstrap methods: another look at the jackknife", 1979).
Usually it is made by drawing thousands of samples; of a median the distribution over *all* n^n samples can
be written down instead: with the values sorted, the r-th smallest of a resample is at or below the k-th
value exactly when at least r of n draws fall among the first k. So the same values give the same interval
everywhere, in any order, with no seed.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import pairwise

from memcollect.compare.model import Difference, Spread

LEVEL = 0.95
ENOUGH = 5
"""Repeats of either side from which on the bootstrap's interval holds as often as it says."""
TAIL = (1 - LEVEL) / 2
ROUNDING = 1e-9
"""Far below any probability of interest, far above what adding floats loses."""
NEGLIGIBLE = 1e-18

Distribution = dict[int, float]
"""Probability by *twice* a median: an even number of whole bytes has its median between two of them."""


def spread(values: Sequence[int]) -> Spread:
    """Return median, quartiles and ends of whole bytes; raises ValueError where there are none.

    Quartiles are interpolated between neighbours (Hyndman and Fan's type 7, as numpy and R do by default).
    """
    if not values:
        raise ValueError("no values have no median")
    ordered = sorted(values)
    return Spread(
        n=len(ordered),
        median_bytes=_half(_doubled_median(ordered)),
        low_bytes=ordered[0],
        high_bytes=ordered[-1],
        q1_bytes=_quantile(ordered, 1),
        q3_bytes=_quantile(ordered, 3),
        values_bytes=ordered,
    )


def difference(before: Sequence[int], after: Sequence[int]) -> Difference:
    """Return median(after) − median(before) with its interval; each side must have a value."""
    low, high, level = _bounds(before, after)
    return Difference(
        estimate_bytes=_half(_doubled_median(sorted(after)) - _doubled_median(sorted(before))),
        low_bytes=low,
        high_bytes=high,
        level=level,
        n_before=len(before),
        n_after=len(after),
    )


def _bounds(before: Sequence[int], after: Sequence[int]) -> tuple[int | None, int | None, float]:
    """Return both ends of the interval and its level.

    A single value on either side has none. Of few the bootstrap's holds less often than it says. All that was
    seen holds by a level that is known: of two samples of one thing, moved apart by any distance, it misses
    that distance just where they lie wholly apart without it.
    """
    fewest = min(len(before), len(after))
    if fewest < 2:
        return None, None, 0.0
    if fewest < ENOUGH:
        level = min(LEVEL, 1 - chance_of_separation(len(before), len(after)))
        return min(after) - max(before), max(after) - min(before), level
    low, high = _interval(median_distribution(before), median_distribution(after))
    return low // 2, -(-high // 2), LEVEL


def percentile(values: Iterable[float], percent: int) -> float:
    """Return the nearest-rank percentile: the smallest value that so many percent are not above.

    It is always one of the values; of fewer than 100 the 99th is the largest.
    """
    ordered = sorted(values)
    return ordered[max(math.ceil(percent * len(ordered) / 100), 1) - 1]


def chance_of_separation(n_before: int, n_after: int) -> float:
    """Return how often two samples of the same thing lie wholly apart: 2 in C(n+m, n) orders."""
    return min(1.0, 2 / math.comb(n_before + n_after, n_before))


def median_distribution(values: Sequence[int]) -> Distribution:
    """Return the exact bootstrap distribution of the doubled median."""
    ordered = sorted(values)
    n = len(ordered)
    chances: defaultdict[int, float] = defaultdict(float)
    if n % 2:
        for k, chance in enumerate(_order_statistic(n, (n + 1) // 2), start=1):
            chances[2 * ordered[k - 1]] += chance
        return dict(chances)
    for k, m, chance in _middle_pairs(n):
        chances[ordered[k - 1] + ordered[m - 1]] += chance
    return dict(chances)


@cache
def _middle_pairs(n: int) -> list[tuple[int, int, float]]:
    """Return (k, m, how likely the two middle values of a resample of even size are the k-th and m-th).

    Of hundreds of values most pairs are all but impossible; those are left out.
    """
    pairs: list[tuple[int, int, float]] = []
    for k, chance in enumerate(_order_statistic(n, n // 2), start=1):
        if chance < NEGLIGIBLE:
            continue
        rest = chance
        for m in range(k + 1, n + 1):
            both = _neighbours(n, k, m)
            if both < NEGLIGIBLE:
                break
            pairs.append((k, m, both))
            rest -= both
        pairs.append((k, k, max(rest, 0.0)))
    return pairs


@cache
def _order_statistic(n: int, rank: int) -> list[float]:
    """Return, for k = 1 … n, how likely the `rank`-th smallest of a resample is the k-th value."""
    upto = [_at_least(n, rank, k) for k in range(n + 1)]
    return [max(right - left, 0.0) for left, right in pairwise(upto)]


def _at_least(n: int, rank: int, k: int) -> float:
    """Return how likely at least `rank` of `n` draws fall among the first `k` of `n` values."""
    if k in (0, n):
        return float(k == n)
    total = 0.0
    for j in range(rank, n + 1):
        chance = math.exp(_log_ways(n, j) + j * math.log(k / n) + (n - j) * math.log1p(-k / n))
        total += chance
        if j > k and chance < NEGLIGIBLE:
            break
    return min(total, 1.0)


def _neighbours(n: int, k: int, m: int) -> float:
    """Return how likely the two middle values of a resample of even size are the k-th and the m-th, k < m."""
    half = n // 2
    return math.exp(_log_ways(n, half) + _log_reaching(n, k, half) + _log_reaching(n, n - m + 1, half))


def _log_reaching(n: int, k: int, draws: int) -> float:
    """Return the logarithm of the chance that all of some draws are among the first k, and one the k-th."""
    alone = draws * math.log(k / n)
    return alone if k == 1 else alone + math.log1p(-math.exp(draws * math.log1p(-1 / k)))


def _log_ways(n: int, j: int) -> float:
    """Return the logarithm of n over j; the number itself is beyond a float from a thousand draws on."""
    return math.lgamma(n + 1) - math.lgamma(j + 1) - math.lgamma(n - j + 1)


def _interval(before: Distribution, after: Distribution) -> tuple[int, int]:
    """Return the ends beyond which lies at most `TAIL` of the doubled difference on either side."""
    mirrored = {-value: chance for value, chance in before.items()}
    low = _lower_end(mirrored, after)
    turned = {-value: chance for value, chance in after.items()}
    return low, -_lower_end(before, turned)


def _lower_end(left: Distribution, right: Distribution) -> int:
    """Return the smallest x with P(left + right ≤ x) ≥ TAIL, by halving: the sums are never listed."""
    bottom, top = min(left) + min(right), max(left) + max(right)
    at_most = _sum_distribution(left, right)
    while bottom < top:
        middle = (bottom + top) // 2
        if at_most(middle) >= TAIL - ROUNDING:
            top = middle
        else:
            bottom = middle + 1
    return bottom


def _sum_distribution(left: Distribution, right: Distribution) -> Callable[[int], float]:
    """Return the function x -> P(left + right ≤ x)."""
    lefts = sorted(left.items())
    rights = sorted(right.items(), reverse=True)

    def at_most(limit: int) -> float:
        reached, total, index = 0.0, 0.0, len(rights)
        for value, chance in lefts[::-1]:
            while index and rights[index - 1][0] + value <= limit:
                index -= 1
                reached += rights[index][1]
            total += chance * reached
        return total

    return at_most


def _doubled_median(ordered: Sequence[int]) -> int:
    n = len(ordered)
    return ordered[(n - 1) // 2] + ordered[n // 2]


def _half(doubled: int) -> int:
    """Return half of it, rounded to the even byte, so that what is mirrored stays mirrored."""
    return round(doubled / 2) if abs(doubled) < 1 << 50 else doubled // 2


def _quantile(ordered: Sequence[int], quarter: int) -> int:
    position = (len(ordered) - 1) * quarter
    index, part = divmod(position, 4)
    if not part:
        return ordered[index]
    step = (ordered[index + 1] - ordered[index]) * part
    return ordered[index] + (step + 2) // 4
