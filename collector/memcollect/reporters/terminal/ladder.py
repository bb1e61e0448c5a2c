"""From what `ps` sums to what `kubectl top` says: the numbers, and between two of them their difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from memcollect.reporters.escape import visible
from memcollect.reporters.sizes import signed_size, size
from memcollect.reporters.terminal.lines import cut, left, paragraph, right
from memcollect.reporters.words import (
    CONFIDENCE_MARKS,
    CONFIDENCE_MEANINGS,
    residual_note,
    rung_label,
    sorted_terms,
    term_amount,
    term_label,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memcollect.documents.snapshot import Ladder, Residual, Rung, Step, Term

LABEL_WIDTH = 25
SIZE_WIDTH = 12
NOTE_INDENT = " " * 6
NO_MARK = " " * 3


def ladder_lines(ladder: Ladder, width: int, *, full: bool) -> Iterator[Text]:
    """Yield the rungs with the steps between them, then what the marks mean.

    When `full`, every term's evidence is written out below it, otherwise what fits beside it.
    """
    steps = {step.from_rung: step for step in ladder.steps}
    for rung in ladder.rungs:
        yield from _rung_lines(rung, width, full=full)
        if rung.rung in steps:
            yield from _step_lines(steps[rung.rung], width, full=full)
    yield from _legend(ladder, width)


def _rung_lines(rung: Rung, width: int, *, full: bool) -> Iterator[Text]:
    note = rung.source if rung.bytes is not None else rung.reason
    head = "  " + left(rung_label(rung.rung), LABEL_WIDTH) + right(size(rung.bytes), SIZE_WIDTH) + NO_MARK
    yield from _noted(head, note, width, full=full, style="bold")


def _step_lines(step: Step, width: int, *, full: bool) -> Iterator[Text]:
    for term in sorted_terms(step.terms):
        yield from _term_lines(term, width, full=full)
    yield from _residual_lines(step.residual, width, full=full)
    for undecided in step.undecided:
        text = f"not decided: {term_label(undecided.name)} ({undecided.missing}: {undecided.reason})"
        yield from (
            _styled(line, "yellow") for line in paragraph(text, width, indent="    ? ", first="    ? ")
        )


def _term_lines(term: Term, width: int, *, full: bool) -> Iterator[Text]:
    amount = signed_size(term.estimate_bytes)
    head = "    " + left(term_label(term.term), LABEL_WIDTH - 2) + right(amount, SIZE_WIDTH)
    head += f" {CONFIDENCE_MARKS[term.confidence]:<2}"
    spread = term_amount(term)
    note = ": ".join(part for part in (spread, term.evidence) if part)
    yield from _noted(head, note, width, full=full)


def _residual_lines(residual: Residual, width: int, *, full: bool) -> Iterator[Text]:
    """Yield the residual; one of nought that cannot be otherwise needs no line in the short view."""
    nothing = residual.low_bytes == residual.high_bytes == 0
    if nothing and residual.within_bound and not full:
        return
    amount = signed_size(residual.estimate_bytes)
    head = "    " + left("residual", LABEL_WIDTH - 2) + right(amount, SIZE_WIDTH) + NO_MARK
    note = f"{residual_note(residual)}" + (f": {residual.bound_reason}" if residual.bound_reason else "")
    style = "dim" if residual.within_bound else "bold red"
    yield from _noted(head, note, width, full=full, style=style)


def _noted(head: str, note: str, width: int, *, full: bool, style: str = "") -> Iterator[Text]:
    """Yield `head` and as much of `note` as fits beside it; when `full`, all of a longer one below."""
    line = Text(head, style=style)
    shown, room = visible(note), width - len(head) - 1
    if not full or len(shown) <= room:
        line.append(f" {cut(shown, room)}", style="not bold dim" if style != "bold red" else style)
        line.rstrip()
        yield line
        return
    line.rstrip()
    yield line
    yield from (_styled(extra, "dim") for extra in paragraph(note, width, indent=NOTE_INDENT))


def _legend(ladder: Ladder, width: int) -> Iterator[Text]:
    used = {term.confidence for step in ladder.steps for term in sorted_terms(step.terms)}
    meanings = [
        f"{mark} {CONFIDENCE_MEANINGS[confidence]}"
        for confidence, mark in CONFIDENCE_MARKS.items()
        if confidence in used
    ]
    if meanings:
        yield from (_styled(line, "dim") for line in paragraph("; ".join(meanings), width))


def _styled(line: Text, style: str) -> Text:
    line.stylize(style)
    return line
