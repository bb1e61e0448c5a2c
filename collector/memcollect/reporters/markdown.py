"""The report for a pull request or an issue: GitHub's Markdown, everything from outside escaped."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from memcollect.documents.snapshot import Pod
from memcollect.reporters.attention import first_looks, others
from memcollect.reporters.columns import Amount, limit_text, listed_pods, overview_row
from memcollect.reporters.escape import markdown, markdown_code
from memcollect.reporters.groups import missing_groups, said_once, subtotals, whose
from memcollect.reporters.markdown_files import file_rows
from memcollect.reporters.markdown_mappings import mapping_rows
from memcollect.reporters.markdown_node import account_lines
from memcollect.reporters.markdown_parts import (
    composition_rows,
    findings_items,
    ladder_rows,
    section,
    subsection,
    table_head,
    table_row,
    undecided_items,
)
from memcollect.reporters.price_words import price, without
from memcollect.reporters.sizes import size
from memcollect.reporters.words import (
    beside_apps,
    command_of,
    depth_sentence,
    heading,
    pod_facts,
    shows_details,
    subject,
    top_sentence,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memcollect.documents.snapshot import (
        Container,
        Snapshot,
        Subtotal,
    )
    from memcollect.reporters.words import Details

OVERVIEW = (
    *("Pod", "kubectl top", "Working set", "Limit", "PSS"),
    *("Page cache", "tmpfs, shm", "Kernel", "Residual"),
)
SERVICES = ("Service", "Processes", "PSS", "Anon", "File", "Shmem", "Without it (predicted)")
PROCESSES = ("PID", "PSS", "RSS", "Anon", "File", "Shmem", "Command")


def render(snapshot: Snapshot, *, details: Details = "auto") -> str:
    """Return the report as Markdown; `details` says whether pods are shown one by one."""
    lines = list(_lines(said_once(snapshot), details))
    doubled = [not line and not before for before, line in pairwise(lines)]
    return "\n".join(line for line, double in zip(lines, [False, *doubled], strict=True) if not double) + "\n"


def _lines(snapshot: Snapshot, details: Details) -> Iterator[str]:
    of, is_name = subject(snapshot)
    yield f"# Memory of {markdown_code(of) if is_name else of}"
    yield ""
    if len(snapshot.pods) > 1:
        yield from _looks(snapshot.pods)
    yield from (f"- {label}: {markdown(text)}" for label, text in heading(snapshot) if label != "Sample")
    for account in snapshot.accounts:
        yield from account_lines(account)
    if snapshot.pods:
        yield from _overview(*listed_pods(snapshot, details))
    for title, rows, left_out in subtotals(snapshot):
        yield from _subtotals(title, rows, left_out)
    if snapshot.missing:
        yield from section("Asked for and not measured")
        yield from (
            f"- {whose(missing, names, markdown_code)} ({markdown(missing.reason)}): "
            + markdown(missing.detail)
            for missing, names in missing_groups(snapshot.missing)
        )
    for pod in snapshot.pods if shows_details(snapshot, details) else []:
        yield from _pod(pod)
    if snapshot.notes:
        yield from section("Notes")
        yield from (f"- {markdown(note)}" for note in snapshot.notes)


def _subtotals(title: str, rows: list[Subtotal], left_out: int) -> Iterator[str]:
    yield from section(f"By {title.lower()}")
    yield from table_head(
        (title, "Pods", "Measured", "Working set", "kubectl top", "MemAvailable"), numbers=5
    )
    for row in rows:
        sizes = (row.working_set_bytes, row.top_bytes, row.memory_available_bytes)
        counts = [str(row.pods), str(row.pods_measured)]
        yield table_row([markdown_code(row.name), *counts, *map(size, sizes)])
    if left_out:
        yield from ("", f"and {left_out} more, in the JSON")


def _overview(pods: list[Pod], left_out: int) -> Iterator[str]:
    yield from section("Pods")
    yield from table_head(OVERVIEW, numbers=8)
    for pod in pods:
        row = overview_row(pod)
        amounts = (row.pss, row.cache, row.shmem, row.kernel, row.residual)
        first = [_amount(row.top), _amount(row.working_set), limit_text(row.limit)]
        yield table_row([markdown_code(pod.full_name), *first, *map(_amount, amounts)])
    if left_out:
        yield from ("", f"and {left_out:,} more, in the JSON")


def _looks(pods: list[Pod]) -> Iterator[str]:
    """Yield the pods to look at first, each with the one sentence that says why."""
    found = first_looks(pods)
    for each in found:
        largest = "" if each.is_news else ", the largest"
        yield f"- Look first at {markdown_code(each.pod.full_name)}{largest}: **{markdown(each.sentence)}**"
    more = others(pods, found)
    if more:
        yield f"- and {more} more with news of that kind"
    yield ""


def _amount(amount: Amount) -> str:
    shown = size(amount.bytes)
    return f"≥ {shown}" if amount.partial and amount.bytes is not None else shown


def _pod(pod: Pod) -> Iterator[str]:
    yield from section(markdown_code(pod.full_name))
    facts = pod_facts(pod)
    if facts:
        yield from (markdown(", ".join(facts)), "")
    if pod.verdict:
        yield f"**{markdown(pod.verdict)}**"
    if pod.top is not None:
        yield from ("", markdown(top_sentence(pod)))
    if pod.summary is not None:
        yield from ("", markdown(depth_sentence(pod)))
    yield from _numbers(pod)
    apps = [container for container in pod.containers if container.composition and container.role != "pause"]
    if len(apps) > 1:
        for container in apps:
            yield from subsection(f"Container {markdown_code(container.name)}")
            yield from _numbers(container)
    for container in beside_apps(pod):
        yield from subsection(f"Container {markdown_code(container.name)}")
        yield from _numbers(container)
    yield from findings_items(pod.findings)
    yield from undecided_items(pod.undecided)
    yield from file_rows(pod)
    yield from _processes(pod)


def _numbers(scope: Pod | Container) -> Iterator[str]:
    if scope.composition is not None:
        yield from composition_rows(scope.composition)
    in_summary = isinstance(scope, Pod) and scope.summary is not None
    if scope.ladder is not None and scope.ladder.rungs and not in_summary:
        yield from ladder_rows(scope.ladder)


def _processes(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        yield from mapping_rows(container)
        if container.services:
            yield from _services(container)
        if not container.processes:
            continue
        yield from subsection(f"Processes of {markdown_code(container.name)}")
        yield from table_head(PROCESSES, numbers=6, first=0)
        for process in container.processes:
            numbers = (process.pss_bytes, process.rss_bytes, process.pss_anon_bytes)
            shared = (process.pss_file_bytes, process.pss_shmem_bytes)
            cells = [str(process.pid), *(size(number) for number in (*numbers, *shared))]
            yield table_row([*cells, markdown_code(command_of(process))])


def _services(container: Container) -> Iterator[str]:
    yield from subsection(f"Services of {markdown_code(container.name)}")
    yield from table_head(SERVICES, numbers=6)
    for service in container.services:
        numbers = (
            service.pss_bytes,
            service.pss_anon_bytes,
            service.pss_file_bytes,
            service.pss_shmem_bytes,
        )
        sizes = [size(number) for number in numbers]
        yield table_row([markdown(service.name), str(service.processes), *sizes, price(service)])
    for sentence in without(container.services):
        yield from ("", markdown(sentence))
