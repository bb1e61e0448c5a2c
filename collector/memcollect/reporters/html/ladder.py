"""From what `ps` sums to what `kubectl top` says: the numbers as a table, each row drawn beside it. Pure."""

from __future__ import annotations

from typing import NamedTuple

from memcollect.documents.snapshot import Ladder, Residual, Rung, Term, Undecided
from memcollect.reporters.html.composition import small
from memcollect.reporters.html.markup import Markup, element, joined
from memcollect.reporters.html.tables import Column, row_of
from memcollect.reporters.html.waterfall import Stage, reach, stage_picture, stages
from memcollect.reporters.sizes import UNKNOWN, signed_size, size
from memcollect.reporters.words import (
    CONFIDENCE_MARKS,
    CONFIDENCE_MEANINGS,
    residual_amount,
    residual_note,
    rung_label,
    term_amount,
    term_label,
)

COLUMNS = (Column("From processes to charge"), Column("Bytes"), Column("Picture"))
NODE_COLUMNS = (Column("From MemAvailable to kubectl top node"), *COLUMNS[1:])


class _Words(NamedTuple):
    label: str
    number: str
    note: str
    mark: str = ""
    class_: str | None = None


def ladder_part(ladder: Ladder, *, full: bool = True, columns: tuple[Column, ...] = COLUMNS) -> Markup:
    """Return the table of rungs and steps with its picture, then what the marks mean."""
    scale, found = reach(ladder), list(stages(ladder, full=full))
    rows = []
    for place, stage in enumerate(found):
        drawn = stage_picture(stage, scale, last=place == len(found) - 1)
        rows.append(_row(_words(stage), drawn))
    head = element("tr", *(element("th", each.title, scope="col", class_=each.classes) for each in columns))
    return joined(
        [
            element("table", element("thead", head), element("tbody", *rows), class_="ladder"),
            element("p", _legend(), class_="dim"),
        ]
    )


def _row(words: _Words, drawn: Markup) -> Markup:
    number = joined([words.number, element("b", words.mark) if words.mark else ""])
    return row_of(COLUMNS, [joined([words.label, small(words.note)]), number, drawn], class_=words.class_)


def _words(stage: Stage) -> _Words:
    about = stage.about
    if isinstance(about, Rung):
        note = about.source if about.bytes is not None else about.reason
        return _Words(rung_label(about.rung), size(about.bytes), note, class_="rung")
    if isinstance(about, Term):
        note = ": ".join(part for part in (term_amount(about), about.evidence) if part)
        return _Words(
            term_label(about.term),
            signed_size(about.estimate_bytes),
            note,
            CONFIDENCE_MARKS[about.confidence],
        )
    if isinstance(about, Undecided):
        note = f"not decided: {about.missing}: {about.reason}"
        return _Words(term_label(about.name), UNKNOWN, note, class_="open")
    return _residual(about)


def _residual(residual: Residual) -> _Words:
    parts = (residual_amount(residual), residual_note(residual), residual.bound_reason)
    note = ": ".join(part for part in parts if part)
    class_ = None if residual.within_bound else "bad"
    return _Words(term_label("residual"), signed_size(residual.estimate_bytes), note, class_=class_)


def _legend() -> str:
    return "; ".join(f"{mark} {CONFIDENCE_MEANINGS[name]}" for name, mark in CONFIDENCE_MARKS.items())
