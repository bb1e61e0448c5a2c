"""How far the nodes' clocks are from this machine's, as far as a round trip can tell.

A node's clock showed `sampled_at` after the question had left and `finished_at` before the answer was
here. So its difference to our clock is at most sampled_at − sent and at least finished_at − received:
an interval as wide as the time on the way.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from memcollect.doctor.facts import ClusterFacts
from memcollect.doctor.result import Finding, Item
from memcollect.doctor.wording import count, of_nodes, seconds

MOST_SECONDS = 2.0
"""Beyond what the round trip leaves open; a timestamp of the metrics API is in whole seconds."""


class Offset(Struct, frozen=True):
    """By how many seconds a node's clock is ahead of ours: somewhere between `low` and `high`."""

    node: str
    low: float
    high: float

    @property
    def middle(self) -> float:
        """The estimate."""
        return (self.low + self.high) / 2

    @property
    def uncertainty(self) -> float:
        """The estimate may be wrong by this much."""
        return (self.high - self.low) / 2

    @property
    def is_far(self) -> bool:
        """Whether it is more than MOST_SECONDS off, whatever the round trip hides."""
        return abs(self.middle) > MOST_SECONDS + self.uncertainty

    def __str__(self) -> str:
        where = "ahead" if self.middle > 0 else "behind"
        return f"{seconds(abs(self.middle))} {where} (give or take {seconds(self.uncertainty)})"


def offsets(facts: ClusterFacts) -> list[Offset]:
    """Return what is known of each node's clock."""
    known = []
    for each, sample in facts.sampled:
        if each.sent_at is not None and each.received_at is not None:
            bounds = sorted((sample.finished_at - each.received_at, sample.sampled_at - each.sent_at))
            known.append(Offset(each.node, *bounds))
    return known


def agreeing(facts: ClusterFacts) -> Finding:
    """Whether this machine's clock and the nodes' agree."""
    known = offsets(facts)
    items = [Item(name=each.node, status="warn" if each.is_far else "ok", detail=str(each)) for each in known]
    if not known:
        return Finding(status="skipped", sentence="Not checked, because no agent told its time.")
    far = [each for each in known if each.is_far]
    was_set = "".join(_set(facts))
    if not far and was_set:
        return Finding(
            status="warn",
            sentence=f"The nodes' clocks agree with this machine's now.{was_set}",
            remedy="See what set it: NTP that begins late after a boot is usual, else ask whoever did it.",
            items=items,
        )
    if not far:
        widest = max(known, key=lambda each: max(abs(each.low), abs(each.high)))
        reach = max(abs(widest.low), abs(widest.high))
        nodes = count(len(known), "node")
        return Finding(
            status="ok", sentence=f"{nodes} within {seconds(reach)} of this machine's clock.", items=items
        )
    worst = max(far, key=lambda each: abs(each.middle))
    return Finding(
        status="warn",
        sentence=f"Clocks differ on {of_nodes([each.node for each in far], len(known))}: {worst.node} is "
        f"{worst} of this machine.{was_set}",
        remedy=_remedy(far, known),
        commands=("timedatectl set-ntp true",),
        items=items,
    )


def _set(facts: ClusterFacts) -> Iterator[str]:
    """Yield a sentence for each time that an agent saw its node's clock set, the last minutes alone."""
    for each, sample in facts.sampled:
        jumps = sample.history.clock_jumps if sample.history is not None else []
        for number, jump in enumerate(jumps):
            way = "ahead" if jump.by_seconds > 0 else "back"
            later = sum(after.by_seconds for after in jumps[number + 1 :])
            ago = max(0.0, sample.finished_at - jump.at - later)
            yield f" {each.node}'s was set {way} by {seconds(abs(jump.by_seconds))}, {seconds(ago)} ago."


def _remedy(far: list[Offset], known: list[Offset]) -> str:
    signs = {each.middle > 0 for each in far}
    if len(far) == len(known) and len(signs) == 1 and len(known) > 1:
        return "All nodes differ alike, so it is likely this machine: set its clock by NTP, here:"
    return "Set the clock by NTP, on the node (or here, if it is this machine's that is wrong):"
