"""The shape of one pod's list in the metrics API, looked at before any of its numbers is believed. Pure.

`kubectl top pod` adds up whatever the list has. A broken provider lists a container twice (its old cgroup and
its new one), adds an entry that is the sum of the others, or gives the pod's total for each container.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from memcollect.kubernetes.usage import Usage
from memcollect.units import MIB, human_bytes

PAUSE = "POD"
"""What cAdvisor calls it (its label of Docker's)."""
SAME_SHARE = 0.02
"""By so much two numbers of one thing may differ: they were read seconds apart."""


class Shape(Struct, frozen=True, gc=False):
    """The list as it is to be understood."""

    usages: Sequence[Usage]
    """One for each name; none where no entry is a container's own."""
    remark: str = ""
    """What is wrong with the list, as a sentence without its full stop; "" where nothing is."""
    shown_bytes: int | None = None
    """What kubectl top adds up although it should not; None where its sum is right."""
    total_bytes: int | None = None
    """The pod's total, where the list gives that and no container's own numbers."""


def shape_of(
    listed: Sequence[Usage], working_sets: Mapping[str, int | None], others: Iterable[str] = ()
) -> Shape:
    """Return the list as it is to be understood; `working_sets` are the agent's, by the containers' names.

    `others` are the names of containers that the pod has and kubectl top should not list.
    """
    listed = [_without_negative(each) for each in listed]
    numbers = [each.memory_bytes for each in listed if each.memory_bytes is not None]
    shown = sum(numbers)
    if (of_all := _total_for_each(numbers, list(working_sets.values()))) is not None:
        remark = (
            f"kubectl top shows {human_bytes(shown)}: it adds up {len(listed)} entries, each of which is the"
            " pod's total"
        )
        return Shape([], remark, total_bytes=of_all)
    extra = next((each for each in listed if _is_sum_of_others(each, listed, working_sets)), None)
    if extra is not None:
        kept = [each for each in listed if each is not extra]
        name = f"called {extra.name}" if extra.name else "without a name"
        return Shape(
            kept,
            f"kubectl top shows {human_bytes(shown)}: it adds up an entry {name}, too, which is the sum of"
            " the others and is counted once here",
        )
    strangers = [each for each in listed if each.memory_bytes and each.name not in {*working_sets, *others}]
    if strangers and len(strangers) < len(listed):
        return _without_strangers(listed, strangers, working_sets, shown)
    return _each_name_once(listed, working_sets, shown)


def _without_strangers(
    listed: Sequence[Usage], strangers: Sequence[Usage], working_sets: Mapping[str, int | None], shown: int
) -> Shape:
    """Return the list without entries of containers that this pod does not have."""
    shape = _each_name_once([each for each in listed if each not in strangers], working_sets, shown)
    who = " and ".join(f"{_called(each.name)} ({human_bytes(each.memory_bytes or 0)})" for each in strangers)
    none = "none of which is" if len(strangers) > 1 else "which is not"
    remark = f"it adds up {who}, {none} a container of this pod"
    return Shape(shape.usages, "; ".join(part for part in (shape.remark, remark) if part), shown)


def _called(name: str) -> str:
    if name == PAUSE:
        return "the pause container"
    return f"an entry called {name}" if name else "an entry without a name"


def _without_negative(usage: Usage) -> Usage:
    negative = usage.memory_bytes is not None and usage.memory_bytes < 0
    return msgspec.structs.replace(usage, memory_bytes=None) if negative else usage


def _total_for_each(numbers: Sequence[int], working_sets: Sequence[int | None]) -> int | None:
    """Return the pod's total where each entry is that."""
    known = [each for each in working_sets if each is not None]
    if len(numbers) < 2 or len(known) != len(working_sets) or len(known) < 2:
        return None
    same = all(_is_same(number, sum(known)) for number in numbers)
    return numbers[0] if same and not any(_is_same(sum(known), each) for each in known) else None


def _is_sum_of_others(usage: Usage, listed: Sequence[Usage], working_sets: Mapping[str, int | None]) -> bool:
    """Return whether an entry that is no container's is the sum of all others."""
    others = [each.memory_bytes for each in listed if each is not usage]
    known = [each for each in others if each is not None]
    if usage.name in working_sets or usage.memory_bytes is None or not known or len(known) != len(others):
        return False
    return _is_same(usage.memory_bytes, sum(known))


def _each_name_once(listed: Sequence[Usage], working_sets: Mapping[str, int | None], shown: int) -> Shape:
    """Return the list with the entry of each name that is nearest to what the agent measured."""
    if len({each.name for each in listed}) == len(listed):
        return Shape(listed)
    by_name: dict[str, list[Usage]] = {}
    for each in listed:
        by_name.setdefault(each.name, []).append(each)
    usages = [_nearest(entries, working_sets.get(name)) for name, entries in by_name.items()]
    twice = [_listed_twice(name, entries) for name, entries in by_name.items() if len(entries) > 1]
    if not twice:
        return Shape(usages)
    return Shape(usages, f"{'; '.join(twice)}, and kubectl top adds all up: a cgroup counts once", shown)


def _listed_twice(name: str, entries: Sequence[Usage]) -> str:
    sizes = " and ".join(human_bytes(each.memory_bytes) for each in entries if each.memory_bytes is not None)
    times = "twice" if len(entries) == 2 else f"{len(entries)} times"
    return f"container {name or 'without a name'} is listed {times} ({sizes})"


def _nearest(entries: Iterable[Usage], working_set: int | None) -> Usage:
    return min(entries, key=lambda each: abs((each.memory_bytes or 0) - (working_set or 0)))


def _is_same(one: int, other: int) -> bool:
    return abs(one - other) <= max(MIB, SAME_SHARE * max(one, other))
