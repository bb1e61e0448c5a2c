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
    from collections.abc import Set as AbstractSet

    from memcollect.documents.snapshot import Confidence, Ladder, Residual, Rung, Step, Term

LABEL_WIDTH = 25
SIZE_WIDTH = 12
NOTE_INDENT = " " * 6
NO_MARK = " " * 3


def ladder_lines(ladder: Ladder, width: int, *, full: bool) -> Iterator[Text]:
    """Yield the rungs with the steps between them, then what the marks mean.

    When `full`, with all evidence written out; else as `_brief_lines` does.
    """
    if not full:
        yield from _brief_lines(ladder, width)
        return
    steps = {step.from_rung: step for step in ladder.steps}
    for rung in ladder.rungs:
        yield from _rung_lines(rung, width, full=True)
        if rung.rung in steps:
            yield from _step_lines(steps[rung.rung], width)
    yield from _legend({term.confidence for step in ladder.steps for term in sorted_terms(step.terms)}, width)


def _brief_lines(ladder: Ladder, width: int) -> Iterator[Text]:
    """Yield the rungs with what is large between them, and all that is small in one line of each step.

    Large is a hundredth of the largest rung. A residual within its bound is small where it is smaller.
    """
    steps = {step.from_rung: step for step in ladder.steps}
    least = max((rung.bytes or 0 for rung in ladder.rungs), default=0) / 100
    used: set[Confidence] = set()
    for rung in ladder.rungs:
        yield from _rung_lines(rung, width, full=False)
        if rung.rung in steps:
            step = steps[rung.rung]
            large = [term for term in sorted_terms(step.terms) if abs(term.estimate_bytes) >= least]
            used |= {term.confidence for term in large}
            yield from _brief_step_lines(step, large, least, width)
    yield from _legend(used, width)


def _brief_step_lines(step: Step, large: list[Term], least: float, width: int) -> Iterator[Text]:
    for term in large:
        yield from _term_lines(term, width, full=False)
    small = [term for term in sorted_terms(step.terms) if term not in large]
    folded = sum(term.estimate_bytes for term in small)
    residual = step.residual
    if residual.within_bound and abs(residual.estimate_bytes) < least:
        folded += residual.estimate_bytes
        names = [
            *(term_label(term.term) for term in small),
            *(["residual"] if residual.estimate_bytes else []),
        ]
    else:
        names = [term_label(term.term) for term in small]
    if names:
        label = f"{len(names)} smaller terms" if len(names) > 1 else names[0]
        head = "    " + left(label, LABEL_WIDTH - 2) + right(signed_size(folded), SIZE_WIDTH) + NO_MARK
        yield from _noted(head, ", ".join(names) if len(names) > 1 else "", width, full=False, style="dim")
    if not residual.within_bound or abs(residual.estimate_bytes) >= least:
        yield from _residual_lines(residual, width, full=False)
    if step.undecided:
        names = [term_label(each.name) for each in step.undecided]
        yield from _undecided_lines(f"not decided: {', '.join(names)} (why: --full)", width)


def _rung_lines(rung: Rung, width: int, *, full: bool) -> Iterator[Text]:
    note = rung.source if rung.bytes is not None else rung.reason
    head = "  " + left(rung_label(rung.rung), LABEL_WIDTH) + right(size(rung.bytes), SIZE_WIDTH) + NO_MARK
    yield from _noted(head, note, width, full=full, style="bold")


def _step_lines(step: Step, width: int) -> Iterator[Text]:
    for term in sorted_terms(step.terms):
        yield from _term_lines(term, width, full=True)
    yield from _residual_lines(step.residual, width, full=True)
    for undecided in step.undecided:
        text = f"not decided: {term_label(undecided.name)} ({undecided.missing}: {undecided.reason})"
        yield from _undecided_lines(text, width)


def _undecided_lines(text: str, width: int) -> Iterator[Text]:
    lines = paragraph(text, width, indent="    ? ", first="    ? ")
    return (_styled(line, "yellow") for line in lines)


def _term_lines(term: Term, width: int, *, full: bool) -> Iterator[Text]:
    amount = signed_size(term.estimate_bytes)
    head = "    " + left(term_label(term.term), LABEL_WIDTH - 2) + right(amount, SIZE_WIDTH)
    head += f" {CONFIDENCE_MARKS[term.confidence]:<2}"
    spread = term_amount(term)
    note = ": ".join(part for part in (spread, term.evidence) if part)
    yield from _noted(head, note, width, full=full)


def _residual_lines(residual: Residual, width: int, *, full: bool) -> Iterator[Text]:
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


def _legend(used: AbstractSet[Confidence], width: int) -> Iterator[Text]:
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
