"""What is worth knowing, and what could not be decided: of a pod or of a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from memcollect.reporters.terminal.lines import paragraph
from memcollect.reporters.words import (
    SEVERITY_MARKS,
    finding_proof,
    findings_by_weight,
    undecided_by_reason,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memcollect.documents.snapshot import Finding, Undecided

SEVERITY_STYLES = {"info": "", "notice": "bold", "warning": "bold yellow", "critical": "bold red"}
WHOLE = frozenset({"pod", "node"})
"""Scopes that are the thing itself, and need no name."""


def findings_lines(findings: list[Finding], width: int, *, full: bool = True) -> Iterator[Text]:
    """Yield the findings, the gravest first; nothing where there is none.

    When `full`, each with its proof and remedy; else with the remedy of those that are no mere information.
    """
    if not findings:
        return
    yield from section("What is worth knowing")
    for finding in findings_by_weight(findings):
        yield from _finding(finding, width, full=full)


def _finding(finding: Finding, width: int, *, full: bool) -> Iterator[Text]:
    """Yield the sentence, then the amount with its proof, then the remedy."""
    mark, style = SEVERITY_MARKS[finding.severity], SEVERITY_STYLES[finding.severity]
    scope = "" if finding.scope in WHOLE else f"{finding.scope}: "
    for line in paragraph(scope + finding.sentence, width, indent="    ", first=f"  {mark} "):
        line.stylize(style)
        yield line
    proof = finding_proof(finding)
    if proof and full:
        yield from (dim(line) for line in paragraph(proof, width, indent="    "))
    if finding.remedy and (full or finding.severity != "info"):
        yield from paragraph(finding.remedy, width, indent="      ", first="    → ")


def undecided_lines(undecided: list[Undecided], unread: Sequence[str], width: int) -> Iterator[Text]:
    """Yield what could not be decided, and sentences on what could not be read; nothing where all could."""
    if not undecided and not unread:
        return
    yield from section("What could not be decided")
    for labels, missing, reason in undecided_by_reason(undecided):
        text = f"{', '.join(labels)}: {reason} ({', '.join(missing)})"
        yield from paragraph(text, width, indent="    ", first="  ? ")
    for text in unread:
        yield from paragraph(text, width, indent="    ", first="  ? ")


def section(title: str) -> Iterator[Text]:
    """Yield a heading with a line before it."""
    yield Text()
    yield Text(title, style="bold cyan")


def dim(line: Text) -> Text:
    """Return the line, dimmed."""
    line.stylize("dim")
    return line
