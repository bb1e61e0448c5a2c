"""The values of a plan as people write them: text, numbers, choices, lengths of time and sizes. Pure."""

from __future__ import annotations

import math
import re
from typing import Any, Literal, get_args, get_origin

from msgspec import Struct
from msgspec.structs import fields

from memcollect.profile.plan.model import Seconds, Size
from memcollect.units import duration_seconds

_NUMBER = r"([0-9]{1,12}(?:\.[0-9]{1,6})?)"
_SIZE = re.compile(_NUMBER + r" ?(B|Ki|Mi|Gi|KiB|MiB|GiB)", re.ASCII)
_BYTES = {"B": 1, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}
LONGEST_SECONDS = 86_400.0
LARGEST_BYTES = 1 << 50
_EXAMPLES: dict[Any, str] = {str: '"…"', int: "1", Seconds: '"20s"', Size: '"1Mi"'}


def leaf(kind: Any, value: Any) -> Any:
    """Return `value` as a `kind`. Raises ValueError, which says what it must be."""
    if kind is Seconds:
        return _seconds(value)
    if kind is Size:
        return _size(value)
    if get_origin(kind) is Literal:
        return _choice(get_args(kind), value)
    if kind is str and not isinstance(value, str):
        raise ValueError("it must be text in quotes")
    if kind is int and not _is_whole(value):
        raise ValueError("it must be a whole number")
    if kind not in (str, int):
        raise NotImplementedError(kind)
    return value


def struct_of(kind: Any) -> type[Struct] | None:
    """Return the struct that a value of `kind` is; None where it is none."""
    options = [kind, *get_args(kind)] if get_origin(kind) is not dict else []
    return next((o for o in options if isinstance(o, type) and issubclass(o, Struct)), None)


def example(kind: Any) -> str:
    """Return how a value of `kind` may be written; of a struct what it must have."""
    struct = struct_of(kind)
    if struct is not None:
        keys = [f"{each.name} = {example(each.type)}" for each in fields(struct) if each.required]
        return f"{{ {', '.join(keys)} }}"
    if get_origin(kind) is list:
        return f"[{example(get_args(kind)[0])}]"
    return _EXAMPLES.get(kind, "…")


def _choice(choices: tuple[str, ...], value: Any) -> str:
    if isinstance(value, str) and value in choices:
        return value
    raise ValueError(f"it must be one of {', '.join(filter(None, choices))}")


def _seconds(value: Any) -> Seconds:
    written = duration_seconds(value) if isinstance(value, str) else None
    if written is not None:
        value = written
    elif not _is_whole(value) and not (isinstance(value, float) and math.isfinite(value)):
        raise ValueError('it must be a length of time, as "500ms", "20s" or "2m"')
    if not 0 <= value <= LONGEST_SECONDS:
        raise ValueError('it must be from 0 to "24h"')
    return Seconds(value)


def _size(value: Any) -> Size:
    written = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if written is not None:
        value = int(float(written[1]) * _BYTES[written[2].removesuffix("B") or "B"])
    elif not _is_whole(value):
        raise ValueError('it must be a size, as "1Mi" or "512Ki"')
    if not 0 <= value <= LARGEST_BYTES:
        raise ValueError(f'it must be from 0 to "{LARGEST_BYTES >> 30}Gi"')
    return Size(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
