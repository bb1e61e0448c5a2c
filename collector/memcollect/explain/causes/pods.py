"""What a pod's own cgroup is charged for and none of its app containers is. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from memcollect.accounting.facts import Facts
from memcollect.accounting.rules import Amount, TermRule
from memcollect.accounting.steps import dead
from memcollect.explain.engine import AmountRule
from memcollect.units import KIB, human_bytes


def _term(rules: Iterable[TermRule], name: str) -> Callable[[Facts], Amount | None]:
    return next(rule.amount for rule in rules if rule.term == name)


def _dead_words(facts: Facts) -> dict[str, str]:
    left = {key: max(0, facts[f"stat.{key}"] - facts[f"children.{key}"]) for key in ("anon", "file", "shmem")}
    cache = left["file"] - left["shmem"]
    kinds = ((left["shmem"], "tmpfs"), (cache, "page cache"), (left["anon"], "private memory"))
    return {"kinds": ", ".join(f"{human_bytes(size)} {kind}" for size, kind in kinds if size >= KIB)}


POD_RULES = (
    AmountRule(
        "dead_swap",
        dead.dead_swap,
        "{amount} in swap is still charged to this pod by containers that are gone: tmpfs or private memory.",
        "tmpfs goes when the files in shared volumes are deleted.",
        severity="notice",
    ),
    AmountRule(
        "dead_containers",
        dead.dead_containers,
        "{amount} is still charged to this pod by containers that are gone (an init container, a"
        " restart): {kinds}; kubectl top shows nothing of it, the pod's limit does.",
        "Page cache goes under pressure; tmpfs goes when the files in shared volumes are deleted.",
        severity="notice",
        words=_dead_words,
    ),
    AmountRule(
        "pod_processes",
        dead.pod_processes,
        "{amount} is charged to the pod's own cgroup, where processes live outside of every container (a"
        " gVisor sentry, a virtual machine monitor); it is in no container's working set.",
        severity="notice",
    ),
    AmountRule(
        "dead_slab",
        dead.dead_slab,
        "{amount} is the kernel's caches of files (names, inodes) that are charged to the pod and to none of"
        " its containers: left by containers that are gone, and droppable if unused; kubectl top shows"
        " nothing of it, the pod's limit does.",
        "Look at init containers, and runs before a restart, that unpacked, cloned or searched many files.",
        severity="notice",
    ),
    AmountRule(
        "pod_kernel",
        dead.kept_kernel,
        "{amount} is kernel memory that stays and is charged to the pod and to none of its containers: of"
        " containers that are gone (BPF maps, sockets), or the kernel's own records of the pod's cgroups;"
        " kubectl top shows nothing of it, the pod's limit does.",
        "It goes when what holds it is closed: look for BPF maps pinned below /sys/fs/bpf (bpftool map), and"
        " for files and sockets that were handed on.",
        severity="notice",
    ),
    AmountRule(
        "monitors",
        _term(dead.RULES, "monitors"),
        "{amount} is charged to CRI-O's monitors in this pod (conmon), which write the containers' logs:"
        " kubectl top shows nothing of it, the pod's limit does.",
        "Page cache of log files goes under pressure. conmon_cgroup in CRI-O's configuration says whose"
        " it is.",
        severity="notice",
    ),
    AmountRule(
        "pause",
        _term(dead.RULES, "pause"),
        "{amount} is the pause container, which kubectl top leaves out.",
        least_bytes=512 * KIB,
    ),
)
