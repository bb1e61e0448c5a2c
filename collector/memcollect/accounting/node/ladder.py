"""From what `free` calls available to what `kubectl top node` shows. Pure.

    mem_available -> mem_total -> root_held -> node_working_set -> [node_working_set_at_sample ->] top_node

The kubelet's number of a node: the root cgroup's anon + file − inactive_file (cAdvisor, from libcontainer's
fs2/memory.go, for the root has no memory.current). Kernel memory is not in it, active page cache is.
"""

from __future__ import annotations

from memcollect.accounting.facts import Facts
from memcollect.accounting.ladder import StepRules, climb, rung
from memcollect.accounting.node import kinds
from memcollect.accounting.rules import NO_BOUND, Amount, Bound, TermRule, less, measured
from memcollect.accounting.steps import drift
from memcollect.documents.snapshot import Ladder, Rung, Top

SOURCES = {
    "mem_available": "MemAvailable of /proc/meminfo, as free shows it",
    "mem_total": "MemTotal of /proc/meminfo",
    "root_held": "anon + file of the root cgroup, what the kubelet calls usage",
    "node_working_set": "anon + file − inactive_file of the root cgroup, now",
    "node_working_set_at_sample": "the same at the metrics sample's time (the agent's history)",
    "top_node": "kubectl top node",
}


def held_back(facts: Facts) -> Amount:
    """Return free and droppable memory that MemAvailable leaves out: the kernel's reserves.

    Watermarks, and half of the cache where it is little (mm/page_alloc.c, si_mem_available).
    """
    parts = ("MemFree", "Active(file)", "Inactive(file)")
    droppable = sum(facts[f"meminfo.{name}"] for name in parts)
    droppable += facts[kinds.reclaimable_kernel].interval.estimate
    available = facts["meminfo.MemAvailable"]
    return measured(
        droppable - available,
        f"MemFree + Active(file) + Inactive(file) + KReclaimable = {droppable} − MemAvailable {available}",
    )


def free_percpu(facts: Facts) -> Amount | None:
    """Return free pages on the CPUs' own lists, which MemAvailable does not count."""
    if "free_percpu" not in facts:
        return None
    value = facts["free_percpu"]
    return measured(value, f"/proc/zoneinfo, count of every CPU's lists: {value}")


def uncounted_user(facts: Facts) -> Amount:
    """Return pages on the LRU lists that are in neither `anon` nor `file`: as `detached_anon` of a cgroup.

    Swap cache is among them unless it is mapped again: a cgroup's `file`, the root's too, is without it, and
    the machine's NR_FILE_PAGES has it (mm/swap_state.c, add_to_swap_cache: __node_stat_mod_folio).
    """
    lru = facts["lru"]
    file = sum(facts[f"meminfo.{name}"] for name in ("Cached", "Buffers"))
    anon = facts["meminfo.AnonPages"]
    return measured(lru - anon - file, f"LRU lists {lru} − AnonPages {anon} − Cached, Buffers {file}")


def inactive(facts: Facts) -> Amount:
    """Return page cache on the inactive list, which the kubelet takes away."""
    value = facts["root.inactive_file"]
    return measured(-value, f"the root cgroup's inactive_file {value}")


def definition_bound(_: Facts) -> Bound:
    """Return the bound of a step that is its own definition."""
    return NO_BOUND


def provider_bound(facts: Facts) -> Bound:
    """Return how far the aligned number and the sample may differ."""
    return drift.sample_bound(facts)


_UNAVAILABLE = (
    TermRule("held_back", held_back, "no"),
    TermRule("free_percpu", free_percpu, "yes"),
    *kinds.USER,
    *(rule for rule in kinds.KERNEL if rule.term != "slab_reclaimable"),
    TermRule("hugetlb", kinds.hugetlb, "no"),
)
AVAILABLE_STEP = StepRules("mem_available", "mem_total", _UNAVAILABLE, kinds.bound)
HELD_STEP = StepRules(
    "mem_total",
    "root_held",
    (
        less("free", TermRule("free", kinds.free)),
        less("kernel_memory", TermRule("kernel_memory", kinds.kernel_memory)),
        less("hugetlb", TermRule("hugetlb", kinds.hugetlb)),
        less("uncounted_user", TermRule("uncounted_user", uncounted_user)),
    ),
    kinds.bound,
)
WORKING_SET_STEP = StepRules(
    "root_held",
    "node_working_set",
    (TermRule("inactive_cache", inactive, "under-pressure"),),
    definition_bound,
)
DRIFT_STEP = StepRules("node_working_set", "node_working_set_at_sample", drift.DRIFT, drift.no_bound)
TOP_STEP = StepRules("node_working_set_at_sample", "top_node", drift.DISPLAY, provider_bound)
UNALIGNED_TOP_STEP = StepRules("node_working_set", "top_node", drift.UNALIGNED, provider_bound)


def node_ladder(facts: Facts, top: Top | None) -> Ladder:
    """Return the ladder of one node."""
    rungs = [
        _rung("mem_available", facts, "meminfo.MemAvailable"),
        _rung("mem_total", facts, "meminfo.MemTotal"),
        _rung("root_held", facts, "root_held"),
        _rung("node_working_set", facts, "working_set"),
    ]
    steps = [(AVAILABLE_STEP, facts), (HELD_STEP, facts), (WORKING_SET_STEP, facts)]
    if top is None:
        return climb(rungs, steps)
    if "working_set_at_sample" in facts:
        rungs.append(_rung("node_working_set_at_sample", facts, "working_set_at_sample"))
        steps += [(DRIFT_STEP, facts), (TOP_STEP, facts)]
    else:
        steps.append((UNALIGNED_TOP_STEP, facts))
    return climb([*rungs, _rung("top_node", facts, "top")], steps)


def _rung(name: str, facts: Facts, fact: str) -> Rung:
    return rung(name, facts, fact, SOURCES[name])
