"""The numbers of one pod, and of one repeat: what is compared. Pure.

A repeat's number is the mean over its measured pods: of terms and residual the means still sum to the mean
working set, which medians of pods would not. Pods of one snapshot share a node and a moment, so they are no
repeats of one another, and only repeats count in n.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from memcollect.accounting.composition import RULES
from memcollect.documents.snapshot import Pod
from memcollect.join.roles import lives_in_guest
from memcollect.join.whole import charge_of, whole_of, working_set_of

TOTALS = ("working_set", "top", "pod_working_set", "pod_charge", "pss")
TERMS = tuple(rule.term for rule in RULES)
RESIDUAL = "residual"
HEADLINE = "working_set"
"""What a claim is about."""
WHOLE_POD = "pod_working_set"
"""The same arithmetic on the pod's own cgroup, which also holds what no app container does: a VMM, the pause
container, removed containers' tmpfs; and on what its runtime keeps in cgroups elsewhere. A runtime that moves
memory there would else seem to save it."""
CHARGE = "pod_charge"
"""memory.current of the same cgroups: with the page cache that no working set counts. Where two sides differ
in the working set and not in this, the one has as cache what the other has as memory that stays."""
IN_GUEST = (
    "its containers run in a virtual machine, which the host cannot look into: see the whole pod's cgroup"
)
IN_SUMMARY = "it was told in summary, which does not hold this: take the snapshot with --depth full"

Known = int | str
"""A number of bytes, or the reason why there is none."""


def measured_pods(pods: Iterable[Pod]) -> list[Pod]:
    """Return the pods whose working set is known, or of a virtual machine the charge as a whole."""
    return [pod for pod in pods if pod.composition is not None or lives_in_guest(pod)]


def pod_values(pod: Pod) -> dict[str, Known]:
    """Return every metric of a measured pod in bytes, or why it has none.

    A composition leaves out terms that are exactly zero; what it could not decide it names.
    """
    composition = pod.composition
    if composition is None:
        return _of_guest(pod) if lives_in_guest(pod) else {}
    undecided: dict[str, Known] = {
        each.name: f"{each.missing} is not known: {each.reason}" for each in composition.undecided
    }
    found: dict[str, Known] = {term.term: term.estimate_bytes for term in composition.terms}
    names = dict.fromkeys((*TERMS, *found, *undecided))
    terms = {name: found.get(name, undecided.get(name, 0)) for name in names}
    residual = composition.residual.estimate_bytes
    totals: dict[str, Known] = {
        HEADLINE: composition.working_set_bytes,
        "top": _top(pod),
        WHOLE_POD: _whole_pod(pod),
        CHARGE: _charge(pod),
        "pss": _pss(pod),
    }
    return {**totals, **terms, RESIDUAL: residual}


def held_bytes(pod: Pod, metric: str) -> int | None:
    """Return the pod's working set, or the whole pod's; None where it is not known."""
    if metric == HEADLINE:
        return pod.composition.working_set_bytes if pod.composition is not None else None
    whole = _whole_pod(pod)
    return whole if isinstance(whole, int) else None


def _of_guest(pod: Pod) -> dict[str, Known]:
    """Return the metrics of a pod of which only the whole is known."""
    unknown = dict.fromkeys((HEADLINE, *TERMS, RESIDUAL), IN_GUEST)
    return {**unknown, "top": _top(pod), WHOLE_POD: _whole_pod(pod), CHARGE: _charge(pod), "pss": _pss(pod)}


def repeat_values(pods: Sequence[Pod]) -> dict[str, Known]:
    """Return the mean of every metric over measured pods, in whole bytes, or why there is none.

    A metric that one pod lacks has no mean: a part is not the whole.
    """
    rows = [pod_values(pod) for pod in pods]
    names = dict.fromkeys(name for row in rows for name in row)
    # A term that only one pod's kernel names is zero, not unknown, in another whose composition is whole.
    return {name: _mean([row.get(name, 0) for row in rows]) for name in names}


def _mean(values: Sequence[Known]) -> Known:
    reason = next((value for value in values if isinstance(value, str)), None)
    if reason is not None:
        return reason
    numbers = [value for value in values if isinstance(value, int)]
    return mean(numbers)


def mean(numbers: Sequence[int]) -> int:
    """Return the mean of whole bytes, rounded to the nearest with halves upwards; there must be one."""
    return divided(sum(numbers), len(numbers))


def divided(total_bytes: int, count: int) -> int:
    """Return the share of each of `count`, rounded likewise."""
    return (2 * total_bytes + count) // (2 * count)


def _top(pod: Pod) -> Known:
    if pod.top is None:
        return "kubectl top was not asked"
    if pod.top.memory_bytes is None:
        return pod.top.detail or "kubectl top shows nothing"
    return pod.top.memory_bytes


def _whole_pod(pod: Pod) -> Known:
    if pod.summary is not None:
        return IN_SUMMARY if pod.summary.whole_bytes is None else pod.summary.whole_bytes
    return _or_why(pod, whole_of(pod, working_set_of), "lacks memory.current or inactive_file")


def _charge(pod: Pod) -> Known:
    if pod.summary is not None:
        return IN_SUMMARY if pod.summary.charge_bytes is None else pod.summary.charge_bytes
    return _or_why(pod, whole_of(pod, charge_of), "lacks memory.current")


def _or_why(pod: Pod, size_bytes: int | None, why_not: str) -> Known:
    if pod.cgroup is None:
        return "the pod's own cgroup was not measured"
    return f"the pod's own cgroup, or one elsewhere, {why_not}" if size_bytes is None else size_bytes


def _pss(pod: Pod) -> Known:
    rungs = pod.ladder.rungs if pod.ladder is not None else []
    rung = next((rung for rung in rungs if rung.rung == "pss"), None)
    if rung is None:
        return "no process was read"
    return rung.bytes if rung.bytes is not None else rung.reason or "no process was read"
