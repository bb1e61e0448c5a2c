"""A document's verdicts held against what stands beside them: none is better than its own record. Pure.

Most of what a check saw is kept whole. Where the check is one of this program's catalogue, its demands are
held against that once more. What was too long to be kept, or is masked, decides nothing here.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable, Mapping

import msgspec

from memcollect.evidence.catalogue import ROWS, SHA256
from memcollect.evidence.checks import Check
from memcollect.evidence.contents import Bulk, Material, made
from memcollect.evidence.demands import (
    Answered,
    Bytes,
    Demand,
    Finds,
    Header,
    Holds,
    HoldsOrSays,
    Matched,
    OomIsTold,
    Same,
    Says,
    named,
)
from memcollect.evidence.document import (
    KEPT_CHARACTERS,
    KEPT_PATHS,
    CheckResult,
    Evidence,
    KeptStep,
    RowResult,
)
from memcollect.evidence.judging import MARKS, WORST_FIRST, Judged, judge
from memcollect.evidence.port import Match
from memcollect.evidence.seen import Seen
from memcollect.evidence.steps import Step, Together
from memcollect.secrecy import MASK

_CANARY = re.compile(rb"canary-[0-9a-f]{16}")
_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")
_LARGE = Bulk(50 << 20)
_CHECKS: Mapping[tuple[str, str], Check] = {
    (row.name, each.name): each for row in ROWS for each in row.checks
}


def believed(document: Evidence) -> Evidence:
    """Return the document with no verdict that is better than its record; of another catalogue as it is."""
    if document.catalogue.sha256 != SHA256:
        return document
    return msgspec.structs.replace(document, rows=[_row(document, each) for each in document.rows])


def _row(document: Evidence, row: RowResult) -> RowResult:
    checks = [_believed(document.run_id, _CHECKS.get((row.row, each.name)), each) for each in row.checks]
    return msgspec.structs.replace(row, checks=checks)


def _believed(run_id: str, check: Check | None, result: CheckResult) -> CheckResult:
    if check is None:
        return result
    found = _again(run_id, check, result)
    if WORST_FIRST.index(found.verdict) >= WORST_FIRST.index(result.verdict):
        return result
    said = f"{found.observed} (by its own record; the file says “{MARKS[result.verdict]}”)"
    return msgspec.structs.replace(result, verdict=found.verdict, observed=said)


def _again(run_id: str, check: Check, result: CheckResult) -> Judged:
    altered = [each.label for each in result.steps if _is_altered(each)]
    if altered:
        return Judged(
            verdict="not-tried", observed=f"what is recorded of “{altered[0]}” has another hash than it had"
        )
    there = {each.label: each for each in result.steps}
    lost = [label for label in _labels(check.steps) if label not in there]
    if lost and result.verdict == "as-expected":
        return Judged(verdict="not-tried", observed=f"nothing is recorded of “{lost[0]}”")
    seen = [_seen(each) for each in result.steps]
    demands = [_decidable(_filled(each, run_id, seen), there.get(each.of)) for each in check.demands]
    return judge(msgspec.structs.replace(check, demands=tuple(demands)), seen)


def _labels(steps: Iterable[Step]) -> list[str]:
    return [
        label
        for step in steps
        for label in (step.label, *(run.label for run in (step.runs if isinstance(step, Together) else ())))
    ]


def _seen(step: KeptStep) -> Seen:
    """Return what was seen, as far as it is kept."""
    data = _data(step)
    return Seen(
        label=step.label,
        came=step.came,
        kind=step.kind,
        why=step.why,
        exit=step.exit,
        data=step.text.encode() if data is None else data,
        stderr=None if step.stderr is None else step.stderr.encode(),
        paths=step.paths,
        matches=step.matches,
        truncated=step.truncated,
        status=step.status,
        headers=step.headers,
        facts=step.facts,
        absent=step.absent,
        waited=step.waited,
        seconds=step.seconds or 0.0,
        level=step.level,
    )


def _data(step: KeptStep) -> bytes | None:
    """Return the bytes that the text was made of; None where they cannot be told from it."""
    text = step.text.encode()
    for data in (text, _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), text)):
        if step.sha256 == (hashlib.sha256(data).hexdigest() if data else ""):
            return data
    return None


def _is_altered(step: KeptStep) -> bool:
    """Return whether the text is none that the hash beside it may be of."""
    return _data(step) is None and not _is_part(step.text) and _ESCAPED.search(step.text.encode()) is None


def _is_part(text: str) -> bool:
    return MASK in text or len(text) >= KEPT_CHARACTERS


def _are_part(matches: Iterable[Match]) -> bool:
    return any(_is_part(each.path) or _is_part(each.line) for each in matches)


def _filled(demand: Demand, run_id: str, seen: Iterable[Seen]) -> Demand:
    """Return the demand with the names of the run in it; the canary is the one that was seen first."""
    if not isinstance(demand, Says | Finds):
        return demand
    texts = (*demand.holds, *demand.lacks, demand.exactly or "") if isinstance(demand, Says) else ()
    canaries = (_CANARY.search(each.data) for each in seen)
    names = {
        "canary": next((found[0].decode() for found in canaries if found), "a canary that was not seen"),
        "run": f"mc-{run_id}",
        "sha256_of_50_mib": _digest(_LARGE) if any("{sha256_of_50_mib}" in text for text in texts) else "",
    }
    return named(demand, names)


def _decidable(demand: Demand, step: KeptStep | None) -> Demand:  # noqa: PLR0911 # one line per kind of demand
    """Return what of the demand can be held against what is kept of the step."""
    if step is None or step.came != "answer":
        return demand
    stderr = step.stderr or ""
    whole = _data(step) is not None and not _is_part(stderr) and _ESCAPED.search(stderr.encode()) is None
    anything = Answered(of=demand.of)
    match demand:
        case Says() if not whole:
            return msgspec.structs.replace(demand, exactly=None, holds=())
        case Holds():
            return anything if step.sha256 == _digest(demand.material) else demand
        case HoldsOrSays() | Bytes() | Same() | OomIsTold() if not whole:
            return anything
        case Finds() if len(step.paths or ()) >= KEPT_PATHS or MASK in "".join(step.paths or ()):
            return msgspec.structs.replace(demand, holds=(), count=None)
        case Matched() if not step.matches or len(step.matches) >= KEPT_PATHS or _are_part(step.matches):
            return anything
        case Header() if not step.headers:
            return anything
    return demand


@functools.cache
def _digest(material: Material) -> str:
    return hashlib.sha256(made(material)).hexdigest()
