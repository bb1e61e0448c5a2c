"""Kubernetes quantities that must be there: what is none is an error with its text."""

from decimal import Decimal

from memcollect.kubernetes.quantities import LARGEST, number_of, whole_of
from memcollect.sources.plain import plain

__all__ = ["LARGEST", "QuantityError", "nanos", "quantity", "whole"]


class QuantityError(ValueError):
    """The text is not a quantity."""


def quantity(text: str) -> Decimal:
    """Return the number that `text` stands for, cut off at ± the largest int64.

    Raises QuantityError where Kubernetes would not take the text for a quantity.
    """
    number = number_of(text)
    if number is None:
        raise QuantityError(f"not a Kubernetes quantity: {plain(text, 40)!r}")
    return number


def whole(text: str) -> int:
    """Return the quantity as a whole number, a fraction rounded away from zero as Kubernetes does.

    For bytes: "1.5Gi" is 1610612736, "100m" is 1. Raises QuantityError.
    """
    return whole_of(quantity(text))


def nanos(text: str) -> int:
    """Return the quantity in billionths, rounded the same way: CPU "1166452n" is 1166452 nanocores."""
    return whole_of(quantity(text).scaleb(9))
