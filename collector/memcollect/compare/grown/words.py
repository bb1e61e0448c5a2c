"""The first sentence about a growth. Pure."""

from __future__ import annotations

from memcollect.compare.growth import Growth, PodChange
from memcollect.units import MIB, human_bytes

LEAST_BYTES = MIB
"""A change smaller than this, or than LEAST_SHARE of the working set, is what a pod at rest does anyway."""
LEAST_SHARE = 0.01
APART = 0.5
"""The charge tells another story than the working set where they differ by more than this share of the
larger one."""


def headline(growth: Growth, made_of: str = "") -> str:
    """Return which pod changed most, by how much and of how many; that nothing did is a result, too.

    `made_of` is a sentence on what that change consists of, from whoever has the words for terms.
    """
    known = [each for each in growth.pods if each.working_set_change_bytes is not None]
    first = chief(growth)
    if not known:
        return f"No pod's change is known: {growth.pods[0].pod}: {growth.pods[0].reason}."
    if first is None:
        within = _duration(growth.seconds)
        nothing = f"Nothing grew: {_all(known)} changed by less than 1 MiB or 1 % in {within}."
        return " ".join(each for each in (nothing, _rebooted(growth)) if each)
    moved = [each for each in known if is_news(each)]
    sentences = [_sentence(first, growth.seconds), _rebooted(growth), made_of, _rest(first, known, moved)]
    return " ".join(each for each in sentences if each)


def chief(growth: Growth) -> PodChange | None:
    """Return the pod to look at: the one that grew most, else the one that changed most; None: none did."""
    moved = [each for each in growth.pods if each.working_set_change_bytes is not None and is_news(each)]
    grown = [each for each in moved if (each.working_set_change_bytes or 0) > 0]
    return next(iter(grown or moved), None)


def is_news(change: PodChange) -> bool:
    """Return whether the working set or the charge changed by more than pods at rest do."""
    least = max(LEAST_BYTES, int(LEAST_SHARE * (change.working_set_before_bytes or 0)))
    changes = (change.working_set_change_bytes, change.charge_change_bytes)
    return any(abs(each) >= least for each in changes if each is not None)


def _sentence(change: PodChange, seconds: float) -> str:
    before, after = change.working_set_before_bytes or 0, change.working_set_after_bytes or 0
    grew = "grew" if after > before else "shrank" if after < before else "kept its working set"
    if change.was:
        subject = f"{change.pod}, which replaced {change.was},"
    elif not change.is_same_pod:
        subject = f"{change.pod}, a new pod of that name,"
    else:
        subject = change.pod
    amount = f" by {human_bytes(abs(after - before))}" if after != before else ""
    return (
        f"{subject} {grew}{amount} in {_duration(seconds)}: its working set is {human_bytes(after)}, it was"
        f" {human_bytes(before)}{_charge(change)}{_restarted(change)}."
    )


def _charge(change: PodChange) -> str:
    """Return what the charge did, where it tells another story."""
    charge, working_set = change.charge_change_bytes, change.working_set_change_bytes or 0
    if charge is None:
        return ""
    apart = abs(charge - working_set)
    if apart < LEAST_BYTES or apart <= APART * max(abs(charge), abs(working_set)):
        return ""
    how = f"grew by {human_bytes(charge)}" if charge > 0 else f"fell by {human_bytes(-charge)}"
    if charge == 0:
        how = "stayed the same"
    return f", while all it is charged for, cold page cache included, {how}"


def _restarted(change: PodChange) -> str:
    if not change.restarts:
        return ""
    return f"; its containers restarted {change.restarts} time{'' if change.restarts == 1 else 's'} meanwhile"


def _rebooted(growth: Growth) -> str:
    if not growth.rebooted:
        return ""
    few = ", ".join(growth.rebooted[:3]) + (" and others" if len(growth.rebooted) > 3 else "")
    return f"{few} {'was' if len(growth.rebooted) == 1 else 'were'} rebooted in between."


def _rest(first: PodChange, known: list[PodChange], moved: list[PodChange]) -> str:
    others = [each for each in moved if each is not first]
    still = len(known) - len(moved)
    parts = []
    if others:
        parts.append(f"{len(others)} other pod{'' if len(others) == 1 else 's'} changed, too")
    if still:
        parts.append(f"{still}{'' if others else ' other'} stayed within 1 MiB or 1 %")
    return f"{'; '.join(parts)}." if parts else ""


def _all(known: list[PodChange]) -> str:
    return "the one pod in both" if len(known) == 1 else f"all {len(known)} pods in both"


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min"
    if whole < 172_800:
        return f"{whole / 3600:.1f} h"
    return f"{whole / 86_400:.1f} days"
