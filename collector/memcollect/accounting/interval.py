"""Closed intervals of bytes: what a number is known to lie in. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable


class Interval(Struct, frozen=True, order=False, gc=False):
    """All whole numbers from `low` to `high`, in bytes; a measured number has low == high.

    `estimate` is the single number to show and to add up; it lies inside. `of`, `between` and `exactly` see
    to that, and arithmetic on such intervals keeps it: only this module calls the class itself.
    """

    low: int
    high: int
    estimate: int

    @classmethod
    def of(cls, low: int, high: int, estimate: int) -> Interval:
        """Return the interval of these numbers. Raises ValueError where they are none."""
        if not low <= estimate <= high:
            raise ValueError(f"not an interval: {low} <= {estimate} <= {high}")
        return cls(low, high, estimate)

    @classmethod
    def exactly(cls, value: int) -> Interval:
        """Return the interval that holds `value` alone."""
        return cls(value, value, value)

    @classmethod
    def between(cls, low: int, high: int, estimate: int | None = None) -> Interval:
        """Return low..high with the estimate drawn inside; `low` itself where none is given."""
        return cls.of(low, high, min(max(low if estimate is None else estimate, low), high))

    @property
    def is_exact(self) -> bool:
        """Whether it holds one number only."""
        return self.low == self.high

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high, self.estimate + other.estimate)

    def __neg__(self) -> Interval:
        return Interval(-self.high, -self.low, -self.estimate)

    def __sub__(self, other: Interval) -> Interval:
        return Interval(self.low - other.high, self.high - other.low, self.estimate - other.estimate)

    def __contains__(self, value: int) -> bool:
        return self.low <= value <= self.high

    def at_least(self, floor: int) -> Interval:
        """Return max(self, floor): for a quantity that cannot be smaller than `floor`."""
        if self.low >= floor:
            return self
        return Interval(max(self.low, floor), max(self.high, floor), max(self.estimate, floor))

    def at_most(self, ceiling: int) -> Interval:
        """Return min(self, ceiling): for a quantity that cannot be larger than `ceiling`."""
        if self.high <= ceiling:
            return self
        return Interval(min(self.low, ceiling), min(self.high, ceiling), min(self.estimate, ceiling))


ZERO = Interval.exactly(0)


def total(intervals: Iterable[Interval]) -> Interval:
    """Return the sum; of nothing, zero."""
    low = high = estimate = 0
    for interval in intervals:
        low += interval.low
        high += interval.high
        estimate += interval.estimate
    return Interval(low, high, estimate)
