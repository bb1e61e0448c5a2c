"""One pod in full: who it is, the verdict, the working set taken apart, the ladder, what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from memcollect.reporters.escape import visible
from memcollect.reporters.sizes import size
from memcollect.reporters.terminal.brief import brief_lines, in_summary, mappings, processes, title
from memcollect.reporters.terminal.composition import composition_lines
from memcollect.reporters.terminal.files import file_lines
from memcollect.reporters.terminal.findings import dim, findings_lines, section, undecided_lines
from memcollect.reporters.terminal.ladder import ladder_lines
from memcollect.reporters.terminal.lines import cut_middle, paragraph
from memcollect.reporters.words import (
    Whole,
    absence,
    beside_apps,
    ladder_title,
    shown_apps,
    top_sentence,
    unread_sentences,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memcollect.documents.snapshot import Container, Pod


def pod_lines(pod: Pod, width: int, *, full: bool, whole: Whole = frozenset()) -> Iterator[Text]:
    """Yield what the document says of one pod: one screen and the ladder, or all with all its evidence."""
    if not full:
        yield from brief_lines(pod, width, whole=whole)
        return
    yield from title(pod, width)
    if pod.verdict:
        yield from paragraph(pod.verdict, width, indent="")
    if pod.top is not None:
        yield from (dim(line) for line in paragraph(top_sentence(pod), width, indent=""))
    yield from _numbers(pod, width)
    for container in shown_apps(pod):
        yield from _container(container, width)
    for container in beside_apps(pod):
        yield from _container(container, width)
    yield from findings_lines(pod.findings, width)
    yield from undecided_lines(pod.undecided, unread_sentences(pod), width)
    yield from mappings(pod, width, full=True)
    yield from file_lines(pod, width, full=True)
    yield from processes(pod, width)


def _numbers(pod: Pod, width: int) -> Iterator[Text]:
    if pod.composition is not None:
        yield from section(f"Working set, {size(pod.composition.working_set_bytes)}")
        yield from composition_lines(pod.composition, width, full=True)
    yield from in_summary(pod, width)
    if pod.ladder is not None and pod.ladder.rungs and pod.summary is None:
        yield from section(ladder_title(pod))
        yield from ladder_lines(pod.ladder, width, full=True)


def _container(container: Container, width: int) -> Iterator[Text]:
    name = f"Container {visible(container.name)}"
    if container.composition is None:
        yield from section(cut_middle(f"{name}: {absence(container)}", width))
        return
    amount = size(container.composition.working_set_bytes)
    yield from section(f"{cut_middle(name, width - len(amount) - 2)}, {amount}")
    yield from composition_lines(container.composition, width, full=True)
    if container.ladder is not None:
        yield Text()
        yield from ladder_lines(container.ladder, width, full=True)
