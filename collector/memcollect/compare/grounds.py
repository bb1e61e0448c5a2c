"""Whether both sides stand on the same ground: where, beside what, how old and held by what. Pure."""

from __future__ import annotations

from memcollect.compare.circumstances import hang_together, uids
from memcollect.compare.facts import Facts
from memcollect.compare.rule import SIDES, Outcome, both, fault, listed, outweighed, same

ENFORCED = "set of limits in force"
AS_OLD_SECONDS = 300.0
AS_OLD_TIMES = 2.0
MINUTES_FROM = 120
"""Ages from here on are told in minutes."""


def cluster(facts: Facts) -> Outcome:
    """Judge whether all was measured in one cluster.

    A cluster decides more than any document tells: how its kubelets and runtimes are set up, what is admitted
    into pods, which processors its machines have. The context's name is what somebody calls it, so it counts
    for nothing. Where the id of kube-system may not be read, a machine in the same boot shows as much.
    """
    marks = facts["baseline.cluster"] | facts["candidate.cluster"]
    if len(uids(marks)) > 1:
        return Outcome(holds=False, reason=f"different clusters: {listed(uids(marks))} (UID of kube-system)")
    if not hang_together(marks):
        reason = "that all was measured in one cluster is not recorded: no id of it, and no machine in common"
        return Outcome(holds=False, reason=reason)
    return Outcome(holds=True, reason="all was measured in one cluster")


def namespace(facts: Facts) -> Outcome:
    """Judge whether a side's repeats were in the same namespaces.

    The two sides need not share one: what a namespace does to a pod's memory (its defaults of requests and
    limits, what is injected) stands in the pod, and is compared there. But repeats in different ones
    were pooled from different runs, and perhaps other people's pods: they are not repeats of one thing.
    """
    for side in SIDES:
        if len(facts[f"{side}.namespaces"]) > 1:
            shown = listed(facts[f"{side}.namespaces"], "+".join, "or")
            return Outcome(holds=False, reason=f"the {side}'s repeats were in different namespaces: {shown}")
    return Outcome(holds=True, reason="each side's repeats were in the same namespaces")


def in_the_way(facts: Facts) -> Outcome:
    """Judge whether sandboxes that were deleted were gone before others were measured beside them.

    What is left of them holds the page cache of the same image, which the later ones then need not pay for.
    """
    return fault(facts, "in_the_way", "deleted sandboxes were not gone on the {side}: {shown}") or Outcome(
        holds=True, reason="nothing was seen of deleted sandboxes when others were measured"
    )


def enforced(facts: Facts) -> Outcome:
    """Judge by the limits in force: the kernel holds a cgroup to these, and runtimes size heaps by them.

    A pod's own limit is not asked for: no process sees it, and what it does is seen in what was reclaimed.
    """
    lost = fault(facts, "not_in_force", "limits are not in force as told on the {side}: {shown}")
    return lost or same("", "enforced", ENFORCED, _held_to).judge(facts)


def slowed(facts: Facts) -> Outcome:
    """Judge whether the work was done at its own pace.

    Above memory.high, with nothing to reclaim, a process is made to sleep as it allocates: its memory is at
    rest by any rule, and is not yet what the work needs. That other pods wait costs these nothing.
    """
    return fault(facts, "slowed", "processes were slowed down on the {side}: {shown}") or Outcome(
        holds=True, reason="no process was slowed down for want of memory"
    )


def reclaimed(facts: Facts) -> Outcome:
    """Judge whether memory was less for what a side did, and not for what the kernel took back from it.

    Limits that were reached, memory.high, pressure of the node, swap of whatever settings (swappiness, the
    min_ttl_ms of MGLRU): a pod is smaller by them only by pages that were reclaimed, and these are counted
    for as long as it lives (pgsteal). Of processes that wait instead, `slowed` judges.
    """
    says = "the kernel took up to {most} back from a pod"
    return outweighed(facts, "reclaimed", says, "the kernel took nothing back from any pod")


def age(facts: Facts) -> Outcome:
    """Judge whether the pods of both sides had run for about as long.

    At rest tells of seconds. What idle programs do they do within minutes: collect garbage, give arenas back,
    drop what has expired; and a leak needs as long to show. So ages may differ by some minutes, or by less
    than a factor, where work took longer on one side. Phases of one run are of any age by their nature.
    """
    ends = [end for name in both("ages") for end in facts[name]]
    youngest, oldest = min(ends), max(ends)
    shown = f"pods had run for {_minutes(youngest)} to {_minutes(oldest)}, on average of a repeat"
    if oldest > youngest + AS_OLD_SECONDS and oldest > AS_OLD_TIMES * youngest:
        return Outcome(holds=False, reason=f"ages that are not alike: {shown}")
    return Outcome(holds=True, reason=shown)


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if abs(seconds) < MINUTES_FROM else f"{seconds / 60:.0f} min"


def _held_to(value: tuple[tuple[str, str, str], ...]) -> str:
    return "; ".join(f"{name} memory.max {most}, memory.high {high}" for name, most, high in value)
