"""The working set taken apart: a bar, a size, a share and what the kernel could do about each term."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from memcollect.reporters.sizes import interval, share, short_size, size
from memcollect.reporters.terminal.lines import bar, left, paragraph, right
from memcollect.reporters.words import (
    CONFIDENCE_MARKS,
    RECLAIM_HINTS,
    residual_note,
    sorted_terms,
    term_label,
    zero_terms,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memcollect.documents.snapshot import Composition, Residual, Term

LABEL_WIDTH = 24
SIZE_WIDTH = 11
SHARE_WIDTH = 6
HINT_WIDTH = 20
STYLES = {"yes": "green", "mostly": "green", "under-pressure": "green", "swap-only": "yellow", "no": "red"}
SIGNIFICANT_SHARE = 1000
"""Terms below a thousandth of the working set share one line in the short view."""


def composition_lines(composition: Composition, width: int, *, full: bool) -> Iterator[Text]:
    """Yield the composition's lines; every term on its own line when `full`."""
    whole = composition.working_set_bytes
    terms = sorted_terms(composition.terms)
    shown, small = (terms, []) if full else _split(terms, whole)
    for term in shown:
        yield _term_line(term, whole, width)
    if small:
        yield _small_line(small, whole, width)
    yield from _residual_lines(composition.residual, whole, width)
    none = zero_terms(composition.terms)
    if none:
        yield from paragraph(f"0 B each: {', '.join(none)}", width)


def _split(terms: list[Term], whole: int) -> tuple[list[Term], list[Term]]:
    """Return the terms worth a line and the traces; a lone trace is worth one too."""
    large = [term for term in terms if abs(term.high_bytes) * SIGNIFICANT_SHARE >= whole]
    small = [term for term in terms if abs(term.high_bytes) * SIGNIFICANT_SHARE < whole]
    return (terms, []) if len(small) < 2 else (large, small)


def _term_line(term: Term, whole: int, width: int) -> Text:
    hint = RECLAIM_HINTS.get(term.reclaimable or "", "")
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
