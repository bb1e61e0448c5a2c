"""What the agents themselves cost their nodes, as they report it."""

from __future__ import annotations

from collections.abc import Iterator

from memcollect.doctor.facts import ClusterFacts, Conversation
from memcollect.doctor.result import Finding, Item
from memcollect.doctor.wording import of_nodes
from memcollect_agent.wire import NodeSample

MOST_CPU_SHARE = 0.05
"""Of one CPU, for the history; it is made to take a tenth of that with 220 cgroups."""


def small(facts: ClusterFacts) -> Finding:
    """How much CPU the history takes, and how much memory the agent's process has taken at most."""
    told = [(each, sample) for each, sample in facts.sampled if _cpu_share(sample) is not None]
    if not told:
        return Finding(status="skipped", sentence="Not checked, because no agent reports a cost.")
    items = [_item(each, sample) for each, sample in told]
    shares = {each.node: _cpu_share(sample) or 0.0 for each, sample in told}
    high = [node for node, share in shares.items() if share > MOST_CPU_SHARE]
    memory = max((_memory(sample) or 0 for _, sample in told), default=0)
    largest = f"{max(shares.values()):.2%} of a CPU"
    if memory:
        largest += f" and {memory / (1 << 20):.0f} MiB of memory"
    if high:
        return Finding(
            status="warn",
            sentence=f"History takes over {MOST_CPU_SHARE:.0%} of a CPU on {of_nodes(high, len(items))}, "
            f"up to {largest}.",
            remedy="Start these agents with a longer --history-interval.",
            items=items,
        )
    return Finding(status="ok", sentence=f"At most {largest} on a node.", items=items)


def _cpu_share(sample: NodeSample) -> float | None:
    history = sample.history
    if history is None or history.cost is None or not history.interval_seconds:
        return None
    return history.cost.cpu_seconds / history.interval_seconds


def _memory(sample: NodeSample) -> int | None:
    return sample.cost.max_rss_bytes if sample.cost else None


def _item(each: Conversation, sample: NodeSample) -> Item:
    share = _cpu_share(sample) or 0.0
    detail = ", ".join([f"{share:.3%} of a CPU", *_held(sample)])
    return Item(name=each.node, status="warn" if share > MOST_CPU_SHARE else "ok", detail=detail)


def _held(sample: NodeSample) -> Iterator[str]:
    cost = sample.cost
    if cost is None:
        return
    if cost.rss_bytes is not None:
        yield f"{cost.rss_bytes} bytes of memory now"
    if cost.max_rss_bytes is not None:
        yield f"at most {cost.max_rss_bytes}" + (" bytes of memory" if cost.rss_bytes is None else "")
    if cost.descriptors is not None:
        yield f"{cost.descriptors} open files"
    if cost.threads is not None:
        yield f"{cost.threads} threads"
