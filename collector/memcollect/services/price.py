"""What a container would lose if a service were off: an interval that rests on its processes. Pure.

At least the private pages that no other process maps; at most everything that they map by their fair share,
with their page tables and the stacks of their threads in the kernel. A page that only these processes map is
whole in the sum of their PSS, and one that others map, too, stays whatever ends; so the sum is a bound. Files
that they leave in the page cache, and what they wrote to tmpfs, stay.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from memcollect_agent.wire import Process

STACK_BYTES = 16 << 10
"""Of kernel memory for each thread's stack (THREAD_SIZE of x86-64 and arm64)."""

CUT_BYTES = 1023
"""The kernel cuts a process's PSS to whole KiB."""


class Price(Struct, frozen=True):
    """Between how many bytes the container would lose."""

    low_bytes: int
    high_bytes: int


def price_of(processes: Sequence[Process]) -> Price | None:
    """Return what these processes take with them when they end; None where one of them is not known."""
    own = [each for each in processes if each.shares_with is None]
    prices = [_of_one(each) for each in own]
    known = [price for price in prices if price is not None]
    if not known or len(known) < len(prices):
        return None
    return Price(sum(each.low_bytes for each in known), sum(each.high_bytes for each in known))


def _of_one(process: Process) -> Price | None:
    anon, pss = process.pss_anon_bytes, process.pss_bytes
    anonymous = process.smaps_rollup.get("Anonymous")
    if anon is None or pss is None or anonymous is None or process.page_tables_bytes is None:
        return None
    # A shared page counts for half of its size at most: what that leaves of Pss_Anon is private.
    low = max(0, 2 * anon - anonymous)
    kernel = process.page_tables_bytes + (process.threads or 1) * STACK_BYTES
    return Price(min(low, pss), pss + CUT_BYTES + kernel)
