"""The matrix: the guide's rows by backends, and which backend may be recommended. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from memcollect.evidence.catalogue import GUARDED, MEASURED, NAMES, ROWS, SHA256, rows_named
from memcollect.evidence.document import CheckResult, Evidence, RowResult
from memcollect.evidence.judging import MARKS, WORST_FIRST, Verdict

ANOTHER_CATALOGUE = (
    "it was tried by a catalogue that this memcollect does not have, so what its checks are is not known"
)
_ID_DIGITS = 12
BROKEN_OFF = "the run was broken off before it"


class Cell(Struct, frozen=True, kw_only=True):
    """One row of one backend: how many checks were as expected, of how many, and the worst of them."""

    as_expected: int = 0
    of: int = 0
    verdict: Verdict | None = None
    """The worst; None: the row was not asked for, or is a measured one."""
    worst: str = ""
    """A sentence: the check's name and what was observed, or what was measured."""

    @property
    def short(self) -> str:
        """What stands first in the cell."""
        return f"{self.as_expected}/{self.of}" if self.of else "–"


class MatrixRow(Struct, frozen=True, kw_only=True):
    """One row."""

    name: str
    evidence: str
    cells: list[Cell] = field(default_factory=list)


class Untried(Struct, frozen=True, kw_only=True):
    """A check that was asked for and not done."""

    backend: str
    row: str
    check: str
    why: str


class CheckLine(Struct, frozen=True, kw_only=True):
    """One check beside what each backend did; None: it was not asked there."""

    row: str
    name: str
    asks: str
    expected: str
    source: str
    results: list[CheckResult | None] = field(default_factory=list)


class Advice(Struct, frozen=True, kw_only=True):
    """Whether a backend may be recommended by the guide's rule."""

    backend: str
    may: bool
    reasons: list[str] = field(default_factory=list)
    """Why not, or what it rests on; a sentence each."""


class Matrix(Struct, frozen=True, kw_only=True):
    """All of it."""

    backends: list[str]
    drivers: list[str]
    catalogues: list[str]
    """By which catalogue each was tried: the SHA-256."""
    images: list[str] = field(default_factory=list)
    """What the sandboxes of each ran, in words."""
    untried: list[Untried] = field(default_factory=list)
    rows: list[MatrixRow] = field(default_factory=list)
    lines: list[CheckLine] = field(default_factory=list)
    advice: list[Advice] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    broken_off: list[str] = field(default_factory=list)


def matrix(documents: Sequence[Evidence], measured: Mapping[str, Mapping[str, str]] | None = None) -> Matrix:
    """Return the matrix of one document for each backend.

    `measured` has for a backend what was measured of Capacity and Startup, a sentence each.
    """
    measured = measured or {}
    names = [each.backend or f"backend {number}" for number, each in enumerate(documents, 1)]
    results = [{row.row: row for row in each.rows} for each in documents]
    return Matrix(
        backends=names,
        drivers=[each.driver for each in documents],
        catalogues=[each.catalogue.sha256 for each in documents],
        images=[_images(each) for each in documents],
        untried=[u for name, each in zip(names, documents, strict=True) for u in _untried(name, each)],
        rows=[
            *(_measured_row(name, names, measured) for name in MEASURED),
            *(_row(row.name, row.evidence, results, documents) for row in ROWS),
        ],
        lines=list(_lines(results)),
        advice=[_advice(name, each) for name, each in zip(names, documents, strict=True)],
        left=[f"{name}: {what}" for name, each in zip(names, documents, strict=True) for what in each.left],
        broken_off=[name for name, each in zip(names, documents, strict=True) if each.finished_at is None],
    )


def _images(document: Evidence) -> str:
    """Return what the sandboxes ran, with the end of the digest; where that is not known, that."""
    known = ", ".join(
        f"{each.container} {each.image} ({each.image_id.rpartition(':')[2][:_ID_DIGITS] or 'id not told'})"
        for each in document.images
    )
    why = document.images_unknown or ("" if known else "an older memcollect tried it")
    return "; ".join(filter(None, [known, f"not recorded whole: {why}" if known and why else why]))


_MEASURED_EVIDENCE = {
    "Capacity": "Pod or instance count, total memory, average memory, max memory",
    "Startup": "Ready latency at 1, 10, 50, and 100 concurrent sandboxes",
}


def _measured_row(name: str, backends: Sequence[str], measured: Mapping[str, Mapping[str, str]]) -> MatrixRow:
    cells = [Cell(worst=measured.get(backend, {}).get(name, "")) for backend in backends]
    return MatrixRow(name=name, evidence=_MEASURED_EVIDENCE[name], cells=cells)


def _row(
    name: str,
    evidence: str,
    results: Sequence[Mapping[str, RowResult]],
    documents: Sequence[Evidence],
) -> MatrixRow:
    cells = [
        _cell(found.get(name), asked=name in document.catalogue.rows)
        for found, document in zip(results, documents, strict=True)
    ]
    return MatrixRow(name=name, evidence=evidence, cells=cells)


def _cell(row: RowResult | None, *, asked: bool) -> Cell:
    if row is None or not row.checks:
        return Cell(worst=BROKEN_OFF if asked else "not asked for")
    worst = worst_of(row.checks)
    good = sum(each.verdict == "as-expected" for each in row.checks)
    text = "" if worst.verdict == "as-expected" else f"{MARKS[worst.verdict]}: {worst.name}: {worst.observed}"
    return Cell(as_expected=good, of=len(row.checks), verdict=worst.verdict, worst=text)


def worst_of(checks: Sequence[CheckResult]) -> CheckResult:
    """Return the check whose verdict is the worst, the first of several."""
    return min(checks, key=lambda each: WORST_FIRST.index(each.verdict))


def _untried(backend: str, document: Evidence) -> Iterable[Untried]:
    there = {row.row: row for row in document.rows}
    for name in document.catalogue.rows:
        if name not in there:
            yield Untried(backend=backend, row=name, check="*", why=BROKEN_OFF)
    for row in document.rows:
        for check in row.checks:
            if check.verdict == "not-tried":
                yield Untried(backend=backend, row=row.row, check=check.name, why=check.observed)


def _lines(results: Sequence[Mapping[str, RowResult]]) -> Iterable[CheckLine]:
    """Yield every check that some backend was asked, by the documents and not by this program's catalogue."""
    extra = dict.fromkeys(name for each in results for name in each if name not in NAMES)
    for row in (*NAMES, *extra):
        found = [{c.name: c for c in each[row].checks} if row in each else {} for each in results]
        for name in dict.fromkeys(name for checks in found for name in checks):
            first = next(checks[name] for checks in found if name in checks)
            yield CheckLine(
                row=row,
                name=name,
                asks=first.asks,
                expected=first.expected,
                source=first.source,
                results=[checks.get(name) for checks in found],
            )


def guarded_faults(document: Evidence) -> list[str]:
    """Return, in sentences, why nothing may be claimed of a backend; empty: these rows are as expected.

    What was broken off is no trial, though these rows may be whole: nobody saw how it ends.
    """
    faults = ["the run was broken off"] if document.finished_at is None else []
    for name in GUARDED:
        # All of that name: a second one does not stand for the first.
        checks = [check for row in document.rows if row.row == name for check in row.checks]
        lost = _left_out(document, name, checks)
        if checks and lost:
            faults.append(
                f"{name}: {', '.join(lost)} {'is' if len(lost) == 1 else 'are'} not in the evidence"
            )
        if not checks:
            faults.append(f"{name} was not tried")
            continue
        bad = [each for each in checks if each.verdict != "as-expected"]
        if bad:
            worst = worst_of(bad)
            others = len(bad) - 1
            more = f" ({others} more {'is' if others == 1 else 'are'} not as expected)" if others else ""
            faults.append(f"{name}: {worst.name}: {MARKS[worst.verdict]}: {worst.observed}{more}")
    return faults


def _left_out(document: Evidence, row: str, checks: Iterable[CheckResult]) -> list[str]:
    """Return the checks that the catalogue has and the document has not; of another one nobody knows."""
    if document.catalogue.sha256 != SHA256:
        return []
    there = {each.name for each in checks}
    return [each.name for each in rows_named([row])[0].checks if each.name not in there]


def unanswered(document: Evidence) -> dict[str, str]:
    """Return the guarded rows of which a check has no answer, and why; all else there is as expected."""
    found = {}
    for row in document.rows:
        bad = [each for each in row.checks if each.verdict != "as-expected"]
        if row.row in GUARDED and bad and all(each.verdict in {"not-offered", "not-tried"} for each in bad):
            found[row.row] = bad[0].observed
    return found


def _advice(backend: str, document: Evidence) -> Advice:
    faults = guarded_faults(document)
    others = [
        f"{row.row}: {worst.name}: {MARKS['fails']}: {worst.observed}"
        for row in document.rows
        if row.row not in GUARDED and row.checks and (worst := worst_of(row.checks)).verdict == "fails"
    ]
    if document.catalogue.sha256 != SHA256:
        faults.append(ANOTHER_CATALOGUE)
    if not faults and not others:
        reasons = [f"{', '.join(GUARDED)} are as expected, and no check fails"]
        return Advice(backend=backend, may=True, reasons=reasons)
    return Advice(backend=backend, may=False, reasons=[*faults, *others])
