"""Services that a phase of a run has off: what that was to save in each repeat, and what it did. Pure.

Prediction and fact are of one sandbox in one repeat, so what differs between repeats hides neither.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from memcollect.compare.cells import Group, in_turn
from memcollect.compare.grown.services import services_off
from memcollect.compare.growth import ServicesOff
from memcollect.compare.inputs import Observation
from memcollect.compare.model import PhaseKey, ServicesSaved, Spread
from memcollect.compare.statistics import spread

Which = tuple[str, tuple[str, ...]]
"""(container, its services)."""


class _Saved(Struct, frozen=True):
    """Of one repeat, the mean over its pods; None where one of them lacks it."""

    low_bytes: int | None
    high_bytes: int | None
    fell_bytes: int | None

    @property
    def is_within(self) -> bool | None:
        """Whether the charge fell by what was predicted; None where one of the two is not known."""
        if self.low_bytes is None or self.high_bytes is None or self.fell_bytes is None:
            return None
        return self.low_bytes <= self.fell_bytes <= self.high_bytes


def services_saved(groups: Sequence[Group], order: Sequence[PhaseKey]) -> Iterator[ServicesSaved]:
    """Yield what each phase of one backend has off, against the phase before it in the same repeat."""
    found: defaultdict[tuple[PhaseKey, PhaseKey], list[dict[Which, _Saved]]] = defaultdict(list)
    for before, after in in_turn(groups, order):
        found[before.phase, after.phase].append(_of_repeat(before, after))
    for (previous, phase), repeats in sorted(found.items(), key=lambda each: order.index(each[0][1])):
        for which in sorted({which for each in repeats for which in each}):
            saved = [each[which] for each in repeats if which in each]
            judged = [each.is_within for each in saved if each.is_within is not None]
            yield ServicesSaved(
                backend=groups[0].backend,
                phase=phase,
                after=previous,
                container=which[0],
                services=list(which[1]),
                repeats=len(saved),
                of_repeats=len(repeats),
                predicted_low=_spread(each.low_bytes for each in saved),
                predicted_high=_spread(each.high_bytes for each in saved),
                fell=_spread(each.fell_bytes for each in saved),
                within=sum(judged),
                judged=len(judged),
            )


def _of_repeat(before: Observation, after: Observation) -> dict[Which, _Saved]:
    later = {pod.uid: pod for pod in after.snapshot.pods}
    found: defaultdict[Which, list[ServicesOff]] = defaultdict(list)
    for pod in before.snapshot.pods:
        for off in services_off(pod, later[pod.uid]) if pod.uid in later else ():
            found[off.container, tuple(off.services)].append(off)
    return {which: _mean(those) for which, those in found.items()}


def _mean(those: Sequence[ServicesOff]) -> _Saved:
    return _Saved(
        _mean_of([each.predicted_low_bytes for each in those]),
        _mean_of([each.predicted_high_bytes for each in those]),
        _mean_of([each.fell_bytes for each in those]),
    )


def _mean_of(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known)) if len(known) == len(values) else None


def _spread(values: Iterable[int | None]) -> Spread | None:
    listed = list(values)
    known = [value for value in listed if value is not None]
    return spread(known) if len(known) == len(listed) else None
