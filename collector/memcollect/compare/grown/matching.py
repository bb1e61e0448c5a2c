"""Which pod of the later snapshot is which of the earlier one. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence

from msgspec import Struct

from memcollect.compare.growth import MatchedBy
from memcollect.documents.snapshot import Pod


class Matched(Struct, frozen=True, kw_only=True):
    """Pods that belong together, and those that are alone."""

    pairs: list[tuple[Pod, Pod, MatchedBy]]
    only_before: list[Pod]
    only_after: list[Pod]


def matched(before: Sequence[Pod], after: Sequence[Pod], *, one_cluster: bool = True) -> Matched:
    """Return which pods belong together: the same one, else one of the same name, else of the same owner.

    An owner decides only where it has one pod left on each side: of several nobody knows who replaced whom.
    In two clusters names and owners are two.
    """
    pairs: list[tuple[Pod, Pod, MatchedBy]] = []
    rules: tuple[tuple[MatchedBy, Callable[[Pod], Hashable | None]], ...] = (
        ("uid", lambda pod: (pod.uid, _machine(pod)) if pod.uid else None),
        ("name", lambda pod: (pod.namespace, pod.name, _machine(pod))),
        ("owner", lambda pod: (pod.namespace, pod.owner) if pod.owner else None),
    )
    for rule, key in rules if one_cluster else rules[:1]:
        old, new = _unique(before, key), _unique(after, key)
        found = [(old[each], new[each]) for each in new if each in old]
        pairs += [(one, other, rule) for one, other in found]
        taken = {id(pod) for pair in found for pod in pair}
        before = [pod for pod in before if id(pod) not in taken]
        after = [pod for pod in after if id(pod) not in taken]
    return Matched(pairs=pairs, only_before=list(before), only_after=list(after))


def _machine(pod: Pod) -> str | None:
    """Return where it is the only one of its id: each machine has a service of that name."""
    return None if pod.kind == "pod" else pod.node


def _unique(pods: Sequence[Pod], key: Callable[[Pod], Hashable | None]) -> dict[Hashable, Pod]:
    keys = [(key(pod), pod) for pod in pods]
    times = Counter(each for each, _ in keys)
    return {each: pod for each, pod in keys if each is not None and times[each] == 1}
