"""Whether the agents remember enough to meet kubectl top's number at its own time."""

from __future__ import annotations

from memcollect.doctor.facts import ClusterFacts, Conversation
from memcollect.doctor.result import Finding, Item
from memcollect.doctor.wording import of_nodes, seconds
from memcollect_agent.wire import History, NodeSample

LEAST_SECONDS = 60.0
"""A number of kubectl top may be about 50 s old where metrics-server asks every 15 s."""


def kept(facts: ClusterFacts) -> Finding:
    """Whether a history is kept, for how long it reaches back, and whether it has got that far yet."""
    sampled = facts.sampled
    if not sampled:
        return Finding(status="skipped", sentence="Not checked, because no agent gave a sample.")
    items = [_item(each, sample) for each, sample in sampled]
    off = [item.name for item in items if item.detail == "off"]
    if off:
        return Finding(
            status="warn",
            sentence=f"History is off on {of_nodes(off, len(items))}: kubectl top's numbers cannot be "
            "aligned.",
            remedy="Start the agents with --history on, which is their default:",
            commands=(_edit(facts),),
            items=items,
        )
    short = [
        each.node for each, sample in sampled if sample.history and reach(sample.history) < LEAST_SECONDS
    ]
    if short:
        return Finding(
            status="warn",
            sentence=f"History is shorter than {LEAST_SECONDS:.0f} s on {of_nodes(short, len(items))}: older "
            "numbers of kubectl top cannot be aligned.",
            remedy="Start the agents with a larger --history-depth or --history-interval:",
            commands=(_edit(facts),),
            items=items,
        )
    return _old_enough(facts, items)


def _old_enough(facts: ClusterFacts, items: list[Item]) -> Finding:
    young = [each.node for each, sample in facts.sampled if _recorded(sample) < LEAST_SECONDS]
    if young:
        return Finding(
            status="warn",
            sentence=f"The agents of {of_nodes(young, len(items))} record for less than "
            f"{LEAST_SECONDS:.0f} s: too young to meet every number of kubectl top.",
            remedy=f"Wait {LEAST_SECONDS:.0f} s and run this again.",
            items=items,
        )
    left_out = [each.node for each, sample in facts.sampled if sample.history and sample.history.left_out]
    if left_out:
        return Finding(
            status="warn",
            sentence=f"Too many cgroups to follow all on {of_nodes(left_out, len(items))}.",
            remedy="Raise the agents' limit of open files: each followed cgroup holds one.",
            items=items,
        )
    least = min(reach(sample.history) for _, sample in facts.sampled if sample.history)
    return Finding(status="ok", sentence=f"The agents remember at least {seconds(least)}.", items=items)


def reach(history: History) -> float:
    """Return how many seconds lie between a full ring's first and last point."""
    return history.interval_seconds * max(history.depth - 1, 0)


def _recorded(sample: NodeSample) -> float:
    """Return for how many seconds points were taken, on the node's clock alone, however that was set."""
    history = sample.history
    if history is None or history.began_at is None:
        return 0.0
    by_clock = sample.finished_at - history.began_at - sum(jump.by_seconds for jump in history.clock_jumps)
    # What was set longer ago than the points reach is not told: the ticks say how many there were at least.
    ticks = history.ticks + history.missed_ticks
    return max(by_clock, history.interval_seconds * max(ticks - 1, 0))


def _item(each: Conversation, sample: NodeSample) -> Item:
    history = sample.history
    if history is None:
        return Item(name=each.node, status="warn", detail="off")
    enough = min(reach(history), _recorded(sample)) >= LEAST_SECONDS and not history.left_out
    detail = f"{history.depth} points, every {history.interval_seconds:g} s"
    if history.left_out:
        detail += f", {history.left_out} cgroups not followed"
    return Item(name=each.node, status="ok" if enough else "warn", detail=detail)


def _edit(facts: ClusterFacts) -> str:
    return facts.question.kubectl("edit daemonset -n {}", facts.question.deployment.namespace)
