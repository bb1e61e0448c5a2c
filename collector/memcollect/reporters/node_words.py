"""The words for what a node's account names, alike in every format. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memcollect.documents.snapshot import Composition
from memcollect.reporters.escape import visible
from memcollect.reporters.sizes import share, size
from memcollect.reporters.top_status import top_status

if TYPE_CHECKING:
    from memcollect.documents.snapshot import Candidate, Eviction, Holder, NodeAccount, Partition
    from memcollect_agent.wire import Process

TERMS = {
    "free": "free",
    "active_cache": "active page cache",
    "inactive_cache": "inactive page cache",
    "other_user": "locked, less lazyfree",
    "uncounted_user": "swap cache, THP rests",
    "zspages": "kernel: compressed pool",
    "kernel_direct": "kernel: no counter",
    "kernel_memory": "kernel memory",
    "held_back": "the kernel's reserve",
    "free_percpu": "free, on CPUs' lists",
    "pods": "pods",
    "orphan_pods": "pods the API lacks",
    "services": "system services",
    "outside_containers": "containers outside pods",
    "other_cgroups": "other cgroups",
    "left_by_pods": "left by deleted pods",
    "root_own": "in the root alone",
    "kernel_uncharged": "kernel, charged to none",
}
RUNGS = {
    "mem_available": "MemAvailable",
    "mem_total": "MemTotal",
    "root_held": "held by the root cgroup",
    "node_working_set": "kubelet's working set",
    "node_working_set_at_sample": "the same at sample",
    "top_node": "kubectl top node",
}
KINDS = {
    "pod": "pod",
    "orphan": "pod the API lacks",
    "unnamed": "pod",
    "left": "left by pods",
    "service": "service",
    "container": "container",
    "slice": "own of cgroup",
}
MOST_HOLDERS = 15
SMALLEST_LEFT = 1 << 20
"""Bytes; what is charged to a class of pods for its own structures needs no row."""
HOLDERS = ("Charge", "Working set", "Anon", "tmpfs, shm", "Page cache", "Kernel")


def as_composition(partition: Partition) -> Composition:
    """Return the partition in the form that bars and tables of terms are drawn from."""
    return Composition(
        working_set_bytes=partition.whole_bytes,
        terms=partition.terms,
        residual=partition.residual,
        undecided=partition.undecided,
    )


def top_sentence(account: NodeAccount) -> str:
    """Return what kubectl top node shows, how old it is, and whether the agent's number agrees."""
    top = account.top
    if top is None:
        return ""
    if top.memory_bytes is None:
        return f"kubectl top node shows nothing: {top.detail.rstrip('.')}."
    number = f"kubectl top node: {size(top.memory_bytes)}"
    if account.allocatable_bytes:
        percent = share(top.memory_bytes, account.allocatable_bytes)
        number += f" ({percent} of the {size(account.allocatable_bytes)} that pods may have)"
    if top.timestamp is not None:
        number += f", sampled {max(0.0, account.taken_at - top.timestamp):.0f} s before"
    return "; ".join(part for part in (number, top_status(top), top.detail) if part) + "."


def shown_holders(account: NodeAccount) -> tuple[list[Holder], int]:
    """Return the holders worth a row, and how many smaller ones there are."""
    told = [each for each in account.holders if each.bytes > (SMALLEST_LEFT if each.kind == "left" else 0)]
    return told[:MOST_HOLDERS], max(0, len(told) - MOST_HOLDERS)


def holder_name(holder: Holder) -> str:
    """Return what a holder is called, with what kind of thing it is where that is not plain; made visible."""
    kind = KINDS.get(holder.kind, holder.kind)
    name = visible(holder.name)
    if holder.kind == "container" and holder.pod:
        return f"{name[:12]} (container of {visible(holder.pod)})"
    return name if holder.kind in {"pod", "service"} else f"{name} ({kind})"


def holder_amounts(holder: Holder) -> list[int | None]:
    """Return its numbers in the order of HOLDERS."""
    return [
        holder.bytes,
        holder.working_set_bytes,
        holder.anon_bytes,
        holder.shmem_bytes,
        holder.cache_bytes,
        holder.kernel_bytes,
    ]


def process_words(process: Process) -> str:
    """Return one process of an orphan as a phrase; made visible."""
    amount = process.pss_bytes if process.pss_bytes is not None else process.rss_bytes
    return f"{visible(process.comm)} (pid {process.pid}, {size(amount)})"


MOST_CANDIDATES = 5


def eviction_sentences(account: NodeAccount) -> list[str]:
    """Return how far the node is from evictions, who would go first, and who has gone; made visible."""
    standing = account.eviction
    if standing is None:
        return []
    sentences = [_threshold_sentence(standing)]
    if standing.soft_bytes:
        sentences.append(
            f"By its soft threshold it evicts after {standing.soft_grace or 'a while'} below"
            f" {size(standing.soft_bytes)}: {_distance(standing.available_bytes - standing.soft_bytes)}."
        )
    if standing.order:
        spared = f"; spared as static or critical: {standing.spared}" if standing.spared else ""
        sentences.append(f"It would evict in this order: {_candidates(standing.order)}{spared}.")
    if standing.kill_order:
        killed = ", ".join(
            f"{each.pod} ({size(each.usage_bytes)} anon, oom_score_adj {each.oom_score_adj})"
            for each in standing.kill_order[:MOST_CANDIDATES]
        )
        sentences.append(f"Out of memory before that, the kernel would kill by score, about so: {killed}.")
    if standing.evicted:
        sentences.append(f"Evicted here and still listed: {'; '.join(standing.evicted[:MOST_CANDIDATES])}.")
    if standing.oom_killed:
        sentences.append(f"Killed out of memory: {'; '.join(standing.oom_killed[:MOST_CANDIDATES])}.")
    return [visible(each) for each in sentences]


def _threshold_sentence(standing: Eviction) -> str:
    counts = f"The kubelet counts {size(standing.available_bytes)} as available (MemTotal − its working set)"
    if not standing.threshold_bytes:
        return f"{counts} and has no hard threshold for memory: {standing.threshold_source}."
    room = standing.available_bytes - standing.threshold_bytes
    return (
        f"{counts} and evicts below {size(standing.threshold_bytes)}: {_distance(room)}."
        f" The threshold: {standing.threshold_source}."
    )


def _distance(room_bytes: int) -> str:
    return f"{size(abs(room_bytes))} {'away' if room_bytes >= 0 else 'beyond'}"


def _candidates(order: list[Candidate]) -> str:
    shown = [
        f"{each.pod} ({size(each.usage_bytes)} used, {size(each.request_bytes)} requested,"
        f" priority {each.priority})"
        for each in order[:MOST_CANDIDATES]
    ]
    more = f" and {len(order) - len(shown)} more" if len(order) > len(shown) else ""
    return ", ".join(shown) + more
