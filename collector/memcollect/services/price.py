"""What a container would lose if a service were off: an interval that rests on its processes. Pure.

At least the private pages that no process but these can map: those that each has alone, or all that they have
but what the others may share with them, whichever is more. At most everything that they map by their fair
share, with their page tables and the stacks of their threads in the kernel, and all other kernel memory of
the container (slab, sockets, …): whose that is nobody knows, so it is in the upper end of each. A page that
only these processes map is whole in the sum of their PSS, and one that others map, too, stays whatever ends;
so the sum is a bound. Files that they leave in the page cache, and what they wrote to tmpfs, stay; a memfd or
a deleted file that they hold open and do not map goes, and is not in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from memcollect.documents.snapshot import Service
from memcollect_agent.wire import Process

STACK_BYTES = 16 << 10
"""Of kernel memory for each thread's stack (THREAD_SIZE of x86-64 and arm64)."""

CUT_BYTES = 1023
"""The kernel cuts a process's PSS to whole KiB."""


class Price(Struct, frozen=True):
    """Between how many bytes the container would lose."""

    low_bytes: int
    high_bytes: int


def price_of(processes: Sequence[Process], others: Sequence[Process] | None = None) -> Price | None:
    """Return what these processes take with them when they end; None where one of them is not known.

    `others`: all other processes of the container, the only ones that can share private memory with them;
    None: not known.
    """
    own = [each for each in processes if each.shares_with is None]
    prices = [_of_one(each) for each in own]
    known = [price for price in prices if price is not None]
    if not known or len(known) < len(prices):
        return None
    high = sum(each.high_bytes for each in known)
    low = max(sum(each.low_bytes for each in known), _together(own, others))
    return Price(min(low, high), high)


def saved_together(services: Sequence[Service]) -> tuple[int | None, int | None]:
    """Return between what one container would lose if all of these were off; None: not known.

    What may be any service's, of kernel memory, is in the upper end of each and counts once.
    """
    lows = [each.saves_low_bytes for each in services]
    highs = [each.saves_high_bytes for each in services]
    again = sum(each.saves_kernel_bytes or 0 for each in services[1:])
    return _sum(lows), None if (high := _sum(highs)) is None else high - again


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _together(own: Sequence[Process], others: Sequence[Process] | None) -> int:
    """Return what of private memory only these processes can have, though they share it with each other."""
    if others is None:
        return 0
    shared = [_most_shared(each) for each in others if each.shares_with is None]
    known = [each for each in shared if each is not None]
    if len(known) < len(shared):
        return 0
    return max(0, sum(each.pss_anon_bytes or 0 for each in own) - sum(known))


def _most_shared(process: Process) -> int | None:
    """Return how much of its private memory a process shares with anybody, at most."""
    anonymous = process.smaps_rollup.get("Anonymous")
    if anonymous is None or process.pss_anon_bytes is None:
        return None
    # A shared page counts for half of its size at most, so at least the other half is left out of Pss_Anon.
    return min(anonymous, max(0, 2 * (anonymous - process.pss_anon_bytes)))


def kernel_bytes(stat: Mapping[str, int] | None, current_bytes: int | None) -> int | None:
    """Return a container's kernel memory but for page tables and stacks, which its processes tell.

    From memory.stat's lines; where those do not name it whole (before Linux 5.18), what the charge leaves
    beside them. None where neither is known.
    """
    if stat is None:
        return None
    told = stat.get("pagetables", 0) + stat.get("kernel_stack", 0)
    if "kernel" in stat:
        return max(0, stat["kernel"] + stat.get("sock", 0) - told)
    if current_bytes is None or "anon" not in stat or "file" not in stat:
        return None
    return max(0, current_bytes - stat["anon"] - stat["file"] - told)


def _of_one(process: Process) -> Price | None:
    anon, pss = process.pss_anon_bytes, process.pss_bytes
    anonymous = process.smaps_rollup.get("Anonymous")
    if anon is None or pss is None or anonymous is None or process.page_tables_bytes is None:
        return None
    # A shared page counts for half of its size at most: what that leaves of Pss_Anon is private.
    low = max(0, 2 * anon - anonymous)
    kernel = process.page_tables_bytes + (process.threads or 1) * STACK_BYTES
    return Price(min(low, pss), pss + CUT_BYTES + kernel)
