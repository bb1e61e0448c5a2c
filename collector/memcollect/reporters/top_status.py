"""What a number of kubectl top comes to, in the words of every report. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memcollect.join.reconcile import SMALL_SHARE
from memcollect.reporters.sizes import size

if TYPE_CHECKING:
    from memcollect.documents.snapshot import Top

_STATUSES = {
    "reconciled": "it matches our own reading",
    "drifted": "",
    "undecided": "not decided",
    "stale": "too old to be held against anything",
    "unaligned": "not comparable: the agent has no history of that moment",
    "different-provider": "another number altogether",
    "unexplained": "NOT EXPLAINED",
    "not-measured": "not compared",
}
"""What has drifted says so in its detail, with the amount."""


COUNTED = {
    "reconciled": "matched",
    "drifted": "changed since",
    "undecided": "not decided",
    "stale": "too old",
    "unaligned": "not comparable",
    "different-provider": "another number",
    "unexplained": "NOT EXPLAINED",
    "not-measured": "not compared",
    "no-metrics": "without a number",
}
"""What is said of so many pods."""


def top_status(top: Top) -> str:
    """Return what the number comes to, with our own reading of that moment where there is one; "" if neither.

    Of a status that another version wrote, its own word.
    """
    words = _STATUSES.get(top.status, top.status)
    then = top.working_set_at_sample_bytes
    if then is None:
        return words
    spread = f" ±{size(top.tolerance_bytes)}" if top.tolerance_bytes is not None else ""
    reading = f"{size(then)}{spread}"
    if top.status == "reconciled":
        return f"{_closeness(top, then)} our own reading at that time, {reading}"
    return (
        f"{words}, our own reading at that time is {reading}" if words else f"our own reading then: {reading}"
    )


def _closeness(top: Top, then_bytes: int) -> str:
    # Of several containers each may be within its own budget or share, and the sum within neither.
    apart = abs((top.memory_bytes or 0) - then_bytes)
    if apart <= (top.tolerance_bytes or 0):
        return "it matches"
    return "it is within 1 % of" if apart <= SMALL_SHARE * then_bytes else f"it is {size(apart)} from"
