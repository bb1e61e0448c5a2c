"""Good documents with parts replaced, as bytes direct: no fuzzer writes JSON that gets far by itself."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from fuzz.target import OWN_SEEDS, TESTS

ODD: tuple[Any, ...] = (
    *(None, True, 0, 1, -1, 0.5, 1e308, (1 << 31) - 1, 1 << 53, (1 << 63) - 1, (1 << 64) - 1, -(1 << 63)),
    *("", "x", "0", "-1", "max", "\x1b[31m", "\u202e", "<b>", "|`*", "a" * 300, "../..", "1e309", "NaN"),
    *([], {}, [None], [[]], {"": None}, ["x", "x"], 1 << 70),
)
_Place = tuple[Any, Any]
"""A mapping or a list, and a key of it."""


def altering(seed: str, run: Callable[[bytes], object]) -> Callable[[bytes], None]:
    """Return what gives `run` the JSON of `seed` (below seeds/ or tests/) with up to eight changes.

    Three bytes are a change: where, two of them, and what becomes of it.
    """
    file = OWN_SEEDS / seed
    good = msgspec.json.decode((file if file.exists() else TESTS / seed).read_bytes())

    def altered(data: bytes) -> None:
        document = copy.deepcopy(good)
        for at in range(0, min(len(data) - 2, 24), 3):
            places = list(_places(document))
            if places:
                _change(places, int.from_bytes(data[at : at + 2], "big"), data[at + 2])
        run(msgspec.json.encode(document))

    return altered


def _places(value: Any) -> Iterator[_Place]:
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _change(places: list[_Place], where: int, how: int) -> None:
    holder, key = places[where % len(places)]
    if how < len(ODD):
        holder[key] = copy.deepcopy(ODD[how])
    elif how < 96:
        del holder[key]
    elif how < 128 and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[key]))
    elif isinstance(holder[key], int) and not isinstance(holder[key], bool):
        holder[key] = holder[key] * (how - 160) // 32
    else:
        other, its_key = places[(where * 7 + how) % len(places)]
        holder[key] = copy.deepcopy(other[its_key])
