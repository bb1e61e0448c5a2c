"""Checks as data, and the one loop that makes them: facts -> verdicts. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Generic, Literal, TypeVar

from msgspec import Struct

from memcollect.doctor.result import Finding, Report, Result, Status, Summary

Facts = TypeVar("Facts")


class Check(Struct, Generic[Facts], frozen=True):
    """One question about a set-up."""

    name: str
    title: str
    """As a table's column shows it: at most 14 characters."""
    judge: Callable[[Facts], Finding]
    needs: tuple[str, ...] = ()
    """Names of earlier checks without whose success this one means nothing."""


def diagnose(
    facts: Facts,
    checks: Sequence[Check[Facts]],
    *,
    tool: str,
    mode: Literal["cluster", "local"],
    checked_at: str,
) -> Report:
    """Return the report of all `checks`, in their order."""
    results = judged(facts, checks)
    count = Counter(result.status for result in results)
    worst: Status = "fail" if count["fail"] else "warn" if count["warn"] else "ok"
    summary = Summary(ok=count["ok"], warn=count["warn"], fail=count["fail"], skipped=count["skipped"])
    return Report(tool=tool, mode=mode, checked_at=checked_at, status=worst, summary=summary, results=results)


def judged(facts: Facts, checks: Sequence[Check[Facts]]) -> list[Result]:
    """Return one result for each check. Raises KeyError where a check needs one that is not before it."""
    roots: dict[str, Check[Facts] | None] = {}
    results = []
    for check in checks:
        # Of a chain of skipped checks the first is named: it is what has to be mended.
        root = next((roots[name] for name in check.needs if roots[name] is not None), None)
        if root is not None:
            results.append(_skipped(check, root))
            roots[check.name] = root
            continue
        finding = check.judge(facts)
        results.append(_result(check, finding))
        roots[check.name] = check if finding.is_blocking else None
    return results


def _skipped(check: Check[Facts], root: Check[Facts]) -> Result:
    sentence = f'Not checked, because of "{root.title}".'
    return Result(check=check.name, title=check.title, status="skipped", sentence=sentence, because=root.name)


def _result(check: Check[Facts], finding: Finding) -> Result:
    return Result(
        check=check.name,
        title=check.title,
        status=finding.status,
        sentence=finding.sentence,
        remedy=finding.remedy,
        commands=list(finding.commands),
        items=list(finding.items),
    )
