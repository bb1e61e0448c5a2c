"""What the backends do besides saving memory, beside what was measured of them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from memcollect.compare.facts import Fact, Unknown
from memcollect.compare.inputs import Document
from memcollect.compare.model import Cell, StartupRow
from memcollect.compare.values import WHOLE_POD
from memcollect.evidence.catalogue import SHA256
from memcollect.evidence.document import Evidence
from memcollect.evidence.matrix import ANOTHER_CATALOGUE, Matrix, guarded_faults, matrix, unanswered
from memcollect.units import human_bytes

NOT_TRIED = "no run has tried what it does with uploads, artifacts, paths and isolation; do = “evidence” does"


def by_backend(documents: Iterable[Document], names: Mapping[str, str]) -> dict[str, Evidence]:
    """Return each backend's evidence; of several the one that was begun last."""
    every = [(names[document.name], each) for document in documents for each in document.evidence]
    return dict(sorted(every, key=lambda pair: _begun(pair[1])))


def earlier_trials(documents: Iterable[Document], names: Mapping[str, str]) -> Iterator[str]:
    """Yield of each backend that was tried several times which one counts, and what was found before it."""
    trials: defaultdict[str, list[tuple[str, Evidence]]] = defaultdict(list)
    for document in documents:
        for each in document.evidence:
            trials[names[document.name]].append((document.name, each))
    for backend, every in sorted(trials.items()):
        *before, (last, _) = sorted(every, key=lambda trial: _begun(trial[1]))
        faults = [f"{name}: {fault}" for name, each in before for fault in guarded_faults(each)[:1]]
        told = f" What was begun before it was not as expected: {'; '.join(faults)}." if faults else ""
        if before:
            yield f"{backend} was tried {len(every)} times; what was begun last counts, that of {last}.{told}"


def _begun(document: Evidence) -> float:
    return document.started_at or 0.0


def evidence_facts(backend: str, tried: Mapping[str, Evidence]) -> dict[str, Fact]:
    """Return what the guard asks of a backend's evidence: by which catalogue, and what is not as expected."""
    document = tried.get(backend)
    if document is None:
        names = ("catalogue", "evidence_faults", "evidence_silent")
        return {**dict.fromkeys(names, Unknown(NOT_TRIED)), "tried_image": Unknown("nothing was tried")}
    return {
        "catalogue": frozenset({document.catalogue.sha256})
        if document.catalogue.sha256 == SHA256
        else Unknown(ANOTHER_CATALOGUE),
        "tried_image": _images(document),
        "evidence_faults": tuple(guarded_faults(document)),
        "evidence_silent": _silent(document),
    }


def _images(document: Evidence) -> Fact:
    if document.images_unknown or not document.images:
        return Unknown(document.images_unknown or "an older memcollect tried it")
    if not all(each.image_id for each in document.images):
        return Unknown("the node did not tell which image it ran")
    return frozenset((each.container, each.image_id) for each in document.images)


def _silent(document: Evidence) -> tuple[list[str], list[str]] | None:
    """Return the guarded rows without an answer, and why; None where anything else is amiss."""
    found = unanswered(document)
    others = len(guarded_faults(document)) - len(found)
    return None if others or not found else (list(found), list(dict.fromkeys(found.values())))


def matrix_of(
    backends: Sequence[str],
    tried: Mapping[str, Evidence],
    cells: Iterable[Cell],
    startups: Iterable[StartupRow],
) -> Matrix | None:
    """Return the matrix of the backends that were tried, its first two rows measured; None: none was."""
    there = [name for name in backends if name in tried]
    if not there:
        return None
    cells, startups = list(cells), list(startups)
    measured = {
        name: {
            "Capacity": "; ".join(_capacity([each for each in cells if each.backend == name])),
            "Startup": "; ".join(_startup([each for each in startups if each.backend == name])),
        }
        for name in there
    }
    known = {name: {row: text for row, text in rows.items() if text} for name, rows in measured.items()}
    return matrix([_named(name, tried[name]) for name in there], known)


def _named(backend: str, document: Evidence) -> Evidence:
    return msgspec.structs.replace(document, backend=backend)


def _capacity(cells: Iterable[Cell]) -> Iterator[str]:
    """Yield for each number of sandboxes at once what they held together, on average, and the largest."""
    for cell in cells:
        found = cell.capacity
        measure = cell.measure(found.metric) if found is not None else None
        if cell.phase.step is None or found is None or measure is None or measure.spread is None:
            continue
        each, least = measure.spread, min(cell.pods)
        whole = f"{human_bytes(found.total.median_bytes)} in all, "
        # A part's sum is no total.
        together = whole if least >= cell.phase.step else f"of which in one repeat {least} were measured, "
        guests = "with all that the pods' own cgroups hold, " if found.metric == WHOLE_POD else ""
        yield (
            f"{cell.phase.step} at once: {guests}{together}{human_bytes(each.median_bytes)} on average "
            f"({human_bytes(each.low_bytes)} to {human_bytes(each.high_bytes)} over the repeats), "
            f"the largest {human_bytes(found.largest_bytes)}"
        )


def _startup(rows: Iterable[StartupRow]) -> Iterator[str]:
    """Yield for each number of sandboxes at once how long they took; without a number it is one."""
    for row in rows:
        if row.phase.cycle is not None or row.p50_seconds is None:
            continue
        at_once = f"1 at once ({row.phase.name})" if row.phase.step is None else f"{row.phase.step} at once"
        slow = "" if row.p95_seconds is None else f", p95 {row.p95_seconds:.1f} s"
        lost = f", {row.never_ready} never ready" if row.never_ready else ""
        yield f"{at_once}: p50 {row.p50_seconds:.1f} s{slow} of {row.n}{lost}"
