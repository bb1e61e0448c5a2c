"""The pieces that every Markdown report is made of: headings, tables, terms, ladders, findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memcollect.reporters.escape import markdown, markdown_code
from memcollect.reporters.sizes import UNKNOWN, share, signed_size, size
from memcollect.reporters.words import (
    CONFIDENCE_MARKS,
    CONFIDENCE_MEANINGS,
    beside_hint,
    beside_working_set,
    finding_amount,
    findings_by_weight,
    reclaim_hint,
    residual_note,
    rung_label,
    sorted_terms,
    term_amount,
    term_label,
    undecided_by_reason,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from memcollect.documents.snapshot import Composition, Finding, Ladder, Step, Term, Undecided

COMPOSITION = ("Term", "Size", "Share", "Certainty", "Under pressure")
LADDER = ("Bytes", "", "Source or evidence")


def composition_rows(composition: Composition, whole_name: str = "working set") -> Iterator[str]:
    """Yield a table of the terms, the residual and the whole."""
    whole, residual = composition.working_set_bytes, composition.residual
    yield ""
    yield from table_head(COMPOSITION, numbers=2, first=1)
    for term in sorted_terms(composition.terms):
        amount = _amount(term)
        hint = reclaim_hint(term, composition.swap_room)
        label = markdown(term_label(term.term))
        yield table_row([label, amount, share(term.estimate_bytes, whole), term.confidence, hint])
    amount = size(residual.estimate_bytes)
    yield table_row(["residual", amount, share(residual.estimate_bytes, whole), residual_note(residual), ""])
    yield table_row([f"**{whole_name}**", f"**{size(whole)}**", "", "", ""])
    for term in beside_working_set(composition):
        amount = _amount(term)
        label = markdown(f"+ {term_label(term.term)}")
        yield table_row([label, amount, "", term.confidence, beside_hint(term, composition)])


def _amount(term: Term) -> str:
    """Return the estimate, which is what every sum is made of, and the interval where it is one."""
    known = term_amount(term)
    return f"{size(term.estimate_bytes)} ({known})" if known else size(term.estimate_bytes)


def ladder_rows(ladder: Ladder, title: str = "From processes to charge") -> Iterator[str]:
    """Yield a table of the rungs with what lies between them, then what the marks mean."""
    steps = {step.from_rung: step for step in ladder.steps}
    yield ""
    yield from table_head((title, *LADDER), numbers=1, first=1)
    for rung in ladder.rungs:
        note = rung.source if rung.bytes is not None else rung.reason
        label = markdown(rung_label(rung.rung))
        yield table_row([f"**{label}**", f"**{size(rung.bytes)}**", "", markdown(note)])
        if rung.rung in steps:
            yield from _step(steps[rung.rung])
    yield ""
    yield "; ".join(f"{mark} {CONFIDENCE_MEANINGS[name]}" for name, mark in CONFIDENCE_MARKS.items())


def _step(step: Step) -> Iterator[str]:
    for term in sorted_terms(step.terms):
        evidence = ": ".join(part for part in (term_amount(term), markdown(term.evidence)) if part)
        mark = CONFIDENCE_MARKS[term.confidence].replace("~", r"\~")
        yield table_row([markdown(term_label(term.term)), signed_size(term.estimate_bytes), mark, evidence])
    residual = step.residual
    note = f"{residual_note(residual)}: {markdown(residual.bound_reason)}".removesuffix(": ")
    yield table_row(["residual", signed_size(residual.estimate_bytes), "", note])
    for undecided in step.undecided:
        why = markdown(f"not decided: {undecided.missing}: {undecided.reason}")
        yield table_row([markdown(term_label(undecided.name)), UNKNOWN, "", why])


def findings_items(findings: list[Finding]) -> Iterator[str]:
    """Yield the findings as a list, the gravest first; nothing where there is none."""
    if not findings:
        return
    yield from subsection("What is worth knowing")
    for finding in findings_by_weight(findings):
        scope = "" if finding.scope in {"pod", "node"} else f"{markdown_code(finding.scope)}: "
        yield f"- **{finding.severity}** {scope}{markdown(finding.sentence)}"
        proof = ": ".join(part for part in (finding_amount(finding), markdown(finding.evidence)) if part)
        yield from (f"  - {text}" for text in (proof, markdown(finding.remedy)) if text)


def section(title: str) -> tuple[str, str, str]:
    """Return the lines of a heading."""
    return "", f"## {title}", ""


def subsection(title: str) -> tuple[str, str, str]:
    """Return the lines of a smaller heading."""
    return "", f"### {title}", ""


def table_head(titles: tuple[str, ...], *, numbers: int, first: int = 1) -> Iterator[str]:
    """Yield the heading; `numbers` columns from `first` on are set to the right."""
    yield table_row(titles)
    rules = ["---:" if first <= index < first + numbers else "---" for index in range(len(titles))]
    yield table_row(rules)


def table_row(cells: Iterable[str]) -> str:
    """Return the row; every cell must have been escaped."""
    return f"| {' | '.join(cells)} |"


def undecided_items(undecided: list[Undecided]) -> Iterator[str]:
    """Yield what could not be decided, by reason; nothing where all could."""
    if not undecided:
        return
    yield from subsection("What could not be decided")
    for labels, missing, reason in undecided_by_reason(undecided):
        facts = ", ".join(map(markdown_code, missing))
        yield f"- {markdown(', '.join(labels))}: {markdown(reason)} ({facts})"
