"""Kubernetes quantities ("256Mi", "100m", "129e6") as numbers. Pure.

The grammar and the cut-off are those of apimachinery's pkg/api/resource/quantity.go.
"""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal

LARGEST = (1 << 63) - 1
"""Where the API server itself cuts a quantity off: the largest int64."""

_QUANTITY = re.compile(
    r"""
    ( [+-]? (?: [0-9]+ (?: \. [0-9]* )? | \. [0-9]+ ) )
    (?: ( [KMGTPE]i | [numkMGTPE] ) | ( [eE] [+-]? [0-9]{1,4} ) )?
    """,
    re.VERBOSE | re.ASCII,
)
_LONGEST = 128
_FACTORS = {
    **{unit: Decimal(1 << 10 * power) for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", 1)},
    **{unit: Decimal(1).scaleb(-3 * power) for power, unit in enumerate("mun", 1)},
}


def number_of(text: str) -> Decimal | None:
    """Return the number that `text` stands for, cut off at ± the largest int64; None: it is no quantity."""
    match = _QUANTITY.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        return None
    number, unit, exponent = match.groups()
    value = Decimal(f"{number}{exponent or ''}") * _FACTORS.get(unit, 1)
    return max(min(value, Decimal(LARGEST)), Decimal(-LARGEST))


def whole_of(number: Decimal) -> int:
    """Return it as a whole number, a fraction rounded away from zero as Kubernetes does."""
    magnitude = int(abs(number).to_integral_value(rounding=ROUND_CEILING))
    return magnitude if number >= 0 else -magnitude


def bytes_of(text: str | None) -> int | None:
    """Return a quantity of bytes; None where there is none, or the text is none."""
    number = number_of(text) if text is not None else None
    return None if number is None else whole_of(number)
