"""What bytes from elsewhere may become once they are decoded: a bound that holds before anything is.

A few bytes on the wire become a struct, a text or an entry of a map of some hundred bytes in memory.
"""

from __future__ import annotations

import math

MOST_DECODED_BYTES = 400 << 20
"""Of one agent's answer. 10,000 processes with all their fields, 6 MB, are reckoned as half of it at most."""

_OBJECT_BYTES = 560
"""A struct with all that it holds by default (Cgroup), or a map."""
_ARRAY_BYTES = 96
_TEXT_BYTES = 220
"""A short text, and its place in a map that has just grown for it to six times the room it needs."""
_NUMBER_BYTES = 40
_PLACE_BYTES = 8
"""Of anything in a list."""

_LENGTH_SIZES = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
"""Texts and bytes whose length is written before them: how many bytes it takes."""
_AFTER = {
    **{0xA0 + length: length for length in range(32)},
    **dict(zip(range(0xCA, 0xD4), (4, 8, 1, 2, 4, 8, 1, 2, 4, 8), strict=True)),
    **dict(zip(range(0xD4, 0xD9), (2, 3, 5, 9, 17), strict=True)),
    **dict(zip(range(0xDC, 0xE0), (2, 4, 2, 4), strict=True)),
    **_LENGTH_SIZES,
}
"""How many bytes follow a first byte of MessagePack (its specification's "formats"), where any do."""
_COSTS = {
    _OBJECT_BYTES: bytes([*range(0x80, 0x90), 0xDE, 0xDF]),
    _ARRAY_BYTES: bytes([*range(0x90, 0xA0), 0xDC, 0xDD]),
    _TEXT_BYTES: bytes([*range(0xA0, 0xC0), 0xC4, 0xC5, 0xC6, 0xD9, 0xDA, 0xDB]),
    _NUMBER_BYTES: bytes([*range(0xCA, 0xD4)]),
}
_BEGINS = {byte: cost for cost, begins in _COSTS.items() for byte in begins}
_STEPS = [1 + _AFTER.get(byte, 0) for byte in range(256)]
_GROWTH = [_PLACE_BYTES + _BEGINS.get(byte, 0) for byte in range(256)]
_MOST_GROWTH = 1 + max(_GROWTH)


def grows_too_large(packed: bytes, most_bytes: int = MOST_DECODED_BYTES) -> bool:
    """Tell whether MessagePack may take more than `most_bytes` in memory when it is decoded.

    That it does not is most often clear from its length, or from how often each byte occurs, wherever it
    stands.
    """
    return (
        _MOST_GROWTH * len(packed) > most_bytes
        and _at_most(packed) > most_bytes
        and decoded_bytes(packed, most_bytes) > most_bytes
    )


def decoded_bytes(packed: bytes, enough_bytes: float = math.inf) -> int:
    """Return the most that MessagePack may take in memory, itself included, thing by thing.

    It ends where there are `enough_bytes`, so its time is bounded, too.
    """
    steps, growth, sizes = _STEPS, _GROWTH, _LENGTH_SIZES
    at, end, grown = 0, len(packed), len(packed)
    while at < end and grown <= enough_bytes:
        first = packed[at]
        grown += growth[first]
        if first in sizes:
            at += int.from_bytes(packed[at + 1 : at + 1 + sizes[first]], "big")
        at += steps[first]
    return grown


def _at_most(packed: bytes) -> int:
    """Return what they took if each byte began something."""
    counted = {cost: len(packed) - len(packed.translate(None, begins)) for cost, begins in _COSTS.items()}
    return (1 + _PLACE_BYTES) * len(packed) + sum(cost * count for cost, count in counted.items())
