"""One pod in full: who it is, the verdict, the working set taken apart, the ladder, what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from memcollect.reporters.escape import visible
from memcollect.reporters.sizes import size
from memcollect.reporters.terminal.composition import composition_lines
from memcollect.reporters.terminal.findings import dim, findings_lines, section, undecided_lines
from memcollect.reporters.terminal.ladder import ladder_lines
from memcollect.reporters.terminal.lines import cut_middle, paragraph
from memcollect.reporters.terminal.processes import process_lines, service_lines
from memcollect.reporters.words import (
    absence,
    beside_apps,
    ladder_title,
    pod_facts,
    pod_name,
    shown_apps,
    top_sentence,
    unread_sentences,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memcollect.documents.snapshot import Container, Pod


def pod_lines(pod: Pod, width: int, *, full: bool) -> Iterator[Text]:
    """Yield everything the document says of one pod; with all the evidence when `full`."""
    yield from _title(pod, width)
    if pod.verdict:
        yield from paragraph(pod.verdict, width, indent="")
    if pod.top is not None:
        yield from (dim(line) for line in paragraph(top_sentence(pod), width, indent=""))
    yield from _numbers(pod, width, full=full)
    for container in shown_apps(pod):
        yield from _container(container, width, full=full)
    for container in beside_apps(pod):
        yield from _container(container, width, full=full)
    yield from findings_lines(pod.findings, width)
    yield from undecided_lines(pod.undecided, unread_sentences(pod), width)
    yield from _processes(pod, width)


def _title(pod: Pod, width: int) -> Iterator[Text]:
    yield Text(cut_middle(pod_name(pod), width), style="bold underline")
    facts = pod_facts(pod)
    if facts:
        yield from (dim(line) for line in paragraph(", ".join(facts), width, indent=""))


def _numbers(pod: Pod, width: int, *, full: bool) -> Iterator[Text]:
    if pod.composition is not None:
        yield from section(f"Working set, {size(pod.composition.working_set_bytes)}")
        yield from composition_lines(pod.composition, width, full=full)
    if pod.ladder is not None and pod.ladder.rungs:
        yield from section(ladder_title(pod))
        yield from ladder_lines(pod.ladder, width, full=full)


def _container(container: Container, width: int, *, full: bool) -> Iterator[Text]:
    name = f"Container {visible(container.name)}"
    if container.composition is None:
        yield from section(cut_middle(f"{name}: {absence(container)}", width))
        return
    amount = size(container.composition.working_set_bytes)
    yield from section(f"{cut_middle(name, width - len(amount) - 2)}, {amount}")
    yield from composition_lines(container.composition, width, full=full)
    if full and container.ladder is not None:
        yield Text()
        yield from ladder_lines(container.ladder, width, full=full)


def _processes(pod: Pod, width: int) -> Iterator[Text]:
    for container in pod.containers:
        if container.services:
            yield from section(cut_middle(f"Services of {visible(container.name)}", width))
            yield from service_lines(container.services, width)
        if container.processes and container.role != "pause":
            yield from section(cut_middle(f"Processes of {visible(container.name)}", width))
            yield from process_lines(container.processes, width)
