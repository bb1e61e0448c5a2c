"""What a pod would lose without a service, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from memcollect.documents.snapshot import Service
from memcollect.units import human_bytes

UNKNOWN = "?"


def price(service: Service) -> str:
    """Return between what the container would lose, e.g. "−310 to −380 MiB"; "?" where it is not known."""
    return _between(service.saves_low_bytes, service.saves_high_bytes)


def without(services: Sequence[Service]) -> Iterator[str]:
    """Yield a sentence on all services that are known to have a switch: what turning them off would save."""
    known = [each for each in services if each.switch and each.saves_low_bytes is not None]
    if not known:
        return
    low = sum(each.saves_low_bytes or 0 for each in known)
    highs = [each.saves_high_bytes for each in known if each.saves_high_bytes is not None]
    again = sum(each.saves_kernel_bytes or 0 for each in known[1:])
    high = sum(highs) - again if len(highs) == len(known) else None
    names, switches = ([getattr(each, key) for each in known] for key in ("name", "switch"))
    them = "turns it" if len(known) == 1 else "turn them"
    saved = f"Without {_listed(names)}: {_between(low, high)} (predicted)."
    yield f"{saved} If the image knows the switch, {_listed(switches)} {them} off."


def _between(low: int | None, high: int | None) -> str:
    if low is None:
        return UNKNOWN
    if high is None:
        return f"at least −{human_bytes(low)}"
    ends = human_bytes(low), human_bytes(high)
    unit = ends[1].rpartition(" ")[2]
    return f"−{ends[0].removesuffix(f' {unit}')} to −{ends[1]}"


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]
