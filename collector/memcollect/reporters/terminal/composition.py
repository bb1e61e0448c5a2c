"""The working set taken apart: a bar, a size, a share and what the kernel could do about each term."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from memcollect.accounting.reclaim import DROPPABLE
from memcollect.reporters.sizes import interval, share, short_size, size
from memcollect.reporters.terminal.lines import bar, left, paragraph, right
from memcollect.reporters.words import (
    CONFIDENCE_MARKS,
    beside_hint,
    beside_working_set,
    reclaim_hint,
    residual_note,
    sorted_terms,
    term_label,
    zero_terms,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memcollect.documents.snapshot import Composition, Residual, SwapRoom, Term

LABEL_WIDTH = 24
SIZE_WIDTH = 11
SHARE_WIDTH = 6
HINT_WIDTH = 20
STYLES: dict[str, str] = {
    **dict.fromkeys(DROPPABLE, "green"),
    **dict.fromkeys(("write-back", "swap-only"), "yellow"),
    **dict.fromkeys(("locked", "no"), "red"),
}
SIGNIFICANT_SHARE = 1000
"""Terms below a thousandth of the working set share one line in the short view."""


def composition_lines(composition: Composition, width: int, *, full: bool) -> Iterator[Text]:
    """Yield the composition's lines; every term on its own line when `full`."""
    whole = composition.working_set_bytes
    terms = sorted_terms(composition.terms)
    shown, small = (terms, []) if full else _split(terms, whole)
    for term in shown:
        yield _term_line(term, whole, width, composition.swap_room)
    if small:
        yield _small_line(small, whole, width)
    yield from _residual_lines(composition.residual, whole, width)
    for term in beside_working_set(composition):
        yield _beside_line(term, composition, width)
    none = zero_terms(composition.terms)
    if none:
        yield from paragraph(f"0 B each: {', '.join(none)}", width)


def _split(terms: list[Term], whole: int) -> tuple[list[Term], list[Term]]:
    """Return the terms worth a line and the traces; a lone trace is worth one too."""
    large = [term for term in terms if abs(term.high_bytes) * SIGNIFICANT_SHARE >= whole]
    small = [term for term in terms if abs(term.high_bytes) * SIGNIFICANT_SHARE < whole]
    return (terms, []) if len(small) < 2 else (large, small)


def _beside_line(term: Term, composition: Composition, width: int) -> Text:
    mark = CONFIDENCE_MARKS[term.confidence] if term.confidence != "measured" else ""
    label = left(f"+ {term_label(term.term)}", LABEL_WIDTH)
    bar_width = max(width - 2 - LABEL_WIDTH - SIZE_WIDTH - SHARE_WIDTH - HINT_WIDTH, 0)
    amount = right(size(term.estimate_bytes), SIZE_WIDTH)
    line = Text(f"  {label}{' ' * bar_width}{amount}{' ' * SHARE_WIDTH}")
    return _with_note(line, f"{mark:<2} {beside_hint(term, composition)}", "dim")


def _term_line(term: Term, whole: int, width: int, room: SwapRoom) -> Text:
    hint = reclaim_hint(term, room)
    mark = CONFIDENCE_MARKS[term.confidence] if term.confidence != "measured" else ""
    style = STYLES.get(term.reclaimable or "", "cyan")
    line = _numbers(term_label(term.term), term.estimate_bytes, whole, width, style)
    return _with_note(line, f"{mark:<2} {hint}", "dim")


def _small_line(terms: list[Term], whole: int, width: int) -> Text:
    total = sum(term.estimate_bytes for term in terms)
    return _numbers(f"{len(terms)} terms under 0.1 %", total, whole, width, "cyan")


def _residual_lines(residual: Residual, whole: int, width: int) -> Iterator[Text]:
    bound = f"{short_size(residual.bound_low_bytes)}..{short_size(residual.bound_high_bytes)}"
    style, note = ("dim", f"in {bound}") if residual.within_bound else ("bold red", "OUTSIDE bound")
    line = _numbers("residual", residual.estimate_bytes, whole, width, style)
    yield _with_note(line, f"   {note}", style)
    if not residual.within_bound:
        spread = interval(residual.low_bytes, residual.high_bytes)
        yield from paragraph(f"residual {spread}: {residual_note(residual)}; {residual.bound_reason}", width)


def _numbers(label: str, amount: int, whole: int, width: int, style: str) -> Text:
    bar_width = max(width - 2 - LABEL_WIDTH - SIZE_WIDTH - SHARE_WIDTH - HINT_WIDTH, 0)
    line = Text("  " + left(label, LABEL_WIDTH))
    line.append(left(bar(amount, whole, bar_width), bar_width), style=style)
    return line.append(right(size(amount), SIZE_WIDTH) + right(share(amount, whole), SHARE_WIDTH))


def _with_note(line: Text, note: str, style: str) -> Text:
    line.append(f" {note}".rstrip(), style=style)
    return line
