"""The ladder as a picture: where each rung reaches, and from where to where each term goes. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from memcollect.documents.snapshot import Ladder, Residual, Rung, Step, Term, Undecided
from memcollect.reporters.html.colours import class_of
from memcollect.reporters.html.markup import NOTHING, Markup, element
from memcollect.reporters.html.shapes import Scale, bar, picture, whisker
from memcollect.reporters.sizes import interval, size
from memcollect.reporters.words import sorted_terms

MIDDLE = 12
"""Where the style puts the middle of a row's bar, in pixels from the row's top."""


class Stage(NamedTuple):
    """A row of the waterfall: a rung from nought to its number, or a term from level to level."""

    about: Rung | Term | Residual | Undecided
    start: int = 0
    end: int = 0
    ends: tuple[int, int] | None = None
    """Between which levels it certainly ends, where that is an interval."""


def stages(ladder: Ladder, *, full: bool = True) -> Iterator[Stage]:
    """Yield the rows in order: a rung, then what lies between it and the next.

    Unless `full`, a residual of nought that cannot be otherwise has no row.
    """
    steps = {step.from_rung: step for step in ladder.steps}
    for rung in ladder.rungs:
        yield Stage(rung, 0, rung.bytes or 0)
        if rung.rung in steps:
            yield from _step(steps[rung.rung], rung.bytes or 0, full=full)


def _step(step: Step, level: int, *, full: bool) -> Iterator[Stage]:
    residual = step.residual
    nothing = residual.low_bytes == residual.high_bytes == 0 and residual.within_bound
    parts: list[Term | Residual] = [*sorted_terms(step.terms)]
    if full or not nothing:
        parts.append(residual)
    for part in parts:
        start, level = level, level + part.estimate_bytes
        spread = part.low_bytes != part.high_bytes
        ends = (start + part.low_bytes, start + part.high_bytes) if spread else None
        yield Stage(part, start, level, ends)
    yield from (Stage(each, level, level) for each in step.undecided)


def reach(ladder: Ladder) -> Scale:
    """Return the scale on which every level and every interval has room."""
    levels = [0]
    for stage in stages(ladder):
        levels += [stage.start, stage.end, *(stage.ends or ())]
    return Scale(min(levels), max(levels))


def stage_picture(stage: Stage, scale: Scale, *, last: bool) -> Markup:
    """Return the row's part of the picture: a bar, and from its end a line down to the next row's."""
    about = stage.about
    falling = NOTHING if last else element("rect", class_="level", x=scale.at(stage.end))
    if isinstance(about, Undecided):
        return picture("not decided", falling)
    if isinstance(about, Rung):
        if about.bytes is None:
            return NOTHING
        return picture(size(about.bytes), bar(scale, (0, stage.end), "rung"), falling)
    drawn = bar(scale, (stage.start, stage.end), _class(about)) if stage.start != stage.end else NOTHING
    spread = whisker(scale, stage.ends, y=MIDDLE, reach=MIDDLE - 4) if stage.ends else NOTHING
    return picture(_sentence(stage), falling, drawn, spread)


def _class(about: Term | Residual) -> str:
    return class_of(about.term) if isinstance(about, Term) else "rest"


def _sentence(stage: Stage) -> str:
    way = f"from {size(stage.start)} to {size(stage.end)}"
    return f"{way}, certainly to {interval(*stage.ends, signed=True)}" if stage.ends else way
