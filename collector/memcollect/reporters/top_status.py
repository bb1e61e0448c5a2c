"""What a number of kubectl top comes to, in the words of every report. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memcollect.documents.snapshot import Top

STATUSES = {
    "reconciled": "reconciled",
    "drifted": "rightly different: the {what} has changed since",
    "undecided": "not decided",
    "stale": "too old to be held against anything",
    "unaligned": "not comparable: the agent has no history of that moment",
    "different-provider": "another number altogether",
    "unexplained": "NOT EXPLAINED",
    "not-measured": "not compared",
}


def top_status(top: Top, what: str) -> str:
    """Return what the number of a `what` ("pod", "node") comes to, in words; "" where nobody looked."""
    known = STATUSES.get(top.status)
    # A status of another version is shown as it is: its braces, if it has any, are no template.
    return top.status if known is None else known.format(what=what)
