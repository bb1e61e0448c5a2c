"""Ages as Kubernetes prints them in tables: two units at most, fewer as things grow old."""

import datetime as dt

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_YEAR = 365 * _DAY


def age(timestamp: str | None, now: dt.datetime) -> str:
    """Return the age of an RFC 3339 timestamp, `<unknown>` when there is none."""
    if not timestamp:
        return "<unknown>"
    return human((now - dt.datetime.fromisoformat(timestamp)).total_seconds())


def human(seconds: float) -> str:
    """Return a span as kubectl shows it; `<invalid>` when it is more than a second negative."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 2 * _MINUTE:
        return f"{max(0, whole)}s"
    for below, unit, larger, smaller in (
        (10 * _MINUTE, _MINUTE, "m", "s"),
        (3 * _HOUR, _MINUTE, "m", ""),
        (8 * _HOUR, _HOUR, "h", "m"),
        (2 * _DAY, _HOUR, "h", ""),
        (8 * _DAY, _DAY, "d", "h"),
        (2 * _YEAR, _DAY, "d", ""),
        (8 * _YEAR, _YEAR, "y", "d"),
    ):
        if whole < below:
            return _two_units(whole, unit, larger, smaller)
    return f"{whole // _YEAR}y"


def _two_units(whole: int, unit: int, larger: str, smaller: str) -> str:
    sizes = {"s": 1, "m": _MINUTE, "h": _HOUR, "d": _DAY}
    rest = whole % unit // sizes[smaller] if smaller else 0
    return f"{whole // unit}{larger}" + (f"{rest}{smaller}" if rest else "")
