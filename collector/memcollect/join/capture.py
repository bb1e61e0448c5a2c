"""What every document says of itself, and how an agent's problem becomes an entry of `missing`. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from memcollect.documents.snapshot import Missing, Scope
from memcollect_agent import wire

REMEDIES = {
    "denied": "run as root, or give the agent SYS_PTRACE",
    "budget": "raise --timeout",
    "ceiling": "raise --process-ceiling",
    "not-found": "check that it runs on this node",
}


@dataclass(frozen=True, kw_only=True)
class Capture:
    """When, by what and for whom a document was taken."""

    label: str
    captured_at: str
    finished_at: str
    version: str = ""
    scope: Scope = field(default_factory=Scope)
    notes: list[str] = field(default_factory=list)


def missing_from_problem(problem: wire.Problem, node: str) -> Missing:
    """Return a problem that an agent reported, as the document lists it, with the remedy in its sentence."""
    remedy = REMEDIES.get(problem.reason)
    detail = f"{problem.detail}; {remedy}" if remedy else problem.detail
    return Missing(kind=problem.kind, name=problem.name, node=node, reason=problem.reason, detail=detail)
