"""A process's private memory by what it is mapped for, so that parts and residual come to Pss_Anon. Pure.

What the kernel leaves open of one mapping (wire.MappedPart) the sum closes: where a single part is open, it
is what the others leave.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from memcollect.documents.snapshot import Confidence, PrivateMemory, PrivatePart, Residual
from memcollect_agent.wire import MappedPart, Process, ProcessMappings

BY_SHAPE = frozenset(
    {"bss", "arena", "thread-stack", "go-heap", "v8", "jit", "jvm-heap", "jvm-metaspace"}
)  # fmt: skip
CUT_BYTES = 1023
"""The kernel cuts Pss_Anon to whole KiB."""
UNREAD = "the mappings that were not read"
MOVED = "what moved between two readings of Pss_Anon, and what its cut to KiB leaves out"


def private_memory(processes: Iterable[Process]) -> list[PrivateMemory]:
    """Return the private memory of those processes whose mappings were asked for, in their order."""
    return [taken_apart(each.pid, each.mapped) for each in processes if each.mapped is not None]


def taken_apart(pid: int, mapped: ProcessMappings) -> PrivateMemory:
    """Return the parts with the one estimate each, and what is left of Pss_Anon."""
    whole = mapped.pss_anon_bytes
    if whole is None:
        return PrivateMemory(pid=pid, missing=mapped.missing or "this kernel tells no Pss_Anon")
    moved = abs(whole - (whole if mapped.pss_anon_before_bytes is None else mapped.pss_anon_before_bytes))
    ranges = [(each.anon_low_bytes, each.anon_high_bytes) for each in mapped.parts]
    estimates = _estimates(ranges, whole)
    if not moved and not mapped.missing:
        ranges = _closed(ranges, whole)
    parts = [
        _part(part, bounds, estimate)
        for part, bounds, estimate in zip(mapped.parts, ranges, estimates, strict=True)
    ]
    left = whole - sum(estimates)
    return PrivateMemory(
        pid=pid,
        whole_bytes=whole,
        parts=sorted(parts, key=lambda each: -each.estimate_bytes),
        residual=_residual(left, ranges, whole, moved, is_cut=bool(mapped.missing)),
        missing=mapped.missing,
    )


def _estimates(ranges: Sequence[tuple[int, int]], whole: int) -> list[int]:
    """Return an estimate in each range; where they can, they come to the whole."""
    rooms = [high - low for low, high in ranges]
    spare = min(max(0, whole - sum(low for low, _ in ranges)), sum(rooms))
    estimates: list[int] = []
    for (low, _), room in zip(ranges, rooms, strict=True):
        rest = sum(rooms[len(estimates) :])
        # What is left, by room: the last one with any takes all that remains.
        share = spare * room // rest if rest else 0
        spare -= share
        estimates.append(low + share)
    return estimates


def _closed(ranges: Sequence[tuple[int, int]], whole: int) -> list[tuple[int, int]]:
    """Return the ranges as narrow as the whole makes them; as they are where it contradicts them."""
    lows, highs = sum(low for low, _ in ranges), sum(high for _, high in ranges)
    if not lows <= whole + CUT_BYTES or not whole <= highs:
        return list(ranges)
    return [
        (max(low, whole - (highs - high)), min(high, whole + CUT_BYTES - (lows - low)))
        for low, high in ranges
    ]


def _part(part: MappedPart, bounds: tuple[int, int], estimate: int) -> PrivatePart:
    low, high = min(bounds[0], estimate), max(bounds[1], estimate)
    return PrivatePart(
        kind=part.kind,
        name=part.name,
        mappings=part.mappings,
        low_bytes=low,
        high_bytes=high,
        estimate_bytes=estimate,
        confidence=_confidence(part.kind, high - low),
        size_bytes=part.size_bytes,
        swap_pss_bytes=part.swap_pss_bytes,
        huge_bytes=part.huge_bytes,
        ksm_bytes=part.ksm_bytes,
    )


def _confidence(kind: str, width: int) -> Confidence:
    if kind in BY_SHAPE:
        return "inferred"
    return "bounded" if width else "measured"


def _residual(
    left: int, ranges: Sequence[tuple[int, int]], whole: int, moved: int, *, is_cut: bool
) -> Residual:
    lows, highs = sum(low for low, _ in ranges), sum(high for _, high in ranges)
    bound_low, bound_high = -moved - CUT_BYTES, moved + CUT_BYTES + (max(0, left) if is_cut else 0)
    return Residual(
        low_bytes=min(left, whole - highs),
        high_bytes=max(left, whole - lows),
        estimate_bytes=left,
        bound_low_bytes=bound_low,
        bound_high_bytes=bound_high,
        bound_reason=f"{UNREAD}, and {MOVED}" if is_cut else MOVED,
        within_bound=bound_low <= left <= bound_high,
    )
