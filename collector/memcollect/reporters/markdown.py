"""The report for a pull request or an issue: GitHub's Markdown, everything from outside escaped."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from memcollect.reporters.columns import Amount, overview_row
from memcollect.reporters.escape import markdown, markdown_code
from memcollect.reporters.groups import missing_groups, some_names, subtotals
from memcollect.reporters.sizes import UNKNOWN, share, signed_size, size
from memcollect.reporters.words import (
    CONFIDENCE_MARKS,
    CONFIDENCE_MEANINGS,
    beside_apps,
    beside_hint,
    beside_working_set,
    command_of,
    finding_amount,
    findings_by_weight,
    heading,
    pod_facts,
    reclaim_hint,
    residual_note,
    rung_label,
    shows_details,
    sorted_terms,
    term_amount,
    term_label,
    top_sentence,
    undecided_by_reason,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from memcollect.documents.snapshot import (
        Composition,
        Container,
        Finding,
        Ladder,
        Pod,
        Snapshot,
        Step,
        Subtotal,
    )
    from memcollect.reporters.words import Details

OVERVIEW = ("Pod", "kubectl top", "Working set", "PSS", "Page cache", "tmpfs, shm", "Kernel", "Residual")
COMPOSITION = ("Term", "Size", "Share", "Certainty", "Under pressure")
LADDER = ("From processes to charge", "Bytes", "", "Source or evidence")
SERVICES = ("Service", "Processes", "PSS", "Anon", "File", "Shmem")
PROCESSES = ("PID", "PSS", "RSS", "Anon", "File", "Shmem", "Command")


def render(snapshot: Snapshot, *, details: Details = "auto") -> str:
    """Return the report as Markdown; `details` says whether pods are shown one by one."""
    lines = list(_lines(snapshot, in_full=shows_details(snapshot, details)))
    doubled = [not line and not before for before, line in pairwise(lines)]
    return "\n".join(line for line, double in zip(lines, [False, *doubled], strict=True) if not double) + "\n"


def _lines(snapshot: Snapshot, *, in_full: bool) -> Iterator[str]:
    yield f"# Memory of {markdown_code(snapshot.sample)}"
    yield ""
    yield from (f"- {label}: {markdown(text)}" for label, text in heading(snapshot) if label != "Sample")
    if snapshot.pods:
        yield from _overview(snapshot.pods)
    for title, rows, left_out in subtotals(snapshot):
        yield from _subtotals(title, rows, left_out)
    if snapshot.missing:
        yield from _section("Asked for and not measured")
        yield from (
            f"- {some_names(names, markdown(missing.kind), markdown_code)} ({markdown(missing.reason)}): "
            + markdown(missing.detail)
            for missing, names in missing_groups(snapshot.missing)
        )
    for pod in snapshot.pods if in_full else []:
        yield from _pod(pod)
    if snapshot.notes:
        yield from _section("Notes")
        yield from (f"- {markdown(note)}" for note in snapshot.notes)


def _subtotals(title: str, rows: list[Subtotal], left_out: int) -> Iterator[str]:
    yield from _section(f"By {title.lower()}")
    yield from _table_head(
        (title, "Pods", "Measured", "Working set", "kubectl top", "MemAvailable"), numbers=5
    )
    for row in rows:
        sizes = (row.working_set_bytes, row.top_bytes, row.memory_available_bytes)
        counts = [str(row.pods), str(row.pods_measured)]
        yield _table_row([markdown_code(row.name), *counts, *map(size, sizes)])
    if left_out:
        yield from ("", f"and {left_out} more, in the JSON")


def _overview(pods: list[Pod]) -> Iterator[str]:
    yield from _section("Pods")
    yield from _table_head(OVERVIEW, numbers=7)
    for pod in pods:
        row = overview_row(pod)
        amounts = (row.top, row.working_set, row.pss, row.cache, row.shmem, row.kernel, row.residual)
        yield _table_row([markdown_code(_name(pod)), *(_amount(amount) for amount in amounts)])


def _amount(amount: Amount) -> str:
    shown = size(amount.bytes)
    return f"≥ {shown}" if amount.partial and amount.bytes is not None else shown


def _name(pod: Pod) -> str:
    return f"{pod.namespace}/{pod.name}" if pod.namespace else pod.name


def _pod(pod: Pod) -> Iterator[str]:
    yield from _section(markdown_code(_name(pod)))
    facts = pod_facts(pod)
    if facts:
        yield from (markdown(", ".join(facts)), "")
    if pod.verdict:
        yield f"**{markdown(pod.verdict)}**"
    if pod.top is not None:
        yield from ("", markdown(top_sentence(pod)))
    yield from _numbers(pod)
    apps = [container for container in pod.containers if container.composition and container.role != "pause"]
    if len(apps) > 1:
        for container in apps:
            yield from _subsection(f"Container {markdown_code(container.name)}")
            yield from _numbers(container)
    for container in beside_apps(pod):
        yield from _subsection(f"Container {markdown_code(container.name)}")
        yield from _numbers(container)
    yield from _findings(pod.findings)
    yield from _undecided(pod)
    yield from _processes(pod)


def _numbers(scope: Pod | Container) -> Iterator[str]:
    if scope.composition is not None:
        yield from _composition(scope.composition)
    if scope.ladder is not None and scope.ladder.rungs:
        yield from _ladder(scope.ladder)


def _composition(composition: Composition) -> Iterator[str]:
    whole, residual = composition.working_set_bytes, composition.residual
    yield ""
    yield from _table_head(COMPOSITION, numbers=2, first=1)
    for term in sorted_terms(composition.terms):
        amount = term_amount(term) or size(term.estimate_bytes)
        hint = reclaim_hint(term, composition.swap_room)
        label = markdown(term_label(term.term))
        yield _table_row([label, amount, share(term.estimate_bytes, whole), term.confidence, hint])
    amount = size(residual.estimate_bytes)
    yield _table_row(["residual", amount, share(residual.estimate_bytes, whole), residual_note(residual), ""])
    yield _table_row(["**working set**", f"**{size(whole)}**", "", "", ""])
    for term in beside_working_set(composition):
        amount = term_amount(term) or size(term.estimate_bytes)
        label = markdown(f"+ {term_label(term.term)}")
        yield _table_row([label, amount, "", term.confidence, beside_hint(term, composition)])


def _ladder(ladder: Ladder) -> Iterator[str]:
    steps = {step.from_rung: step for step in ladder.steps}
    yield ""
    yield from _table_head(LADDER, numbers=1, first=1)
    for rung in ladder.rungs:
        note = rung.source if rung.bytes is not None else rung.reason
        label = markdown(rung_label(rung.rung))
        yield _table_row([f"**{label}**", f"**{size(rung.bytes)}**", "", markdown(note)])
        if rung.rung in steps:
            yield from _step(steps[rung.rung])
    yield ""
    yield "; ".join(f"{mark} {CONFIDENCE_MEANINGS[name]}" for name, mark in CONFIDENCE_MARKS.items())


def _step(step: Step) -> Iterator[str]:
    for term in sorted_terms(step.terms):
        evidence = ": ".join(part for part in (term_amount(term), markdown(term.evidence)) if part)
        mark = CONFIDENCE_MARKS[term.confidence].replace("~", r"\~")
        yield _table_row([markdown(term_label(term.term)), signed_size(term.estimate_bytes), mark, evidence])
    residual = step.residual
    note = f"{residual_note(residual)}: {markdown(residual.bound_reason)}".removesuffix(": ")
    yield _table_row(["residual", signed_size(residual.estimate_bytes), "", note])
    for undecided in step.undecided:
        why = markdown(f"not decided: {undecided.missing}: {undecided.reason}")
        yield _table_row([markdown(term_label(undecided.name)), UNKNOWN, "", why])


def _findings(findings: list[Finding]) -> Iterator[str]:
    if not findings:
        return
    yield from _subsection("What is worth knowing")
    for finding in findings_by_weight(findings):
        scope = "" if finding.scope == "pod" else f"{markdown_code(finding.scope)}: "
        yield f"- **{finding.severity}** {scope}{markdown(finding.sentence)}"
        proof = ": ".join(part for part in (finding_amount(finding), markdown(finding.evidence)) if part)
        yield from (f"  - {text}" for text in (proof, markdown(finding.remedy)) if text)


def _undecided(pod: Pod) -> Iterator[str]:
    if not pod.undecided:
        return
    yield from _subsection("What could not be decided")
    for labels, missing, reason in undecided_by_reason(pod.undecided):
        facts = ", ".join(map(markdown_code, missing))
        yield f"- {markdown(', '.join(labels))}: {markdown(reason)} ({facts})"


def _processes(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        if container.services:
            yield from _services(container)
        if not container.processes:
            continue
        yield from _subsection(f"Processes of {markdown_code(container.name)}")
        yield from _table_head(PROCESSES, numbers=6, first=0)
        for process in container.processes:
            numbers = (process.pss_bytes, process.rss_bytes, process.pss_anon_bytes)
            shared = (process.pss_file_bytes, process.pss_shmem_bytes)
            cells = [str(process.pid), *(size(number) for number in (*numbers, *shared))]
            yield _table_row([*cells, markdown_code(command_of(process))])


def _services(container: Container) -> Iterator[str]:
    yield from _subsection(f"Services of {markdown_code(container.name)}")
    yield from _table_head(SERVICES, numbers=5)
    for service in container.services:
        numbers = (
            service.pss_bytes,
            service.pss_anon_bytes,
            service.pss_file_bytes,
            service.pss_shmem_bytes,
        )
        sizes = [size(number) for number in numbers]
        yield _table_row([markdown(service.name), str(service.processes), *sizes])


def _section(title: str) -> tuple[str, str, str]:
    return "", f"## {title}", ""


def _subsection(title: str) -> tuple[str, str, str]:
    return "", f"### {title}", ""


def _table_head(titles: tuple[str, ...], *, numbers: int, first: int = 1) -> Iterator[str]:
    """Yield the heading; `numbers` columns from `first` on are set to the right."""
    yield _table_row(titles)
    rules = ["---:" if first <= index < first + numbers else "---" for index in range(len(titles))]
    yield _table_row(rules)


def _table_row(cells: Iterable[str]) -> str:
    """Return the row; every cell must have been escaped."""
    return f"| {' | '.join(cells)} |"
