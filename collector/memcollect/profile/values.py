"""Lengths of time and sizes as people write them in a plan. Pure."""

from __future__ import annotations

import math
import re
from typing import Any

from memcollect.profile.plan import Seconds, Size

_NUMBER = r"([0-9]{1,12}(?:\.[0-9]{1,6})?)"
_DURATION = re.compile(_NUMBER + r" ?(ms|s|m|min|h)", re.ASCII)
_SIZE = re.compile(_NUMBER + r" ?(B|Ki|Mi|Gi|KiB|MiB|GiB)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_BYTES = {"B": 1, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}
LONGEST_SECONDS = 86_400.0
LARGEST_BYTES = 1 << 50


def leaf(kind: type, value: Any) -> Any:
    """Return `value` as a Seconds or a Size. Raises ValueError, with what to write."""
    if kind is Seconds:
        return _seconds(value)
    if kind is Size:
        return _size(value)
    raise NotImplementedError(kind)


def _seconds(value: Any) -> Seconds:
    written = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if written is not None:
        seconds = float(written[1]) * _SECONDS[written[2]]
    elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        seconds = float(value)
    else:
        raise ValueError('is no length of time; write "20s", "500ms" or "2m"')
    if not 0 <= seconds <= LONGEST_SECONDS:
        raise ValueError("must be between 0 and 24h")
    return Seconds(seconds)


def _size(value: Any) -> Size:
    written = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if written is not None:
        size = int(float(written[1]) * _BYTES[written[2].removesuffix("B") or "B"])
    elif isinstance(value, int) and not isinstance(value, bool):
        size = value
    else:
        raise ValueError('is no size; write "1Mi" or "512Ki"')
    if not 0 <= size <= LARGEST_BYTES:
        raise ValueError("must be between 0 and 1 PiB")
    return Size(size)
