"""The working set as one bar: its terms side by side, the residual last. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from memcollect.accounting.reclaim import DROPPABLE
from memcollect.documents.snapshot import Composition
from memcollect.reporters.html.colours import class_of, place_of
from memcollect.reporters.html.markup import Markup
from memcollect.reporters.html.shapes import Scale, bar, picture, upright, whisker
from memcollect.reporters.sizes import share, size
from memcollect.reporters.words import residual_amount, sorted_terms, term_label

TALL, LOW = 26, 10
HEIGHT_WITH_WHISKER = 42
SEEN_FROM = 0.4
"""A residual of fewer percent of the picture is drawn as a stroke, so that it can be seen at all."""
NAMED_TERMS = 3


class Segment(NamedTuple):
    """A part of the bar, from one number of bytes to the next; leftwards where the part is negative."""

    term: str
    start: int
    end: int
    reclaimable: bool = False


def segments(composition: Composition) -> Iterator[Segment]:
    """Yield the parts: each begins where the one before ends, and the last ends at the working set."""
    end = 0
    for term in sorted(composition.terms, key=lambda each: place_of(each.term)):
        start, end = end, end + term.estimate_bytes
        yield Segment(term.term, start, end, term.reclaimable in DROPPABLE)
    yield Segment("residual", end, end + composition.residual.estimate_bytes)


def reach(compositions: Iterable[Composition]) -> Scale:
    """Return the scale on which all these bars, and the intervals of their residuals, have room."""
    ends = [0]
    for each in compositions:
        ends += [part.end for part in segments(each)]
        ends += residual_ends(each)
    return Scale(min(ends), max(ends))


def residual_ends(composition: Composition) -> tuple[int, int]:
    """Return between which numbers the residual begins; it ends at the working set, which is known."""
    whole, residual = composition.working_set_bytes, composition.residual
    return whole - residual.high_bytes, whole - residual.low_bytes


def large_bar(
    composition: Composition, scale: Scale, *, full: bool = True, whole_name: str = "working set"
) -> Markup:
    """Return the bar of a pod's section; an interval that holds the residual is drawn below it.

    When `full`, each segment says what it is below a pointer.
    """
    parts = segments(composition)
    shapes = [shape for part in parts for shape in _part(part, scale, TALL, titled=full)]
    ends, text = residual_ends(composition), _summary(composition, whole_name)
    if ends[0] == ends[1]:
        return picture(text, *shapes, height=TALL, class_="stack")
    shapes.append(whisker(scale, ends, y=TALL + 8))
    text = f"{text}; residual {residual_amount(composition.residual)}"
    return picture(text, *shapes, height=HEIGHT_WITH_WHISKER, class_="stack")


def thin_bar(composition: Composition, scale: Scale) -> Markup:
    """Return the bar of the overview."""
    shapes = [shape for part in segments(composition) for shape in _part(part, scale, LOW, titled=False)]
    return picture(_summary(composition), *shapes, height=LOW, class_="stack")


def _part(part: Segment, scale: Scale, height: int, *, titled: bool) -> Iterator[Markup]:
    if part.start == part.end:
        return
    ends = (part.start, part.end)
    negative = " back" if part.end < part.start else ""
    title = f"{term_label(part.term)} {size(part.end - part.start)}" if titled else ""
    yield bar(scale, ends, class_of(part.term) + negative, height=height, title=title)
    if part.reclaimable:
        yield bar(scale, ends, "hatch", height=height)
    if part.term == "residual" and abs(scale.percent(part.end) - scale.percent(part.start)) < SEEN_FROM:
        yield upright(scale, part.end, "trace", top="0", bottom=str(height))


def _summary(composition: Composition, whole_name: str = "working set") -> str:
    whole = composition.working_set_bytes
    terms = sorted_terms(composition.terms)[:NAMED_TERMS]
    parts = [f"{term_label(each.term)} {share(each.estimate_bytes, whole)}".rstrip() for each in terms]
    return ": ".join(part for part in (f"{whole_name} {size(whole)}", ", ".join(parts)) if part)
