"""What is worth knowing, and what could not be decided: of a pod or of a node. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from memcollect.documents.snapshot import Finding, Undecided
from memcollect.reporters.html.composition import small
from memcollect.reporters.html.markup import Markup, element, items, joined, name_of
from memcollect.reporters.words import (
    SEVERITY_MARKS,
    finding_proof,
    findings_by_weight,
    undecided_by_reason,
)

WHOLE = frozenset({"pod", "node"})
"""Scopes that are the thing itself, and need no name."""


def findings_part(findings: list[Finding]) -> Iterator[Markup]:
    """Yield the findings, the gravest first; nothing where there is none."""
    if findings:
        yield element("h3", "What is worth knowing")
        yield element("ul", *map(_finding, findings_by_weight(findings)), class_="findings")


def _finding(finding: Finding) -> Markup:
    scope = [] if finding.scope in WHOLE else [name_of(finding.scope), ": "]
    severity = element("b", f"{SEVERITY_MARKS[finding.severity]} {finding.severity}")
    proof = finding_proof(finding)
    remedy = element("span", f"→ {finding.remedy}", class_="remedy") if finding.remedy else ""
    return element(
        "li", severity, " ", *scope, finding.sentence, small(proof), remedy, class_=finding.severity
    )


def undecided_part(undecided: list[Undecided], unread: Sequence[str]) -> Iterator[Markup]:
    """Yield what could not be decided, and sentences on what could not be read; nothing where all could."""
    open_ = [
        joined([", ".join(labels), f": {reason}", small(", ".join(missing))])
        for labels, missing, reason in undecided_by_reason(undecided)
    ]
    open_ += [joined([sentence]) for sentence in unread]
    if open_:
        yield element("h3", "What could not be decided")
        yield items(open_, class_="undecided")
