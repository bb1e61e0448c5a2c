"""Several rows added up, with how many of them each sum is over. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from memcollect.live.parts import Parts, added
from memcollect.live.rows import Row


class Totals(Struct, frozen=True, kw_only=True):
    """Sums in bytes; None where no row has the number."""

    pods: int = 0
    measured: int = 0
    """Of which have a working set."""
    parts: Parts | None = None
    per_minute_bytes: int | None = None
    with_minute: int = 0
    """How many rows have a whole minute of history: the change is over these."""
    top_bytes: int | None = None
    in_top: int = 0
    oom_kills: int | None = None


def totals_of(rows: Sequence[Row]) -> Totals:
    """Return the totals of rows."""
    parts = [row.parts for row in rows if row.parts is not None]
    changes = [row.growth.per_minute_bytes for row in rows if row.growth is not None]
    whole = [each for each in changes if each is not None]
    tops = [row.top_bytes for row in rows if row.top_bytes is not None]
    kills = [row.oom_kills for row in rows if row.oom_kills is not None]
    return Totals(
        pods=len(rows),
        measured=len(parts),
        parts=added(parts) if parts else None,
        per_minute_bytes=sum(whole) if whole else None,
        with_minute=len(whole),
        top_bytes=sum(tops) if tops else None,
        in_top=len(tops),
        oom_kills=sum(kills) if kills else None,
    )
