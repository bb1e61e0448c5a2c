"""The working set taken apart: the bar, and beside it the same numbers. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from memcollect.accounting.reclaim import DROPPABLE
from memcollect.documents.snapshot import Composition, Residual, SwapRoom, Term
from memcollect.reporters.html.bars import large_bar
from memcollect.reporters.html.colours import class_of
from memcollect.reporters.html.markup import Markup, element, joined
from memcollect.reporters.html.shapes import Scale
from memcollect.reporters.html.tables import Column, table
from memcollect.reporters.sizes import share, size
from memcollect.reporters.words import (
    beside_hint,
    beside_working_set,
    reclaim_hint,
    residual_amount,
    residual_note,
    sorted_terms,
    term_amount,
    term_label,
    zero_terms,
)

# Which cells stand to the right says the style here: a class for each would be a tenth of a large page.
COLUMNS = (
    Column("Term"),
    Column("Size"),
    Column("Share"),
    Column("Certainty"),
    Column("Under pressure"),
)


def composition_part(
    composition: Composition, scale: Scale, *, full: bool = True, whole_name: str = "working set"
) -> Markup:
    """Return the bar, the table of its terms, and what was measured and holds nothing."""
    none = zero_terms(composition.terms)
    return joined(
        [
            large_bar(composition, scale, full=full, whole_name=whole_name),
            table(COLUMNS, _rows(composition), class_="terms"),
            element("p", f"0 B each: {', '.join(none)}", class_="dim") if none else "",
        ]
    )


def swatch(term: str, *, hatched: bool) -> Markup:
    """Return the colour of a term, as it stands before the term's name."""
    return element("i", class_=class_of(term) + (" hatched" if hatched else ""))


def _rows(composition: Composition) -> Iterator[list[str]]:
    whole = composition.working_set_bytes
    for term in sorted_terms(composition.terms):
        yield _term(term, whole, composition.swap_room)
    yield _residual(composition.residual, whole)
    for term in beside_working_set(composition):
        yield _beside(term, composition)


def _beside(term: Term, composition: Composition) -> list[str]:
    hatched = term.reclaimable in DROPPABLE
    label = joined([swatch(term.term, hatched=hatched), f"+ {term_label(term.term)}"])
    amount = joined([size(term.estimate_bytes), small(term_amount(term))])
    return [label, amount, "", term.confidence, beside_hint(term, composition)]


def _term(term: Term, whole: int, room: SwapRoom) -> list[str]:
    label = joined([swatch(term.term, hatched=term.reclaimable in DROPPABLE), term_label(term.term)])
    amount = joined([size(term.estimate_bytes), small(term_amount(term))])
    hint = reclaim_hint(term, room)
    return [label, amount, share(term.estimate_bytes, whole), term.confidence, hint]


def _residual(residual: Residual, whole: int) -> list[str]:
    note = joined([residual_note(residual), small(residual.bound_reason)])
    label = joined([swatch("residual", hatched=False), term_label("residual")])
    amount = joined([size(residual.estimate_bytes), small(residual_amount(residual))])
    part = share(residual.estimate_bytes, whole)
    return [label, amount, part, note if residual.within_bound else element("strong", note, class_="bad"), ""]


def small(text: str) -> Markup:
    """Return what stands below, smaller; nothing where there is no text."""
    return element("small", text) if text else Markup("")
