"""The matrix's sections: what was not tried first, ten rows, what differs, then every check. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from memcollect.evidence.catalogue import MEASURED
from memcollect.evidence.document import CheckResult
from memcollect.evidence.judging import MARKS
from memcollect.evidence.matrix import Advice, Cell, CheckLine, Matrix, MatrixRow
from memcollect.evidence.telling import counted
from memcollect.reporters.paged.layout import Bullet, Column, Page, Section, Table

_HASH_DIGITS = 12
_RULE = (
    "The guide lets nobody recommend a backend whose uploads, artifacts, paths or isolation are not as "
    "expected, or not tried, whatever its memory; nor one that was not seen to need less, which these checks "
    "do not measure."
)


def page(matrix: Matrix) -> Page:
    """Return the whole page."""
    return Page("Evidence", verdict(matrix), evidence_sections(matrix))


def verdict(matrix: Matrix) -> str:
    """Return in a sentence which backends may be recommended by the guide's rule, and why others may not."""
    good = [each.backend for each in matrix.advice if each.may]
    bad = [each for each in matrix.advice if not each.may]
    parts = []
    if good:
        parts.append(f"{_listed(good)} may be recommended by the guide's rule, memory aside")
    if bad and good:
        parts += [f"{each.backend} may not: {_first_reason(each)}" for each in bad]
    elif bad:
        parts.append(f"{_listed(each.backend for each in bad)} may not be recommended by the guide's rule")
        parts += [f"{each.backend}: {_first_reason(each)}" for each in bad]
    return f"{'; '.join(parts)}." if parts else "Nothing was tried."


def _first_reason(advice: Advice) -> str:
    """Return the first reason, and how many more there are."""
    first, *more = advice.reasons
    others = f", and {counted(len(more), 'more reason')}" if more else ""
    return first.rstrip(".") + others


def evidence_sections(matrix: Matrix) -> list[Section]:
    """Return the sections below the verdict."""
    return [
        *_untried(matrix),
        _matrix(matrix),
        _advice(matrix),
        *_faults(matrix),
        *_left(matrix),
        *_checks(matrix),
        _how(matrix),
    ]


def _untried(matrix: Matrix) -> Iterator[Section]:
    groups: dict[tuple[str, str, str], list[str]] = {}
    for each in matrix.untried:
        groups.setdefault((each.backend, each.row, each.why), []).append(each.check)
    bullets = [
        Bullet(f"{_of(matrix, backend)}{row}: {_all_or(checks)}: {why}")
        for (backend, row, why), checks in groups.items()
    ]
    bullets += [Bullet(f"{each}: the run was broken off") for each in matrix.broken_off]
    if bullets:
        count = len(matrix.untried)
        yield Section(f"Asked for and not tried ({count})", bullets=bullets)


def _matrix(matrix: Matrix) -> Section:
    columns = [Column("Row", right=False)]
    for name in matrix.backends:
        columns += [Column(name, right=False, foreign=True)]
    rows = [[row.name, *(_short(row, cell) for cell in row.cells)] for row in matrix.rows]
    bullets = [
        Bullet(f"{row.name}{_named(matrix, index)}: {cell.worst}")
        for row in matrix.rows
        for index, cell in enumerate(row.cells)
        if cell.worst and cell.of
    ]
    measured = [
        Bullet(f"{row.name}{_named(matrix, index)}: {cell.worst}")
        for row in matrix.rows
        for index, cell in enumerate(row.cells)
        if cell.worst and not cell.of
    ]
    unmeasured = [row.name for row in matrix.rows if row.name in MEASURED and not any(_told(row))]
    return Section(
        "The ten rows: checks that are as expected, of all, and the worst of the others",
        paragraphs=[
            f"{' and '.join(unmeasured)}: `memcollect profile` measures them, in a phase with do = “scale”."
        ]
        if unmeasured
        else [],
        table=Table(columns, rows),
        bullets=[*measured, *bullets],
    )


def _told(row: MatrixRow) -> Iterator[str]:
    return (cell.worst for cell in row.cells)


def _short(row: MatrixRow, cell: Cell) -> str:
    if not cell.of:
        return "measured" if cell.worst and row.name in MEASURED else "–"
    if cell.verdict is None or cell.verdict == "as-expected":
        return cell.short
    return f"{cell.short} {MARKS[cell.verdict]}"


def _advice(matrix: Matrix) -> Section:
    return Section(
        "Which backend may be recommended",
        paragraphs=[_RULE],
        bullets=[_advised(each) for each in matrix.advice],
    )


def _advised(advice: Advice) -> Bullet:
    return Bullet(f"{advice.backend}: {'yes' if advice.may else 'no'}", below=advice.reasons)


def _faults(matrix: Matrix) -> Iterator[Section]:
    bullets = [
        Bullet(f"{line.row}: {line.name}: expected {line.expected}", below=list(_observed(matrix, line)))
        for line in matrix.lines
        if any(result is not None and result.verdict in {"fails", "differs"} for result in line.results)
    ]
    if bullets:
        yield Section(f"What fails or differs ({len(bullets)})", bullets=bullets)


def _observed(matrix: Matrix, line: CheckLine) -> Iterator[str]:
    for backend, result in zip(matrix.backends, line.results, strict=True):
        if result is not None:
            yield f"{_of(matrix, backend)}{MARKS[result.verdict]}: {result.observed}"


def _left(matrix: Matrix) -> Iterator[Section]:
    if matrix.left:
        yield Section("Not removed", bullets=[Bullet(each) for each in matrix.left])


def _checks(matrix: Matrix) -> Iterator[Section]:
    rows = dict.fromkeys(line.row for line in matrix.lines)
    for row in rows:
        lines = [line for line in matrix.lines if line.row == row]
        yield Section(
            f"{row}: every check", bullets=[_check(matrix, line) for line in lines], folded=True, lengthy=True
        )


def _check(matrix: Matrix, line: CheckLine) -> Bullet:
    below = [f"expected: {line.expected} ({line.source})"]
    for backend, result in zip(matrix.backends, line.results, strict=True):
        below.append(
            f"{_of(matrix, backend)}not asked" if result is None else _result(_of(matrix, backend), result)
        )
    return Bullet(f"{line.name}: {line.asks}", below=below)


def _result(of: str, result: CheckResult) -> str:
    by = f" [{', '.join(result.levels)}]" if result.levels else ""
    took = f", {result.seconds:.1f} s" if result.seconds is not None else ""
    return f"{of}{MARKS[result.verdict]}: {result.observed}{by}{took}"


def _how(matrix: Matrix) -> Section:
    hashes = dict.fromkeys(matrix.catalogues)
    bullets = [
        Bullet("Every check in full, with whose word it is: in the formats markdown, html and json."),
        Bullet("fails: something is lost, wrong or given away; differs: it does another thing, and says so."),
        Bullet("not offered: the backend has no such operation; not tried: this run could not ask."),
        Bullet(
            "[shell]: a command in the sandbox stood for an operation that the backend's interface does not "
            "have; [api], [provider], [gateway], [cluster], [node]: who answered."
        ),
        *(
            Bullet(f"{name}: driver {driver}, catalogue {sha256[:_HASH_DIGITS]}; image: {image}")
            for name, driver, sha256, image in zip(
                matrix.backends, matrix.drivers, matrix.catalogues, matrix.images, strict=True
            )
        ),
    ]
    if len(hashes) > 1:
        bullets.append(Bullet("The catalogues differ, so the counts are not of the same checks."))
    return Section("How to read the evidence", bullets=bullets)


def _of(matrix: Matrix, backend: str) -> str:
    return f"{backend}: " if len(matrix.backends) > 1 else ""


def _named(matrix: Matrix, index: int) -> str:
    return f", {matrix.backends[index]}" if len(matrix.backends) > 1 else ""


def _listed(names: Iterable[str]) -> str:
    *rest, last = names
    return f"{', '.join(rest)} and {last}" if rest else last


def _all_or(checks: list[str]) -> str:
    return "everything" if checks == ["*"] else ", ".join(checks)
