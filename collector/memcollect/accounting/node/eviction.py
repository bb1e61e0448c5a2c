"""How far a node is from evictions, and who would go first: the kubelet's rules, and the kernel's. Pure.

The kubelet (pkg/kubelet/eviction): memory.available = capacity − the node's working set, looked at every
10 s; below the threshold it ends pods one by one, first those that use more than they request, then those of
lower priority, then those furthest above their request. Static and critical pods are spared. The kernel ends
the process with the most memory after oom_score_adj, which the kubelet writes by QoS class (pkg/kubelet/qos).
"""

from __future__ import annotations

from collections.abc import Sequence

from memcollect.accounting.facts import Facts, MissingFactError
from memcollect.documents.snapshot import Candidate, Eviction, Holder, KnownPod, NodeAccount
from memcollect.units import MIB, human_bytes
from memcollect_agent import pods

DEFAULT_THRESHOLD_BYTES = 100 * MIB
"""evictionHard memory.available on Linux where nobody set another (pkg/kubelet/apis/config/v1beta1)."""
CRITICAL_PRIORITY = 2_000_000_000
NODE_CRITICAL_PRIORITY = 2_000_001_000
GUARANTEED_ADJ = -997
BEST_EFFORT_ADJ = 1000
NEVER = frozenset({"Succeeded", "Failed"})


def eviction(account: NodeAccount, holders: Sequence[Holder], facts: Facts) -> Eviction | None:
    """Return where the node stands; None where the kubelet's number of it cannot be told."""
    try:
        whole, used = facts["meminfo.MemTotal"], facts["working_set"]
    except MissingFactError:
        return None
    known = account.known_pods or []
    running = _running(known, holders)
    evictable = [(pod, holder) for pod, holder in running if not is_spared(pod)]
    all_read = not pods.has_unread(account.tree)
    threshold, source = threshold_of(account)
    return Eviction(
        available_bytes=max(0, whole - used),
        threshold_bytes=threshold,
        threshold_source=source,
        soft_bytes=account.thresholds.soft_bytes if account.thresholds else 0,
        soft_grace=account.thresholds.soft_grace if account.thresholds else "",
        pressure=account.memory_pressure,
        order=_order(evictable) if all_read else [],
        spared=len(running) - len(evictable),
        kill_order=_kill_order(running, whole) if all_read else [],
        evicted=[f"{pod.namespace}/{pod.name}: {pod.evicted}" for pod in known if pod.evicted],
        oom_killed=[f"{pod.namespace}/{pod.name}: {each}" for pod in known for each in pod.oom_killed],
    )


def threshold_of(account: NodeAccount) -> tuple[int, str]:
    """Return the hard threshold, 0 if there is none, and how it is known.

    Where the kubelet's own configuration was not read it is an assumption. What the API tells is capacity −
    allocatable, which holds the threshold and all that is reserved: never less than the threshold.
    """
    if account.thresholds is not None:
        known = account.thresholds
        none = f" says {known.hard}" if known.hard else " names none"
        return known.hard_bytes, known.source + (f", {known.hard}" if known.hard_bytes else none)
    threshold, source = _assumed(account)
    why = account.thresholds_unknown
    if why:
        return threshold, f"{source}; the kubelet's own was not read: {why}"
    is_bounded = account.capacity_bytes is not None and account.allocatable_bytes is not None
    return threshold, source if is_bounded else f"{source}; not read from the node"


def _assumed(account: NodeAccount) -> tuple[int, str]:
    capacity, allocatable = account.capacity_bytes, account.allocatable_bytes
    default = human_bytes(DEFAULT_THRESHOLD_BYTES)
    if capacity is None or allocatable is None:
        return DEFAULT_THRESHOLD_BYTES, f"Kubernetes' documented default, {default}"
    kept = capacity - allocatable
    if kept == DEFAULT_THRESHOLD_BYTES:
        return kept, f"capacity − allocatable is {default}, Kubernetes' documented default"
    if kept < DEFAULT_THRESHOLD_BYTES:
        return max(0, kept), f"capacity − allocatable, {human_bytes(max(0, kept))}, of which it is a part"
    return (
        DEFAULT_THRESHOLD_BYTES,
        f"Kubernetes' documented default, {default}; with all that is reserved at most {human_bytes(kept)}",
    )


def is_spared(pod: KnownPod) -> bool:
    """Return whether the kubelet never evicts the pod (pkg/kubelet/types, IsCriticalPod)."""
    return pod.is_static or pod.priority >= CRITICAL_PRIORITY


def _running(known: Sequence[KnownPod], holders: Sequence[Holder]) -> list[tuple[KnownPod, Holder]]:
    by_name = {holder.name: holder for holder in holders if holder.kind == "pod"}
    return [
        (pod, holder)
        for pod in known
        if pod.phase not in NEVER and (holder := by_name.get(f"{pod.namespace}/{pod.name}")) is not None
    ]


def _order(running: Sequence[tuple[KnownPod, Holder]]) -> list[Candidate]:
    """Return the pods as the kubelet ends them; none where one's place is not known."""
    if any(holder.working_set_bytes is None for _, holder in running):
        return []

    def rank(pair: tuple[KnownPod, Holder]) -> tuple[bool, int, int]:
        pod, holder = pair
        over = (holder.working_set_bytes or 0) - (pod.request_bytes or 0)
        return over <= 0, pod.priority, -over

    return [_candidate(pod, holder.working_set_bytes or 0) for pod, holder in sorted(running, key=rank)]


def _candidate(pod: KnownPod, usage_bytes: int, adj: int | None = None) -> Candidate:
    return Candidate(
        pod=f"{pod.namespace}/{pod.name}",
        usage_bytes=usage_bytes,
        request_bytes=pod.request_bytes or 0,
        priority=pod.priority,
        qos_class=pod.qos_class or "",
        oom_score_adj=adj,
    )


def oom_score_adj(pod: KnownPod, capacity_bytes: int) -> int:
    """Return what the kubelet writes for a pod of one container (pkg/kubelet/qos/policy.go).

    Several containers have a value each, by their own requests; this is that of all together.
    """
    if pod.priority >= NODE_CRITICAL_PRIORITY or pod.qos_class == "Guaranteed":
        return GUARANTEED_ADJ
    if pod.qos_class == "BestEffort":
        return BEST_EFFORT_ADJ
    share = 1000 - 1000 * (pod.request_bytes or 0) // max(1, capacity_bytes)
    return min(max(share, 1000 + GUARANTEED_ADJ), BEST_EFFORT_ADJ - 1)


def _kill_order(running: Sequence[tuple[KnownPod, Holder]], capacity_bytes: int) -> list[Candidate]:
    """Return the pods by badness, as if each were one process: its anonymous memory and oom_score_adj.

    None where one's memory is not known.

    mm/oom_kill.c, oom_badness: resident pages + swap + page tables + adj × pages of the machine / 1000.
    """
    if any(holder.anon_bytes is None for _, holder in running):
        return []
    scored = []
    for pod, holder in running:
        adj, usage = oom_score_adj(pod, capacity_bytes), holder.anon_bytes or 0
        scored.append((usage + adj * capacity_bytes // 1000, _candidate(pod, usage, adj)))
    return [candidate for _, candidate in sorted(scored, key=lambda pair: -pair[0])]
