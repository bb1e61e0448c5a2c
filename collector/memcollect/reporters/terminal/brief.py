"""One pod on one screen: the verdict, a bar to scale with the limit, the largest causes, kubectl top.

Below it the ladder, without the steps that tell nothing; `memcollect explain --full` has everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from memcollect.reporters.escape import visible
from memcollect.reporters.room import Room, room_of
from memcollect.reporters.sizes import share, short_size, size
from memcollect.reporters.terminal.findings import dim, section
from memcollect.reporters.terminal.ladder import ladder_lines
from memcollect.reporters.terminal.lines import cut, cut_middle, left, paragraph, right
from memcollect.reporters.terminal.processes import process_lines, service_lines
from memcollect.reporters.words import (
    PLATFORM_CAUSES,
    SEVERITIES,
    SEVERITY_MARKS,
    absence,
    beside_apps,
    findings_by_weight,
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

    from memcollect.documents.snapshot import Composition, Container, Finding, Pod, Term

SCREEN_LINES = 24
MOST_CAUSES = 3
LEAST_CAUSE = 0.05
"""Of the working set: what is smaller is none of the causes that a first look needs."""
MOST_REMEDY_LINES = 2
SIZE_WIDTH = 11
PARTS = (
    ("kept_bytes", "█", "red", "cannot be dropped"),
    ("droppable_bytes", "▓", "green", "can be dropped"),
    ("cold_bytes", "▒", "green", "cold cache, in no working set"),
    ("free_bytes", "·", "dim", "free"),
)


def brief_lines(pod: Pod, width: int) -> Iterator[Text]:
    """Yield the pod's one screen, and what is below it."""
    yield from first_screen(pod, width)
    if pod.ladder is not None and pod.ladder.rungs:
        yield from section(ladder_title(pod))
        yield from ladder_lines(pod.ladder, width, full=False)
    yield from _containers(pod, width)
    yield from _also(pod, width)
    yield from _open(pod, width)
    yield from processes(pod, width)


def first_screen(pod: Pod, width: int) -> Iterator[Text]:
    """Yield what 24 lines of 80 columns hold: who, what, how near, why, and kubectl top.

    Where the verdict is long, remedies and then causes give way to it: they stand below, too.
    """
    head = [*title(pod, width), *(paragraph(pod.verdict, width, indent="") if pod.verdict else ())]
    room = room_of(pod)
    none = "no pod limit" if shown_apps(pod) else "no limit"
    bar = [Text(), *_bar(room, width, none)] if room is not None and room.whole_bytes else []
    top = [Text(), *map(dim, paragraph(top_sentence(pod), width, indent=""))] if pod.top is not None else []
    yield from head
    yield from bar
    if pod.composition is not None:
        yield from _causes(pod, pod.composition, width, SCREEN_LINES - len(head) - len(bar) - len(top))
    yield from top


def title(pod: Pod, width: int) -> Iterator[Text]:
    """Yield the pod's name and what is known of its place."""
    yield Text(cut_middle(pod_name(pod), width), style="bold underline")
    facts = pod_facts(pod)
    if facts:
        yield from (dim(line) for line in paragraph(", ".join(facts), width, indent=""))


def processes(pod: Pod, width: int) -> Iterator[Text]:
    """Yield the services and processes of each container, where they were asked for."""
    for container in pod.containers:
        if container.services:
            yield from section(cut_middle(f"Services of {visible(container.name)}", width))
            yield from service_lines(container.services, width)
        if container.processes and container.role != "pause":
            yield from section(cut_middle(f"Processes of {visible(container.name)}", width))
            yield from process_lines(container.processes, width)


def _bar(room: Room, width: int, none: str) -> Iterator[Text]:
    """Yield the charge to scale, its limit or `none` at the right end, and what its signs mean."""
    limit = short_size(room.limit_bytes) if room.limit_bytes is not None else "?"
    end = f" {none}" if room.is_unlimited else f"▏{limit} limit"
    columns = max(width - 2 - len(end), 10)
    line, used, done = Text("  "), 0, 0
    for name, sign, style, _ in PARTS:
        done += getattr(room, name)
        until = round(done * columns / room.whole_bytes)
        line.append(sign * (until - used), style=style)
        used = until
    yield line.append(end, style="bold")
    legend = [
        f"{sign} {size(getattr(room, name))} {what}" for name, sign, _, what in PARTS if getattr(room, name)
    ]
    yield from (dim(each) for each in paragraph(", ".join(legend), width))


def _causes(pod: Pod, composition: Composition, width: int, most_lines: int) -> Iterator[Text]:
    """Yield the largest terms with what to do about each, in at most so many lines."""
    whole = composition.working_set_bytes
    large = [term for term in sorted_terms(composition.terms) if term.estimate_bytes >= LEAST_CAUSE * whole]
    remedies = {each.cause: each.remedy for each in pod.findings if each.remedy}
    room = most_lines - len(list(section(""))) - 1
    shown = large[: min(MOST_CAUSES, max(0, room))]
    if not shown:
        return
    yield from section(f"Working set, {size(whole)}")
    room -= len(shown)
    for term in shown:
        yield _cause(term, composition, width)
        told = list(paragraph(remedies.get(term.term, ""), width, indent="      ", first="    → "))
        if len(told) <= min(room, MOST_REMEDY_LINES):
            yield from told
            room -= len(told)
    rest = whole - sum(term.estimate_bytes for term in shown)
    if rest:
        yield dim(Text(f"  {right(size(rest), SIZE_WIDTH)}  everything else"))


def _cause(term: Term, composition: Composition, width: int) -> Text:
    parts = [share(term.estimate_bytes, composition.working_set_bytes).strip()]
    parts += [hint for hint in [reclaim_hint(term, composition.swap_room)] if hint]
    text = f"{term_label(term.term)} ({', '.join(parts)})"
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


def _also(pod: Pod, width: int) -> Iterator[Text]:
    """Yield the findings that no cause above is, the gravest first."""
    shown = _shown_causes(pod)
    others = [each for each in findings_by_weight(pod.findings) if each.cause not in shown | PLATFORM_CAUSES]
    if not others:
        return
    yield from section("What is worth knowing")
    for finding in others:
        yield from _finding(finding, width)


def _shown_causes(pod: Pod) -> set[str]:
    if pod.composition is None:
        return set()
    return {term.term for term in sorted_terms(pod.composition.terms)[:MOST_CAUSES]}


def _finding(finding: Finding, width: int) -> Iterator[Text]:
    """Yield the sentence; of what is grave also what to do."""
    mark = SEVERITY_MARKS[finding.severity]
    scope = "" if finding.scope == "pod" else f"{finding.scope}: "
    yield from paragraph(scope + finding.sentence, width, indent="    ", first=f"  {mark} ")
    if finding.remedy and SEVERITIES.index(finding.severity) >= SEVERITIES.index("notice"):
        yield from paragraph(finding.remedy, width, indent="      ", first="    → ")


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
