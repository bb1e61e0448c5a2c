"""The words that every report uses for the document's names, so that all formats speak alike. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from memcollect.accounting.facts import unread_count, unread_rss_bytes, why_unread
from memcollect.documents.snapshot import UNNAMED
from memcollect.explain.overdue import is_overdue
from memcollect.join.node_clock import AHEAD_SECONDS
from memcollect.reporters import node_words
from memcollect.reporters.escape import visible
from memcollect.reporters.groups import MOST_NODES
from memcollect.reporters.sizes import interval, share, size
from memcollect.reporters.top_status import COUNTED, top_status
from memcollect.units import human_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from memcollect.documents.snapshot import (
        Composition,
        Container,
        Finding,
        Pod,
        Residual,
        Snapshot,
        Summary,
        SwapRoom,
        Term,
        Undecided,
    )
    from memcollect_agent.wire import Node, Process, ProcessSums

Details = Literal["auto", "all", "none"]
Whole = frozenset[Literal["files", "mappings"]]
"""Lists that a page shows to their end, and not only the largest ten of."""
"""Whether pods are shown one by one; "auto": where they are few."""
AUTO_DETAILS = 8
"""With more pods than this, "auto" shows the table alone."""
AUTO_DETAILS_OF_PROCESSES = 32
"""The same where processes were asked for: they stand in the details alone."""

TERMS = {
    "anon": "anonymous memory",
    "locked_anon": "locked anonymous",
    "split_huge": "rests of huge pages",
    "swap_cache": "swap cache",
    "detached_anon": "detached anonymous",
    "lazyfree": "lazily freed",
    "shmem": "tmpfs and shm",
    "pinned_shmem": "tmpfs without swap",
    "hot_cache": "hot page cache",
    "unwritten_hot_cache": "hot cache, unwritten",
    "locked_cache": "locked file pages",
    "cold_cache": "cold page cache",
    "unwritten_cold_cache": "cold cache, unwritten",
    "swap": "in swap",
    "slab_reclaimable": "kernel: dentries etc.",
    "open_files": "kernel: open files",
    "slab_unreclaimable": "kernel: other slab",
    "kernel_stack": "kernel: thread stacks",
    "page_tables": "kernel: page tables",
    "percpu": "kernel: per-CPU data",
    "sock": "kernel: socket buffers",
    "vmalloc": "kernel: vmalloc",
    "zswap": "kernel: zswap pool",
    "other_kernel": "kernel: other",
    "double_counted": "counted repeatedly",
    "ksm": "merged by KSM",
    "borrowed_anon": "anon charged elsewhere",
    "borrowed_file": "files charged elsewhere",
    "rings": "rings of the kernel",
    "lent_anon": "anon mapped elsewhere",
    "lent_file": "files mapped elsewhere",
    "unmapped_shmem": "tmpfs nobody maps",
    "unmapped_cache": "cache nobody maps",
    "dead_containers": "containers now gone",
    "own_kernel": "kernel: the pod's own",
    "monitors": "CRI-O's monitors",
    "pause": "pause container",
    "sandbox": "sandbox runtime",
    "pod_processes": "processes of the pod",
    "other_children": "other child cgroups",
    "unread_processes": "unread processes",
    "alike_processes": "counted twice",
    "hugetlb": "huge pages (hugetlb)",
    "drift": "change since sample",
    "provider": "another provider's",
    "rounding": "rounding to Mi",
    "residual": "residual",
}
RUNGS = {
    "rss": "RSS of processes",
    "pss": "PSS of processes",
    "current": "memory.current",
    "working_set": "working set",
    "working_set_at_sample": "working set at sample",
    "top": "kubectl top",
    "pod_current": "memory.current of pod",
}
CONFIDENCE_MARKS = {"measured": "=", "bounded": "≤≥", "inferred": "~"}
CONFIDENCE_MEANINGS = {
    "measured": "the kernel counts it",
    "bounded": "certainly between two numbers",
    "inferred": "estimated by a stated rule",
}
RECLAIM_HINTS = {
    "yes": "droppable",
    "mostly": "if unused",
    "under-pressure": "under pressure",
    "write-back": "once written",
    "without-swap": "under pressure",
    "swap-only": "only to swap",
    "locked": "stays, locked",
    "no": "stays",
}
NO_SWAP_HINTS = {"none": "stays, no swap", "forbidden": "stays, may not swap", "full": "stays, swap is full"}
"""What "swap-only" comes to where swap has no room for it."""
SEVERITY_MARKS = {"info": "·", "notice": "•", "warning": "!", "critical": "‼"}
SEVERITIES = tuple(SEVERITY_MARKS)
PLATFORM_CAUSES = frozenset({"warm_pool", "suspends_by_deletion"})
"""Findings that are about a platform and alike for each of its pods: a page of several says them once."""
APP_ROLES = frozenset({"container", "init", "ephemeral"})


def shows_details(snapshot: Snapshot, details: Details) -> bool:
    """Return whether the report shows each pod in full."""
    most = AUTO_DETAILS_OF_PROCESSES if snapshot.scope.processes else AUTO_DETAILS
    return details == "all" or (details == "auto" and len(snapshot.pods) <= most)


def term_label(term: str) -> str:
    """Return what a person calls the term; any other name, a finding's cause say, as it is."""
    return TERMS.get(term) or node_words.TERMS.get(term) or visible(term).replace("_", " ")


def reclaim_hint(term: Term, room: SwapRoom) -> str:
    """Return what the kernel can do with the term's bytes, in a few letters; "" where that is not known."""
    if term.reclaimable == "swap-only" and room in NO_SWAP_HINTS:
        return NO_SWAP_HINTS[room]
    return RECLAIM_HINTS.get(term.reclaimable or "", "")


def beside_working_set(composition: Composition) -> list[Term]:
    """Return what is charged or held for it and is no working set, the largest first; traces are left out."""
    least = composition.working_set_bytes / 1000
    terms = sorted_terms([*composition.left_out, *composition.beside])
    return [term for term in terms if term.high_bytes > least]


def beside_hint(term: Term, composition: Composition) -> str:
    """Return what becomes of it, or where it is."""
    if term in composition.beside:
        return "beside the charge"
    return reclaim_hint(term, composition.swap_room)


def rung_label(rung: str) -> str:
    """Return what a person calls the rung; an unknown one by its own name."""
    return RUNGS.get(rung) or node_words.RUNGS.get(rung) or visible(rung)


def beside_apps(pod: Pod) -> list[Container]:
    """Return the cgroups that belong to the pod's bill and are no app container's: a sandbox runtime's."""
    return [each for each in (*pod.containers, *pod.outside) if each.role in {"sandbox", "overhead"}]


def shown_apps(pod: Pod) -> list[Container]:
    """Return the containers to show one by one; none where there is one, which is its pod over again."""
    apps = [container for container in pod.containers if container.role in APP_ROLES]
    return apps if len(apps) > 1 else []


def absence(container: Container) -> str:
    """Return why a container has no numbers, as far as Kubernetes tells."""
    if container.state == "terminated":
        return "an init container that has ended" if container.role == "init" else "it has ended"
    return "it has not started" if container.state == "waiting" else "no numbers"


def unread_sentences(pod: Pod) -> list[str]:
    """Return of each container what of its processes has no numbers in the sums."""
    return [
        f"{container.name}: {sentence}"
        for container in pod.containers
        if container.sums and (sentence := _unread_sentence(container.sums))
    ]


def _unread_sentence(sums: ProcessSums) -> str:
    skipped = unread_count(sums)
    if not skipped:
        return ""
    rss = unread_rss_bytes(sums)
    known = f"RSS {human_bytes(rss)}" if rss is not None else "nor is RSS of each"
    return f"PSS is not known of {skipped} of {sums.listed} processes ({known}): {why_unread(sums)}."


def command_of(process: Process) -> str:
    """Return what a process runs, and what its numbers lack or repeat."""
    command = process.command or process.comm
    if process.shares_with is not None:
        return f"[the memory of {process.shares_with}] {command}"
    return f"[no PSS: {process.skipped}] {command}" if process.skipped else command


def pod_name(pod: Pod) -> str:
    """Return "namespace/name", or the name alone where there is no namespace; made visible."""
    return visible(pod.full_name)


def pod_facts(pod: Pod) -> list[str]:
    """Return what identifies the pod's circumstances, each known thing once: kind, QoS, node and so on."""
    runtime = pod.runtime.family if pod.runtime.family != "unknown" else ""
    handler = f"class {pod.runtime.runtime_class}" if pod.runtime.runtime_class else ""
    kind = pod.kind if pod.kind != "pod" else ""
    node = f"node {pod.node}" if pod.node else ""
    phase = "Terminating" if is_overdue(pod) else pod.phase or ""
    facts = [kind, pod.qos_class or "", phase, runtime, handler, node]
    return [visible(fact) for fact in facts if fact]


def depth_sentence(pod: Pod) -> str:
    """Return of a pod told in summary what is not there, and how to have it; "" for one told in full."""
    short = pod.summary
    if short is None:
        return ""
    causes = ", ".join(term_label(cause) for cause in short.causes)
    found = f" Its findings: {visible(causes)}." if causes else ""
    count = f"{short.containers} container" + ("" if short.containers == 1 else "s")
    return (
        f"Told in summary: its {count}, ladder and evidence were not asked for.{found} In full as it is now:"
        f" `memcollect explain {pod_name(pod)}`. A snapshot with --depth full keeps it of every pod."
    )


def term_amount(term: Term) -> str:
    """Return the interval that holds the term where it is one, otherwise nothing."""
    if term.low_bytes == term.high_bytes:
        return ""
    return interval(term.low_bytes, term.high_bytes)


def residual_amount(residual: Residual) -> str:
    """Return the interval that holds the residual where it is one, otherwise nothing."""
    if residual.low_bytes == residual.high_bytes:
        return ""
    return interval(residual.low_bytes, residual.high_bytes)


def residual_note(residual: Residual) -> str:
    """Return the residual's verdict: within what bound, or that it is not."""
    bound = interval(residual.bound_low_bytes, residual.bound_high_bytes)
    if residual.within_bound:
        return f"within its bound, {bound}"
    return f"OUTSIDE its bound, {bound}"


def top_sentence(pod: Pod) -> str:
    """Return what kubectl top shows of the pod, how old it is and whether the agent's number agrees."""
    top = pod.top
    if top is None:
        return ""
    if top.memory_bytes is None:
        return f"kubectl top shows nothing: {top.detail or 'no reason is known'}."
    age = _age_seconds(pod)
    number = f"kubectl top: {size(top.memory_bytes)}"
    sampled = f"{number}, sampled {age:.0f} s before" if age is not None else number
    return "; ".join(part for part in (sampled, top_status(top), top.detail, top.remark) if part) + "."


def _age_seconds(pod: Pod) -> float | None:
    now = pod.cgroup.current_read_at if pod.cgroup is not None else None
    taken = pod.top.timestamp if pod.top is not None else None
    if now is None or taken is None or taken > now + AHEAD_SECONDS:
        return None
    return max(0.0, now - taken)


def finding_amount(finding: Finding) -> str:
    """Return the interval of the finding's amount, as a magnitude; a single number its sentence says."""
    low, high = finding.low_bytes, finding.high_bytes
    if low is None or high is None or low == high:
        return ""
    return interval(-high, -low) if high <= 0 else interval(low, high)


def finding_proof(finding: Finding) -> str:
    """Return the amount with the evidence for it, as far as there is any."""
    return ": ".join(part for part in (finding_amount(finding), finding.evidence) if part)


def ladder_title(pod: Pod) -> str:
    """Return from where to where the pod's ladder leads."""
    return "From the processes to kubectl top" if pod.top else "From the processes up"


def findings_by_weight(findings: list[Finding]) -> list[Finding]:
    """Return the findings with the gravest first, and the largest first among equals."""
    return sorted(
        findings,
        key=lambda finding: (-SEVERITIES.index(finding.severity), -abs(finding.estimate_bytes or 0)),
    )


def platform_remarks(pods: Iterable[Pod]) -> list[str]:
    """Return what is to be said of the platforms that the pods are of, each once."""
    found = (each for pod in pods for each in pod.findings if each.cause in PLATFORM_CAUSES)
    return list(dict.fromkeys(each.sentence for each in found))


def undecided_by_reason(undecided: list[Undecided]) -> list[tuple[list[str], list[str], str]]:
    """Return (labels, missing facts, reason) for each reason: one cause often leaves many things open."""
    groups: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for each in undecided:
        labels, missing = groups.setdefault(each.reason, ({}, {}))
        labels[term_label(each.name)] = None
        missing[each.missing] = None
    return [(list(labels), list(missing), reason) for reason, (labels, missing) in groups.items()]


def sorted_terms(terms: list[Term]) -> list[Term]:
    """Return the terms that have any bytes, the largest first."""
    return sorted(
        (term for term in terms if term.low_bytes or term.high_bytes),
        key=lambda term: -abs(term.estimate_bytes),
    )


def zero_terms(terms: list[Term]) -> list[str]:
    """Return the labels of the terms that were measured and hold nothing."""
    return [term_label(term.term) for term in terms if not term.low_bytes and not term.high_bytes]


def heading(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Return what the whole document is about as (label, text), ready to print under a title."""
    summary = snapshot.summary
    lines = [
        *([("Sample", snapshot.sample)] if snapshot.sample != UNNAMED else []),
        ("Captured", snapshot.captured_at),
        ("Mode", _mode(snapshot)),
        *([] if is_of_nodes(snapshot) else [("Pods", _pods(snapshot))]),
    ]
    if snapshot.depth == "summary":
        lines.append(("Depth", "summary: of most pods terms and verdict alone; --depth full tells all"))
    if summary.working_set_bytes is not None:
        lines.append(("Working set", size(summary.working_set_bytes)))
    if summary.top_bytes is not None:
        lines.append(("kubectl top", f"{size(summary.top_bytes)}{_statuses(summary)}"))
    if len(snapshot.nodes) <= MOST_NODES:
        lines.extend(("Node", _node_line(node)) for node in snapshot.nodes)
    else:
        lines.append(("Nodes", _nodes_line(snapshot.nodes)))
    return [(label, visible(text)) for label, text in lines]


def subject(snapshot: Snapshot) -> tuple[str, bool]:
    """Return what a page's title says that it is of, and whether that is a name.

    That is the sample; where nobody named it, the pod or the node, or how many there are.
    """
    if snapshot.sample != UNNAMED:
        return snapshot.sample, True
    names = [pod_name(pod) for pod in snapshot.pods] or [account.node for account in snapshot.accounts]
    if len(names) == 1:
        return names[0], True
    return f"{len(names)} {'nodes' if is_of_nodes(snapshot) else _noun(snapshot)}", False


def is_of_nodes(snapshot: Snapshot) -> bool:
    """Return whether the document is about nodes alone."""
    return bool(snapshot.accounts) and not snapshot.pods


def _mode(snapshot: Snapshot) -> str:
    if snapshot.mode == "local":
        return "this machine"
    if is_of_nodes(snapshot):
        return "nodes of a cluster"
    scope = snapshot.scope
    namespaces = "all namespaces" if scope.namespaces is None else ", ".join(scope.namespaces)
    return f"cluster, {namespaces}" + (f", {scope.selector}" if scope.selector else "")


def _noun(snapshot: Snapshot) -> str:
    """Return what its rows are; of this machine they may be containers and services."""
    return "pods" if {pod.kind for pod in snapshot.pods} <= {"pod"} else "groups"


def _pods(snapshot: Snapshot) -> str:
    summary = snapshot.summary
    count = summary.pods_measured + summary.pods_in_guests
    measured = f"{count} of {summary.pods} {_noun(snapshot)} measured"
    if summary.pods_in_guests:
        measured += f" ({summary.pods_in_guests} in sandboxes of their own)"
    return f"{measured}, {len(snapshot.missing)} missing" if snapshot.missing else measured


def _statuses(summary: Summary) -> str:
    counts = [f"{count} {COUNTED.get(status, status)}" for status, count in summary.statuses.items()]
    return f" ({', '.join(counts)})" if counts else ""


def _nodes_line(nodes: list[Node]) -> str:
    kernels = sorted({node.kernel for node in nodes if node.kernel})
    shown = ", ".join(kernels[:MOST_NODES]) + (" and others" if len(kernels) > MOST_NODES else "")
    return f"{len(nodes)} answered" + (f", Linux {shown}" if shown else "")


def _node_line(node: Node) -> str:
    parts = [node.name]
    if node.kernel:
        parts.append(f"Linux {node.kernel}")
    if node.cpus is not None:
        parts.append(f"{node.cpus} CPU" + ("s" if node.cpus != 1 else ""))
    available, whole = (node.meminfo or {}).get("MemAvailable"), (node.meminfo or {}).get("MemTotal")
    if available is not None and whole:
        parts.append(
            f"{size(available)} of {size(whole)} available ({share(available, whole).replace(' ', '')})"
        )
    return ", ".join(parts)
