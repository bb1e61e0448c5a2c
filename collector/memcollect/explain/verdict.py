"""One or two sentences that a tired engineer can act on, chosen by size. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from memcollect.documents.snapshot import Composition, Finding, Pod
from memcollect.explain.runtimes import sandbox_verdict
from memcollect.units import MIB, human_bytes


@dataclass(frozen=True)
class Group:
    """Terms that mean the same to the reader, and how a verdict speaks of them."""

    terms: frozenset[str]
    phrase: str


GROUPS = (
    Group(frozenset({"anon", "detached_anon"}), "is private memory of its processes"),
    Group(frozenset({"hot_cache"}), "is page cache the kernel would drop under pressure"),
    Group(frozenset({"shmem"}), "is tmpfs or shared memory, which stays"),
    Group(
        frozenset({"slab_reclaimable"}),
        "is the kernel's file-name cache, most of which it would drop under pressure",
    ),
    Group(
        frozenset(
            {
                "slab_unreclaimable",
                "kernel_stack",
                "page_tables",
                "percpu",
                "vmalloc",
                "zswap",
                "other_kernel",
                "sock",
            }
        ),
        "is kernel memory",
    ),
    Group(frozenset({"hugetlb"}), "is hugetlb pages, which stay"),
)
KERNEL_NAMES = {
    "kernel_stack": "thread stacks",
    "page_tables": "page tables",
    "sock": "socket buffers",
    "percpu": "per-CPU data",
    "slab_unreclaimable": "kernel objects",
    "zswap": "compressed swap",
}
SANDBOX_CAUSES = frozenset({"outside_pod", "snapshot", "guest_mapped_again", "top_provider"})
SMALLEST_SHARE = 0.05
MOST_PARTS = 3


def pronounce(pod: Pod) -> str:
    """Return the verdict on one pod."""
    if sandbox := sandbox_verdict(pod):
        told = [each.sentence for each in pod.findings if each.cause in SANDBOX_CAUSES]
        return " ".join([sandbox, *told, *_alarms(pod.findings)])
    if pod.composition is None:
        reason = pod.unmeasured or _first_reason(pod)
        return " ".join([f"Not measured: {reason.rstrip('.')}.", *_alarms(pod.findings), *_beside(pod)])
    sentences = [
        _anatomy(pod.composition),
        *_alarms(pod.findings),
        *_beside(pod),
        *_unexplained(pod.composition),
        *_doubts(pod.composition),
    ]
    return " ".join(sentences)


def _first_reason(pod: Pod) -> str:
    rungs = pod.ladder.rungs if pod.ladder is not None else []
    return next((rung.reason for rung in rungs if rung.rung == "working_set" and rung.reason), "no numbers")


def _anatomy(composition: Composition) -> str:
    whole = composition.working_set_bytes
    parts = sorted(_parts(composition), key=lambda part: -part[0])
    told = [part for part in parts if part[0] >= max(SMALLEST_SHARE * whole, 1)][:MOST_PARTS]
    if not whole:
        return "Its app containers have a working set of 0 B."
    if not told:
        return f"{human_bytes(whole)} in all, in no part large enough to name."
    (first_size, first_phrase), *others = told
    text = f"{human_bytes(first_size)} of {human_bytes(whole)} {first_phrase}"
    text += "".join(f"; {human_bytes(size)} {phrase}" for size, phrase in others)
    return text + "."


def _parts(composition: Composition) -> list[tuple[int, str]]:
    sizes = {term.term: term.estimate_bytes for term in composition.terms}
    parts = []
    for group in GROUPS:
        members = {name: size for name, size in sizes.items() if name in group.terms}
        size = sum(members.values())
        phrase = group.phrase
        if phrase == "is kernel memory" and members:
            name = max(members, key=lambda each: members[each])
            phrase += f" (mostly {KERNEL_NAMES[name]})" if name in KERNEL_NAMES else ""
        parts.append((size, phrase))
    return parts


def _alarms(findings: list[Finding]) -> list[str]:
    """Return the sentences that must not wait for the findings list, each cause once."""
    first: dict[str, str] = {}
    for finding in findings:
        if finding.severity in ("critical", "warning"):
            first.setdefault(finding.cause, finding.sentence)
    return list(first.values())


def _beside(pod: Pod) -> list[str]:
    """Return what is charged to the pod, or seen by `ps`, beside the number just taken apart."""
    sizes: Counter[str] = Counter()
    for finding in pod.findings:
        sizes[finding.cause] += abs(finding.estimate_bytes or 0)
    whole = max(MIB, round(SMALLEST_SHARE * (pod.composition.working_set_bytes if pod.composition else 0)))
    sentences = []
    if sizes.get("dead_containers", 0) >= whole:
        sentences.append(
            f"{human_bytes(sizes['dead_containers'])} more is charged to the pod by containers that are gone."
        )
    if sizes["pod_processes"] >= whole:
        sentences.append(
            f"{human_bytes(sizes['pod_processes'])} more is charged to the pod itself, by processes outside"
            " of its containers."
        )
    if sizes["pause"] >= whole:
        sentences.append(f"{human_bytes(sizes['pause'])} more is in the pause container's cgroup.")
    if sizes.get("lazyfree", 0) >= whole:
        sentences.append(f"{human_bytes(sizes['lazyfree'])} more in ps is already given back to the kernel.")
    if sizes.get("borrowed_file", 0) >= whole:
        sentences.append(
            f"It uses {human_bytes(sizes['borrowed_file'])} of file pages that a neighbour pays for."
        )
    if sizes.get("double_counted", 0) >= whole:
        sentences.append(f"ps counts {human_bytes(sizes['double_counted'])} more than once.")
    return sentences[:2]


def _unexplained(composition: Composition) -> list[str]:
    residual = composition.residual
    if residual.within_bound or composition.undecided:
        return []
    if residual.estimate_bytes < 0:
        return [
            f"The parts come to {human_bytes(-residual.estimate_bytes)} more than the whole: not explained."
        ]
    return [
        f"{human_bytes(residual.estimate_bytes)} is not explained: more than the kernel's bookkeeping can be."
    ]


def _doubts(composition: Composition) -> list[str]:
    """Return what could not be decided, where that leaves a part of the whole without a name."""
    if not composition.undecided or composition.residual.within_bound:
        return []
    names = ", ".join(item.name for item in composition.undecided)
    rest = human_bytes(abs(composition.residual.estimate_bytes))
    return [f"{rest} is left open, for these could not be decided: {names}."]
