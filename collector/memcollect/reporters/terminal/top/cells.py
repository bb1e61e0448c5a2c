"""What stands in one cell of the live table. Pure."""

from __future__ import annotations

from memcollect.live.model import Shown
from memcollect.live.parts import Part
from memcollect.live.rows import Row, Use
from memcollect.live.spark import sparkline
from memcollect.live.trend import TREND_POINTS, WHOLE_SECONDS, Growth
from memcollect.reporters.sizes import UNKNOWN, short_size

NO_LIMIT = "none"
CONTAINER_MARK = "c"
"""Before a limit that is a container's, not the pod's."""
INTERVAL_MARK = "~"
PARTIAL_MARK = "≥"


def working_set(row: Row) -> str:
    """Return the working set."""
    return short_size(row.parts.working_set_bytes if row.parts is not None else None)


def part(value: Part) -> str:
    """Return a part: "≥" before what is a part only, "~" before what lies between two numbers."""
    if value.bytes is None:
        return UNKNOWN
    mark = PARTIAL_MARK if value.partial else INTERVAL_MARK if value.is_interval else ""
    return f"{mark}{short_size(value.bytes)}"


def other(row: Row) -> str:
    """Return the remainder."""
    return short_size(row.parts.other_bytes if row.parts is not None else None)


def signed(value: int | None) -> str:
    """Return a change with its sign."""
    return f"+{short_size(value)}" if value is not None and value > 0 else short_size(value)


def change(growth: Growth | None) -> str:
    """Return the change of a minute; where less is known, that of the time which is, e.g. "+2.0Mi/12s"."""
    if growth is None:
        return UNKNOWN
    if growth.over_seconds >= WHOLE_SECONDS:
        return signed(growth.per_minute_bytes)
    return f"{signed(growth.change_bytes)}/{max(1, round(growth.over_seconds))}s"


def trend(growth: Growth | None) -> str:
    """Return the last minute as a sparkline."""
    return sparkline(growth.trend) if growth is not None else " " * TREND_POINTS


def age(seconds: float | None) -> str:
    """Return an age in at most five columns: "23s", "2m05", "3h"."""
    if seconds is None:
        return ""
    whole = round(seconds)
    if whole < 100:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}m{rest:02}" if minutes < 60 else f"{minutes // 60}h"


def limit(use: Use) -> str:
    """Return the limit; "none" where there is none, "c" before one of a container."""
    if use.limit == "max":
        return NO_LIMIT
    return f"{CONTAINER_MARK if use.container else ''}{short_size(use.limit)}"


def used(use: Use) -> str:
    """Return the used share of the limit in whole percent, rounded down: 100 % is the limit itself."""
    share = use.share
    if share is None:
        return "" if use.limit == "max" else UNKNOWN
    percent = int(share * 100)
    return "<1%" if percent == 0 and share > 0 else f"{percent}%"


def kills(count: int | None) -> str:
    """Return how often the kernel killed a process for want of memory; nothing for never."""
    return UNKNOWN if count is None else str(count) if count else ""


def details(shown: Shown, *, with_top: bool) -> list[str]:
    """Return what a narrow table has no columns for, in words."""
    row = shown.row
    words = []
    if shown.stale:
        words.append(f"STALE, read {age(shown.age_seconds)} ago")
    if row.growth is not None:
        words.append(trend(row.growth).lstrip())
    if with_top:
        known = row.top_bytes is not None
        words.append(
            f"top {short_size(row.top_bytes)}{f' {age(shown.top_age_seconds)} ago' if known else ''}"
        )
    share = used(row.use)
    words.append(f"limit {limit(row.use)}{f' {share}' if share and row.use.limit is not None else ''}")
    if row.oom_kills:
        words.append(f"OOM kills {row.oom_kills}")
    return [*words, row.node or ""]
