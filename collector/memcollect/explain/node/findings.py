"""What is worth knowing of a node: each finding with its amount, its proof and what can be done. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from memcollect.accounting.facts import Facts
from memcollect.accounting.node import kinds
from memcollect.accounting.rules import Amount, measured
from memcollect.documents.snapshot import Candidate, Eviction, Finding, Holder
from memcollect.explain.engine import AmountRule, Rule
from memcollect.explain.node.words import names_of, parts_of
from memcollect.units import MIB, human_bytes

LEAST_BYTES = 64 * MIB
"""From this size on what was left is told: below are the stock and the structures of living cgroups."""
NEAR_SHARE = 0.05
"""Of MemTotal: with less left before an eviction it is told of."""
LEAST_SHARE = 0.05
"""Of MemTotal: from here on memory without a name is worth a warning."""


@dataclass(frozen=True)
class HolderRule:
    """A cause that is one kind of holder: told when together they hold at least `least_bytes`."""

    cause: str
    holders: Sequence[Holder]
    sentence: Callable[[Sequence[Holder]], str]
    remedy: str
    least_bytes: int = MIB

    def find(self, _facts: Facts, scope: str) -> Finding | None:
        """Return the finding; None where there is no such holder of that size."""
        total = sum(each.bytes for each in self.holders)
        if not self.holders or total < self.least_bytes:
            return None
        return Finding(
            cause=self.cause,
            scope=scope,
            low_bytes=total,
            high_bytes=total,
            estimate_bytes=total,
            severity="warning",
            sentence=self.sentence(self.holders),
            evidence="; ".join(f"{each.path}: {each.bytes}" for each in self.holders[:10]),
            remedy=self.remedy,
        )


def orphan_sentence(orphans: Sequence[Holder]) -> str:
    """Return what is said of cgroups of pods that the API server does not have."""
    total = human_bytes(sum(each.bytes for each in orphans))
    alive = [each for each in orphans if each.populated or each.processes]
    empty = [each for each in orphans if each.populated is False]
    if len(alive) == len(orphans):
        state = ", with processes that still run"
    elif alive:
        state = f", {len(alive)} of them with processes that still run"
    elif len(empty) == len(orphans):
        state = ", without any process"
    else:
        state = ""
    cgroups = f"{len(orphans)} cgroups of pods" if len(orphans) > 1 else "the cgroup of a pod"
    unknown = "the API server does not know (left behind, or deleted just now)"
    return f"{total} is held by {cgroups} that {unknown}{state}: {names_of(orphans)}."


def left_sentence(left: Sequence[Holder]) -> str:
    """Return what is said of charges that deleted pods left in the cgroups above them."""
    total = human_bytes(sum(each.bytes for each in left))
    dying = max((each.dying_cgroups or 0 for each in left), default=0)
    removed = f"; the kernel still keeps {dying:,} removed cgroups there" if dying else ""
    return (
        f"{total} is charged to {names_of(left)} and to none of its pods: left by pods that were deleted"
        f" ({parts_of(left)}){removed}."
    )


def outside_sentence(containers: Sequence[Holder]) -> str:
    """Return what is said of containers that a pod started outside of its own cgroup."""
    total = human_bytes(sum(each.bytes for each in containers))
    what = "a container" if len(containers) == 1 else f"{len(containers)} containers"
    by = ", ".join(dict.fromkeys(each.pod for each in containers))
    return (
        f"{total} is {what} outside of Kubernetes, started by a process of pod {by}: in none of that pod's"
        " numbers and under none of its limits."
    )


def active_cache(facts: Facts) -> Amount:
    """Return active page cache: in the kubelet's number, and dropped under pressure all the same."""
    value = facts["root.active_file"]
    return measured(value, f"the root cgroup's active_file {value}")


def _cache_words(facts: Facts) -> dict[str, str]:
    return {"working_set": human_bytes(facts["working_set"])}


def swapped(facts: Facts) -> Amount:
    """Return what is in swap: beside MemTotal, with what is still, or again, in memory as well."""
    whole, free = facts["meminfo.SwapTotal"], facts["meminfo.SwapFree"]
    return measured(whole - free, f"SwapTotal {whole} − SwapFree {free}")


def _swap_words(facts: Facts) -> dict[str, str]:
    words = {"swap": human_bytes(facts["meminfo.SwapTotal"]), "compressed": ""}
    if "meminfo.Zswapped" in facts and facts["meminfo.Zswapped"] >= MIB:
        held, inside = (human_bytes(facts[f"meminfo.{name}"]) for name in ("Zswap", "Zswapped"))
        words["compressed"] = f"; {inside} of it is not on disk but in {held} of memory, compressed (zswap)"
    return words


def idle_hugetlb(facts: Facts) -> Amount | None:
    """Return huge pages of the default size that hold nothing; None on a kernel without hugetlb."""
    if "meminfo.HugePages_Free" not in facts:
        return None
    free, size = facts["meminfo.HugePages_Free"], facts["meminfo.Hugepagesize"]
    return measured(free * size, f"HugePages_Free {free} × Hugepagesize {size}")


def _hugetlb_words(facts: Facts) -> dict[str, str]:
    reserved = facts["meminfo.HugePages_Rsvd"] * facts["meminfo.Hugepagesize"]
    promised = f", {human_bytes(reserved)} of it promised to mappings that have not touched it yet"
    return {"pool": human_bytes(facts["hugetlb"]), "promised": promised if reserved else ""}


def nameless(facts: Facts) -> Amount | None:
    """Return kernel memory without a counter, where that is much of the machine."""
    amount = facts[kinds.kernel_direct]
    return amount if amount.interval.low > LEAST_SHARE * facts["meminfo.MemTotal"] else None


@dataclass(frozen=True)
class EvictionRule:
    """Told where the kubelet is close to evicting: `standing` says how close."""

    standing: Eviction
    cause: str = "close_to_eviction"

    def find(self, facts: Facts, scope: str) -> Finding | None:
        """Return the finding; None where there is no threshold, or room enough beside it."""
        standing = self.standing
        threshold, source = standing.threshold_bytes, standing.threshold_source
        if _comes_softly(standing):
            threshold, source = standing.soft_bytes, "evictionSoft in the kubelet's own configuration"
        if not threshold:
            return None
        room = standing.available_bytes - threshold
        near = max(2 * threshold, round(NEAR_SHARE * facts["meminfo.MemTotal"]))
        if room > near and not standing.pressure:
            return None
        cache = facts["root.active_file"]
        first = standing.order[0] if standing.order else None
        return Finding(
            cause=self.cause,
            scope=scope,
            low_bytes=room,
            high_bytes=room,
            estimate_bytes=room,
            severity="critical" if standing.pressure or room <= 0 else "warning",
            sentence=_eviction_sentence(standing, room, cache, first),
            evidence=f"memory.available {standing.available_bytes} − threshold {threshold} ({source})",
            remedy="Free what holds most, or move pods away; page cache that counts here goes only when the"
            " kernel needs it, and the kubelet does not wait for that.",
        )


def _eviction_sentence(standing: Eviction, room: int, cache: int, first: Candidate | None) -> str:
    reported = " and reports MemoryPressure" if standing.pressure else ""
    soft = "soft " if _comes_softly(standing) else ""
    where = (
        f"{human_bytes(room)} from {f'its {soft}threshold' if soft else 'evicting'}"
        if room > 0
        else f"{human_bytes(-room)} beyond its {soft}eviction threshold"
    )
    droppable = f", {human_bytes(cache)} of what it counts being active page cache" if cache >= MIB else ""
    next_ = f"; the first to go would be {first.pod}" if first is not None else ""
    return f"The kubelet is {where}{reported}{droppable}{next_}."


def _comes_softly(standing: Eviction) -> bool:
    """Return whether the soft threshold is met first."""
    return standing.soft_bytes > standing.threshold_bytes


def rules_for_node(holders: Sequence[Holder], standing: Eviction | None) -> list[Rule]:
    """Return the rules for one node."""
    orphans = [each for each in holders if each.kind == "orphan"]
    left = [each for each in holders if each.kind == "left" and each.bytes >= LEAST_BYTES]
    from_pods = [each for each in holders if each.kind == "container" and each.pod]
    return [
        *([EvictionRule(standing)] if standing is not None else []),
        HolderRule(
            "orphan_pods",
            orphans,
            orphan_sentence,
            "If they stay: see the kubelet's log for these UIDs; with the pod gone, its processes can be"
            " ended and its cgroup removed, or the node be drained and restarted.",
            1,
        ),
        HolderRule(
            "left_by_pods",
            left,
            left_sentence,
            "tmpfs goes when its files are deleted or unmounted, cache under pressure; kernel memory (BPF"
            " maps, sockets) when what holds it is closed: look for who keeps them, or restart the node.",
            LEAST_BYTES,
        ),
        HolderRule(
            "outside_containers",
            from_pods,
            outside_sentence,
            "Give the daemon in the pod a cgroup parent below its own (dockerd --cgroup-parent), or a private"
            " cgroup namespace.",
        ),
        AmountRule(
            "active_cache",
            active_cache,
            "The kubelet counts {amount} of active page cache as used (working set {working_set}): free and"
            " the kernel count it as available, and it is dropped under pressure.",
            "Evictions that come while it is large can be spared by reading less through the page cache, or"
            " by a smaller eviction threshold.",
            severity="notice",
            least_bytes=LEAST_BYTES,
            words=_cache_words,
        ),
        AmountRule(
            "node_swap",
            swapped,
            "{amount} of the node's {swap} of swap is in use, beside its memory{compressed}.",
            "`memcollect snapshot` says which pods and processes were swapped out.",
            severity="notice",
            words=_swap_words,
        ),
        AmountRule(
            "idle_hugetlb",
            idle_hugetlb,
            "{amount} of the hugetlb pool of {pool} holds nothing{promised}: nobody else may use it.",
            "If no pod asks for huge pages, lower vm.nr_hugepages, or whatever sets it at boot.",
            severity="notice",
            least_bytes=LEAST_BYTES,
            words=_hugetlb_words,
        ),
        AmountRule(
            "kernel_direct",
            nameless,
            "{amount} is held by the kernel or a driver and is in no counter: network buffers, rings,"
            " graphics memory, a balloon.",
            "Look at the drivers that are loaded, and at `ss -m` and /proc/net/sockstat.",
            severity="warning",
        ),
    ]
