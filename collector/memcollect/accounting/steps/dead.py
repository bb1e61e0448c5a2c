"""From the pod's own cgroup to its app containers: what kubectl top never adds up. Pure.

The facts are the pod's, with `children.KEY` for Σ memory.stat over all its child cgroups, `pause`,
`sandbox`, `monitors` and `other_children` for the charges of children that are no app containers.
"""

from __future__ import annotations

from memcollect.accounting.facts import Facts
from memcollect.accounting.interval import Interval
from memcollect.accounting.rules import STALE_PAGES, Amount, Bound, TermRule, lag_bytes, measured
from memcollect.units import human_bytes


def _left_behind(facts: Facts, key: str) -> int:
    return facts[f"stat.{key}"] - facts[f"children.{key}"]


def dead_containers(facts: Facts) -> Amount | None:
    """Return user pages in the pod's cgroup and in none of its children: of containers that are gone.

    Processes live in the children, so anon, tmpfs and cache charged to the pod alone were left behind
    when a child was removed (its charge moves to the parent). None where processes live in the pod's
    own cgroup: then these pages are put down to them.
    """
    return None if facts["own.processes"] else _own_pages(facts)


def dead_swap(facts: Facts) -> Amount | None:
    """Return what the pod has in swap and none of its children has: of containers that are gone.

    None where a child's was not read, or processes live in the pod's own cgroup: it may be theirs.
    """
    if "swap.current" not in facts or "children.swap" not in facts or facts["own.processes"]:
        return None
    whole, children = facts["swap.current"], facts["children.swap"]
    return measured(max(0, whole - children), f"memory.swap.current: pod {whole} − Σ children {children}")


def pod_processes(facts: Facts) -> Amount | None:
    """Return those pages where processes live in the pod's cgroup itself, outside of every container.

    gVisor's sentry sits there under the cgroupfs driver, and so do some virtual machine monitors. That the
    pages are theirs is inferred: what gone containers left cannot be told from them.
    """
    count = facts["own.processes"]
    if not count:
        return None
    own = _own_pages(facts)
    evidence = f"{own.evidence}; {count} processes live in the pod's own cgroup"
    return Amount(own.interval, "inferred", evidence)


def _own_pages(facts: Facts) -> Amount:
    anon, file, shmem = (_left_behind(facts, key) for key in ("anon", "file", "shmem"))
    dying = facts.get("dying")
    evidence = (
        f"pod − Σ children: anon {anon}, file {file} (of it shmem {shmem}); nr_dying_descendants {dying}"
    )
    return measured(-max(0, anon + file), evidence)


def pod_kernel(facts: Facts) -> Amount:
    """Return kernel memory of the pod's cgroup in none of its children.

    The kernel charges the control structures of a child to its parent, and slab of a removed child
    moves to the parent, so some KiB are always here.
    """
    own = facts["kernel_counted"] - facts["children.kernel"]
    return measured(-max(0, own), f"pod − Σ children: kernel {own}")


def dead_slab(facts: Facts) -> Amount | None:
    """Return what of that memory is caches of files: names and inodes outlive whoever looked them up.

    None where processes live in the pod's own cgroup: then it is put down to them.
    """
    if facts["own.processes"]:
        return None
    own = max(0, _left_behind(facts, "slab_reclaimable"))
    return measured(-own, f"pod − Σ children: slab_reclaimable {own}")


def kept_kernel(facts: Facts) -> Amount | None:
    """Return the rest of it, which stays: BPF maps, sockets, the kernel's own records of the children."""
    slab = facts[dead_slab]
    if slab is None:
        return None
    whole = facts[pod_kernel]
    kept = max(0, slab.interval.estimate - whole.interval.estimate)
    return measured(-kept, f"{whole.evidence}, without slab_reclaimable {-slab.interval.estimate}")


def _child(term: str, what: str) -> TermRule:
    def amount(facts: Facts) -> Amount:
        return measured(-facts[term], f"memory.current of {what}")

    return TermRule(term, amount)


def bound(facts: Facts) -> Bound:
    """Return the bound: counters not yet flushed on either side, and what moved while it was read."""
    cgroups = facts["cgroups"]
    stale = lag_bytes(facts, STALE_PAGES) * cgroups
    moved = facts.get("moved", 0)
    return Bound(
        Interval.of(-stale - moved, stale + moved, 0),
        f"±{human_bytes(stale)} of counters not yet flushed, {human_bytes(moved)} that moved while"
        f" {cgroups} cgroups were read one after another",
    )


RULES = (
    _child("pause", "the pause container"),
    _child("sandbox", "the cgroup of the sandbox runtime (a Sentry, a VMM)"),
    _child("monitors", "CRI-O's monitors (conmon)"),
    _child("other_children", "child cgroups that are no app containers"),
    TermRule("pod_processes", pod_processes),
    TermRule("dead_containers", dead_containers),
    TermRule("own_kernel", pod_kernel),
)
