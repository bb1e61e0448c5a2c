"""One pod in full: who it is, the verdict, the pictures, what they mean. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from memcollect.documents.snapshot import Composition, Container, Pod
from memcollect.reporters.html.bars import reach
from memcollect.reporters.html.composition import composition_part
from memcollect.reporters.html.files import files_part
from memcollect.reporters.html.findings import findings_part, undecided_part
from memcollect.reporters.html.ladder import ladder_part
from memcollect.reporters.html.limit import limit_part
from memcollect.reporters.html.mappings import mappings_part
from memcollect.reporters.html.markup import Markup, element, name_of
from memcollect.reporters.html.processes import processes_part
from memcollect.reporters.html.shapes import Scale
from memcollect.reporters.room import room_of
from memcollect.reporters.sizes import size
from memcollect.reporters.words import (
    absence,
    beside_apps,
    depth_sentence,
    ladder_title,
    pod_facts,
    pod_name,
    shown_apps,
    top_sentence,
    unread_sentences,
)


def pod_section(pod: Pod, anchor: str, *, folded: bool) -> Markup:
    """Return everything the document says of one pod; `folded` shows the name and the verdict alone."""
    if not folded:
        return element("section", _title(pod), *_facts(pod), *_rest(pod, full=True), class_="pod", id=anchor)
    # The anchor is inside, so that a browser that follows a link to it unfolds the section.
    inside = element("div", *_facts(pod), *_rest(pod, full=False), id=anchor)
    return element("details", element("summary", _title(pod)), inside, class_="pod")


def _title(pod: Pod) -> Markup:
    amount = f" {size(pod.composition.working_set_bytes)}" if pod.composition else ""
    return element("h2", name_of(pod_name(pod)), element("span", amount) if amount else "")


def _facts(pod: Pod) -> Iterator[Markup]:
    facts = pod_facts(pod)
    if facts:
        yield element("p", ", ".join(facts), class_="dim")
    if pod.verdict:
        yield element("p", pod.verdict, class_="verdict")
    if pod.top is not None:
        yield element("p", top_sentence(pod))


def _rest(pod: Pod, *, full: bool) -> Iterator[Markup]:
    scale = reach([pod.composition]) if pod.composition else None
    if pod.composition is not None and scale is not None:
        yield element("h3", f"Working set, {size(pod.composition.working_set_bytes)}")
        yield composition_part(pod.composition, scale, full=full)
    yield from limit_part(room_of(pod))
    yield from findings_part(pod.findings)
    if pod.summary is not None:
        yield element("p", depth_sentence(pod), class_="dim")
    elif pod.ladder is not None and pod.ladder.rungs:
        yield element("h3", ladder_title(pod))
        yield ladder_part(pod.ladder, full=full)
    yield from undecided_part(pod.undecided, unread_sentences(pod))
    for container in (*shown_apps(pod), *beside_apps(pod)):
        yield from _container(container, scale, full=full)
    yield from mappings_part(pod)
    yield from files_part(pod)
    yield from processes_part(pod)


def _container(container: Container, scale: Scale | None, *, full: bool) -> Iterator[Markup]:
    name = name_of(container.name)
    if container.composition is None:
        yield element("h3", "Container ", name, f": {absence(container)}")
        return
    yield element("h3", "Container ", name, f", {size(container.composition.working_set_bytes)}")
    yield composition_part(container.composition, _wider(container.composition, scale), full=full)
    if full and container.ladder is not None and container.ladder.rungs:
        title = element("summary", "From the processes up: container ", name)
        yield element("details", title, ladder_part(container.ladder))


def _wider(composition: Composition, scale: Scale | None) -> Scale:
    """Return the pod's scale, so that bars compare; one of its own for what is no part of the pod."""
    own = reach([composition])
    return own if scale is None else Scale(min(own.low, scale.low), max(own.high, scale.high))
