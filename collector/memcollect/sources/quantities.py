"""Kubernetes quantities ("256Mi", "100m", "129e6") as numbers.

The arithmetic is the official client's; the grammar in front of it is that of apimachinery's
pkg/api/resource/quantity.go, because the client's reader also takes what Kubernetes does not
("K", "1e3Mi", "1_000", " 1", "NaN").
"""

import re
from decimal import ROUND_CEILING, Decimal

from kubernetes.utils.quantity import parse_quantity

from memcollect.sources.plain import plain

LARGEST = (1 << 63) - 1
"""Where the API server itself cuts a quantity off: the largest int64."""

_QUANTITY = re.compile(
    r"""
    [+-]?
    (?: [0-9]+ (?: \. [0-9]* )? | \. [0-9]+ )
    (?: [KMGTPE]i | [numkMGTPE] | [eE] [+-]? [0-9]{1,4} )?
    """,
    re.VERBOSE | re.ASCII,
)
_LONGEST = 128


class QuantityError(ValueError):
    """The text is not a quantity."""


def quantity(text: str) -> Decimal:
    """Return the number that `text` stands for, cut off at ± the largest int64.

    Raises QuantityError where Kubernetes would not take the text for a quantity.
    """
    if len(text) > _LONGEST or not _QUANTITY.fullmatch(text):
        raise QuantityError(f"not a Kubernetes quantity: {plain(text, 40)!r}")
    return max(min(Decimal(parse_quantity(text)), Decimal(LARGEST)), Decimal(-LARGEST))


def whole(text: str) -> int:
    """Return the quantity as a whole number, a fraction rounded away from zero as Kubernetes does.

    For bytes: "1.5Gi" is 1610612736, "100m" is 1. Raises QuantityError.
    """
    return _away_from_zero(quantity(text))


def nanos(text: str) -> int:
    """Return the quantity in billionths, rounded the same way: CPU "1166452n" is 1166452 nanocores."""
    return _away_from_zero(quantity(text).scaleb(9))


def _away_from_zero(number: Decimal) -> int:
    magnitude = int(abs(number).to_integral_value(rounding=ROUND_CEILING))
    return magnitude if number >= 0 else -magnitude
