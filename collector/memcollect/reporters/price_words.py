"""What a pod would lose without a service, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from memcollect.documents.snapshot import Service
from memcollect.services.price import saved_together
from memcollect.units import human_bytes

UNKNOWN = "?"


def price(service: Service) -> str:
    """Return between what the container would lose, e.g. "−310 to −380 MiB"; "?" where it is not known."""
    return between(service.saves_low_bytes, service.saves_high_bytes)


def without(services: Sequence[Service]) -> Iterator[str]:
    """Yield a sentence on all services that are known to have a switch: what turning them off would save."""
    known = [each for each in services if each.switch and each.saves_low_bytes is not None]
    if not known:
        return
    low, high = saved_together(known)
    names, switches = ([getattr(each, key) for each in known] for key in ("name", "switch"))
    them = "turns it" if len(known) == 1 else "turn them"
    saved = f"Without {listed(names)}: {between(low, high)} (predicted)."
    yield f"{saved} If the image knows the switch, {listed(switches)} {them} off."


def between(low: int | None, high: int | None) -> str:
    """Return an interval of what is saved, e.g. "−310 to −380 MiB"; "?" where it is not known."""
    if low is None:
        return UNKNOWN
    if high is None:
        return f"at least −{human_bytes(low)}"
    ends = human_bytes(low), human_bytes(high)
    unit = ends[1].rpartition(" ")[2]
    return f"−{ends[0].removesuffix(f' {unit}')} to −{ends[1]}"


def listed(words: Sequence[str]) -> str:
    """Return names as a sentence has them: "Jupyter, code-server and VNC"."""
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]
