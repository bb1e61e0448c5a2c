"""One pod on one screen: the verdict, a bar to scale with the limit, the largest causes, kubectl top.

Below it the ladder, without the steps that tell nothing; `memcollect explain --full` has everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from memcollect.reporters.escape import visible
from memcollect.reporters.room import PARTS, Room, room_of
from memcollect.reporters.sizes import share, short_size, size
from memcollect.reporters.terminal.files import file_lines
from memcollect.reporters.terminal.findings import dim, findings_lines, section
from memcollect.reporters.terminal.ladder import ladder_lines
from memcollect.reporters.terminal.lines import cut, cut_middle, left, paragraph, right
from memcollect.reporters.terminal.mappings import mapping_lines
from memcollect.reporters.terminal.processes import process_lines, service_lines
from memcollect.reporters.words import (
    PLATFORM_CAUSES,
    Whole,
    absence,
    beside_apps,
    depth_sentence,
    ladder_title,
    pod_facts,
    pod_name,
    reclaim_hint,
    shown_apps,
    sorted_terms,
    term_label,
    top_sentence,
    unread_sentences,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memcollect.documents.snapshot import Composition, Container, Pod, Term

SCREEN_LINES = 24
MOST_CAUSES = 3
LEAST_CAUSE = 0.05
"""Of the working set: what is smaller is none of the causes that a first look needs."""
MOST_REMEDY_LINES = 2
SIZE_WIDTH = 11
SIGNS = {
    "kept_bytes": ("█", "red"),
    "droppable_bytes": ("▓", "green"),
    "left_out_bytes": ("▒", "green"),
    "beside_bytes": ("▞", "yellow"),
    "free_bytes": ("·", "dim"),
}


def brief_lines(pod: Pod, width: int, *, whole: Whole = frozenset()) -> Iterator[Text]:
    """Yield the pod's one screen, and what is below it, its files first."""
    screen, told = _screen(pod, width)
    yield from screen
    yield from mappings(pod, width, full="mappings" in whole)
    yield from file_lines(pod, width, full="files" in whole)
    yield from in_summary(pod, width)
    if pod.ladder is not None and pod.ladder.rungs and pod.summary is None:
        yield from section(ladder_title(pod))
        yield from ladder_lines(pod.ladder, width, full=False)
    yield from _containers(pod, width)
    others = [each for each in pod.findings if each.cause not in told | PLATFORM_CAUSES]
    yield from findings_lines(others, width, full=False)
    yield from _open(pod, width)
    yield from processes(pod, width)


def first_screen(pod: Pod, width: int) -> list[Text]:
    """Return what 24 lines of 80 columns hold: who, what, how near, why, and kubectl top.

    Where the verdict is long, remedies and then causes give way to it.
    """
    return _screen(pod, width)[0]


def _screen(pod: Pod, width: int) -> tuple[list[Text], set[str]]:
    """Return the first screen, and the causes whose findings it makes superfluous."""
    head = [*title(pod, width), *(paragraph(pod.verdict, width, indent="") if pod.verdict else ())]
    room = room_of(pod)
    bar = [Text(), *_bar(room, width)] if room and room.whole_bytes else []
    top = [Text(), *map(dim, paragraph(top_sentence(pod), width, indent=""))] if pod.top is not None else []
    most_lines = SCREEN_LINES - len(head) - len(bar) - len(top)
    causes, told = _causes(pod, pod.composition, width, most_lines) if pod.composition else ([], set())
    return [*head, *bar, *causes, *top], told


def title(pod: Pod, width: int) -> Iterator[Text]:
    """Yield the pod's name and what is known of its place."""
    yield Text(cut_middle(pod_name(pod), width), style="bold underline")
    facts = pod_facts(pod)
    if facts:
        yield from (dim(line) for line in paragraph(", ".join(facts), width, indent=""))


def in_summary(pod: Pod, width: int) -> Iterator[Text]:
    """Yield what is not there of a pod told in summary."""
    sentence = depth_sentence(pod)
    if sentence:
        yield Text()
        yield from map(dim, paragraph(sentence, width, indent=""))


def mappings(pod: Pod, width: int, *, full: bool) -> Iterator[Text]:
    """Yield what the private memory of each container is mapped for, where that was asked for."""
    for container in pod.containers:
        yield from mapping_lines(container, width, full=full)


def processes(pod: Pod, width: int) -> Iterator[Text]:
    """Yield the services and processes of each container, where they were asked for."""
    for container in pod.containers:
        if container.services:
            yield from section(cut_middle(f"Services of {visible(container.name)}", width))
            yield from service_lines(container.services, width)
        if container.processes and container.role != "pause":
            yield from section(cut_middle(f"Processes of {visible(container.name)}", width))
            yield from process_lines(container.processes, width)


def _bar(room: Room, width: int) -> Iterator[Text]:
    """Yield the charge to scale with its limit at the right end, and what its signs mean."""
    whose = "pod limit" if room.is_pods_alone else "limit"
    limit = short_size(room.limit_bytes) if room.limit_bytes is not None else "?"
    end = f" no {whose}" if room.is_unlimited else f"▏{limit} {whose}"
    columns = max(width - 2 - len(end), 10)
    line, used, done = Text("  "), 0, 0
    for name in PARTS:
        sign, style = SIGNS[name]
        done += getattr(room, name)
        until = round(done * columns / room.whole_bytes)
        line.append(sign * (until - used), style=style)
        used = until
    yield line.append(end, style="bold")
    legend = [
        f"{SIGNS[name][0]} {size(getattr(room, name))} {what}"
        for name, what in PARTS.items()
        if getattr(room, name)
    ]
    yield from (dim(each) for each in paragraph(", ".join(legend), width))


def _causes(pod: Pod, composition: Composition, width: int, most_lines: int) -> tuple[list[Text], set[str]]:
    """Return the largest terms in at most so many lines, each with what to do, and which are told whole."""
    whole = composition.working_set_bytes
    large = [term for term in sorted_terms(composition.terms) if term.estimate_bytes >= LEAST_CAUSE * whole]
    lines = list(section(f"Working set, {size(whole)}"))
    room = most_lines - len(lines) - 1
    shown = large[: min(MOST_CAUSES, max(0, room))]
    if not shown:
        return [], set()
    remedies = {each.cause: each.remedy for each in pod.findings if each.remedy}
    room -= len(shown)
    told: set[str] = set()
    for term in shown:
        lines.append(_cause(term, composition, width))
        remedy = list(paragraph(remedies.get(term.term, ""), width, indent="      ", first="    → "))
        if len(remedy) <= min(room, MOST_REMEDY_LINES):
            lines += remedy
            room -= len(remedy)
            told.add(term.term)
    rest = whole - sum(term.estimate_bytes for term in shown)
    if rest:
        lines.append(dim(Text(f"  {right(size(rest), SIZE_WIDTH)}  everything else")))
    return lines, told


def _cause(term: Term, composition: Composition, width: int) -> Text:
    known = (
        share(term.estimate_bytes, composition.working_set_bytes).strip(),
        reclaim_hint(term, composition.swap_room),
    )
    parts = ", ".join(each for each in known if each)
    text = f"{term_label(term.term)} ({parts})" if parts else term_label(term.term)
    return Text(f"  {right(size(term.estimate_bytes), SIZE_WIDTH)}  {cut(text, width - SIZE_WIDTH - 4)}")


def _containers(pod: Pod, width: int) -> Iterator[Text]:
    """Yield a line for each container of several, and for what a sandbox's runtime keeps beside them."""
    shown = [*shown_apps(pod), *beside_apps(pod)]
    if not shown:
        return
    yield from section("Containers")
    for container in shown:
        yield Text("  " + cut(_container(container), width - 2))


def _container(container: Container) -> str:
    name = left(cut_middle(visible(container.name), 28), 28)
    if container.composition is None:
        return f"{name} {absence(container)}"
    terms = sorted_terms(container.composition.terms)[:2]
    made_of = ", ".join(f"{short_size(term.estimate_bytes)} {term_label(term.term)}" for term in terms)
    return f"{name} {right(size(container.composition.working_set_bytes), SIZE_WIDTH)}  {made_of}"


def _open(pod: Pod, width: int) -> Iterator[Text]:
    """Yield in a line what could not be decided, and in full what was not read."""
    unread = unread_sentences(pod)
    if not pod.undecided and not unread:
        return
    yield from section("What could not be decided")
    for text in unread:
        yield from paragraph(text, width, indent="    ", first="  ? ")
    if pod.undecided:
        names = ", ".join(dict.fromkeys(term_label(each.name) for each in pod.undecided))
        yield from paragraph(f"{names} (why: --full)", width, indent="    ", first="  ? ")
