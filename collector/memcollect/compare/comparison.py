"""From documents to the comparison. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from memcollect.compare.cells import Group, cell, deltas, group, phase_order
from memcollect.compare.circumstances import in_the_way
from memcollect.compare.evidence import providers_of, side_facts
from memcollect.compare.facts import Fact, Facts, Unknown
from memcollect.compare.gaps import RECORD, gaps
from memcollect.compare.grown.changes import growth_of
from memcollect.compare.grown.words import headline
from memcollect.compare.guard import judge
from memcollect.compare.inputs import (
    Document,
    Grouping,
    Observation,
    backend_names,
    measurements,
    observations,
)
from memcollect.compare.model import (
    Cell,
    Comparison,
    Delta,
    Difference,
    Gap,
    Judgement,
    Leftover,
    NodeRow,
    Pair,
    PairKind,
    PhaseKey,
    Side,
    Source,
    StartupRow,
)
from memcollect.compare.nodes import leftovers, neighbours, node_rows
from memcollect.compare.over_repeats import leftover_summaries, node_summaries
from memcollect.compare.processes import left_processes
from memcollect.compare.rounds import reuse_rows
from memcollect.compare.services import services_saved
from memcollect.compare.startup import startup_rows
from memcollect.compare.statistics import chance_of_separation
from memcollect.compare.tried import by_backend, earlier_trials, evidence_facts, matrix_of
from memcollect.compare.values import HEADLINE, WHOLE_POD
from memcollect.compare.verdict import claim, verdict
from memcollect.compare.wording import odds
from memcollect.documents.run import RunManifest
from memcollect.documents.snapshot import Tool
from memcollect.documents.times import taken_at
from memcollect.evidence.document import Evidence
from memcollect.join.roles import app_containers

R = TypeVar("R", NodeRow, Leftover)

STATISTICS = (
    "A repeat's number is the mean over its pods; the tables show the median over the repeats, and n counts"
    " repeats, never pods. Intervals are 95 % percentile bootstrap intervals of the difference of two"
    " medians, over all resamples (computed exactly: no random numbers, no seed). With fewer than five"
    " repeats of a side they reach over all that was seen, and hold as often as is said, where both sides"
    " vary alike."
    " Each stands by itself: of many, some leave out 0 by chance."
)
NO_RUN = "no run says what it is called"
NOT_THERE = "was not measured, though it was on another backend"
BEYOND_MEMORY = (
    "These are numbers about memory. That uploads, outputs, artifacts and isolation still behave as before is"
    " not shown by them and needs evidence of its own."
)


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of the documents."""

    by: Grouping = "auto"
    baseline: str | None = None
    """The backend that the others are held against; None: that of the first document."""
    issue: str | None = None
    """What the work is related to, e.g. "#3213"."""
    version: str = ""

    @property
    def is_open(self) -> bool:
        """Return whether nobody said that backends are to be held against one another."""
        return self.by == "auto" and self.baseline is None and self.issue is None


@dataclass(frozen=True)
class _Material:
    """The documents, put in order."""

    baseline: str
    backends: list[str]
    phases: list[PhaseKey]
    groups: Mapping[tuple[str, PhaseKey], Group]
    cells: Mapping[tuple[str, PhaseKey], Cell]
    gaps: list[Gap]
    problems: Mapping[str, list[str]]
    called: Mapping[str, frozenset[str]]
    """What a backend's runs call it themselves, those that have only tried it among them."""
    tried: Mapping[str, Evidence]
    runs: Mapping[str, RunManifest]
    """By the document's name."""


def compare(documents: Sequence[Document], question: Question) -> Comparison:
    """Return the comparison. Names of documents must differ; there must be one, with a snapshot in it.

    The documents' order decides nothing but which backend is the baseline, where none is named.
    """
    names = backend_names(documents, question.by)
    baseline = question.baseline if question.baseline is not None else names[documents[0].name]
    ordered = sorted(documents, key=lambda each: each.key)
    material = _material(ordered, names, baseline)
    pairs = list(_pairs(material))
    growth = growth_of(documents) if question.is_open else None
    nodes = _by_phase([row for each in ordered for row in node_rows(each, names[each.name])], material)
    startups = list(_startups(ordered, names, material))
    of_backends = [
        [each for (name, _), each in material.groups.items() if name == backend]
        for backend in material.backends
    ]
    left = _by_phase([row for each in ordered for row in leftovers(each, names[each.name])], material)
    return Comparison(
        tool=Tool(version=question.version),
        issue=question.issue,
        verdict=verdict(pairs, question.issue, _unfinished(ordered)) if growth is None else headline(growth),
        growth=growth,
        baseline=baseline,
        backends=material.backends,
        phases=material.phases,
        sources=[_source(each, names[each.name]) for each in ordered],
        cells=list(material.cells.values()),
        pairs=pairs,
        left_processes=[each for some in of_backends for each in left_processes(some, material.phases)],
        services_saved=[each for some in of_backends for each in services_saved(some, material.phases)],
        nodes=nodes,
        node_summaries=list(node_summaries(nodes)),
        leftovers=left,
        leftover_summaries=list(leftover_summaries(left)),
        reuses=list(reuse_rows(material.groups.values())),
        startups=startups,
        evidence=matrix_of(material.backends, material.tried, material.cells.values(), startups),
        missing=[*material.gaps, *_absent(material)],
        notes=list(_notes(ordered, names, pairs)),
    )


def _material(documents: Sequence[Document], names: Mapping[str, str], baseline: str) -> _Material:
    observed = [(names[document.name], each) for document in documents for each in observations(document)]
    backends = sorted(set(names.values()), key=lambda name: (name != baseline, name))
    phases = phase_order([each for _, each in observed])
    groups = group(observed)
    keys = [(backend, phase) for phase in phases for backend in backends if (backend, phase) in groups]
    problems: defaultdict[str, list[str]] = defaultdict(list)
    for document in documents:
        problems[names[document.name]] += document.problems
    for document, sentence in _counted_twice(documents):
        problems[names[document.name]].append(sentence)
    found = [gap for document in documents for gap in gaps(document, names[document.name])]
    return _Material(
        baseline=baseline,
        backends=backends,
        phases=phases,
        groups=groups,
        cells={key: cell(groups[key]) for key in keys},
        gaps=[*_wrong_files(problems), *found, *_not_measured(observed)],
        problems=problems,
        called={
            backend: frozenset(
                each.manifest.backend
                for each in documents
                if each.manifest is not None and names[each.name] == backend
            )
            for backend in backends
        },
        tried=by_backend(documents, names),
        runs={each.name: each.manifest for each in documents if each.manifest is not None},
    )


def _counted_twice(documents: Sequence[Document]) -> Iterator[tuple[Document, str]]:
    """Yield what one measurement in two documents would make two of."""
    seen: dict[str, Document] = {}
    for document in documents:
        for each in measurements(document):
            other = seen.setdefault(each, document)
            if other is not document:
                yield document, f"{document.name} holds a measurement that {other.name} holds, too"
                break


def _not_measured(observed: Sequence[tuple[str, Observation]]) -> Iterator[Gap]:
    """Yield what snapshots lack; a run tells it of its own, phase by phase."""
    for backend, each in observed:
        for missing in each.snapshot.missing if each.status is None else ():
            reason = f"{missing.kind} {missing.name} ({missing.reason}): {missing.detail}"
            yield Gap(backend=backend, phase=each.phase.label, reason=reason)


def _wrong_files(problems: Mapping[str, Sequence[str]]) -> Iterator[Gap]:
    for backend, sentences in problems.items():
        for sentence in sentences:
            yield Gap(backend=backend, phase="files", reason=sentence)


def _absent(material: _Material) -> Iterator[Gap]:
    """Yield the phases that some backend has and another has not; one backend has nothing to lack."""
    for phase in material.phases:
        for backend in material.backends:
            if (backend, phase) not in material.cells:
                yield Gap(backend=backend, phase=phase.label, reason=NOT_THERE)


def _pairs(material: _Material) -> Iterator[Pair]:
    for phase in material.phases:
        for backend in material.backends[1:]:
            sides = Side(backend=material.baseline, phase=phase), Side(backend=backend, phase=phase)
            yield _pair(material, "backends", sides)
    for backend in material.backends:
        measured = [phase for phase in material.phases if (backend, phase) in material.cells]
        for phase in measured[1:]:
            sides = Side(backend=backend, phase=measured[0]), Side(backend=backend, phase=phase)
            yield _pair(material, "phases", sides)


def _pair(material: _Material, kind: PairKind, sides: tuple[Side, Side]) -> Pair:
    before, after = (material.cells.get((side.backend, side.phase)) for side in sides)
    found = deltas(before, after) if before is not None and after is not None else []
    facts = _facts(material, sides, found)
    judgements = judge(facts, kind)
    headline = next((each.difference for each in found if each.metric == HEADLINE), None)
    allowed = headline is not None and all(each.holds for each in judgements)
    return Pair(
        kind=kind,
        baseline=sides[0],
        candidate=sides[1],
        deltas=found,
        judgements=_first_only(judgements),
        allowed=allowed,
        claim=claim(sides, headline, facts) if allowed and headline is not None else "",
    )


def _first_only(judgements: list[Judgement]) -> list[Judgement]:
    """Return the judgements; of a phase that was not measured only that, since the rest follows from it."""
    phase = [each for each in judgements if each.rule == "phase" and not each.holds]
    return phase or judgements


def _facts(material: _Material, sides: tuple[Side, Side], found: Sequence[Delta]) -> Facts:
    values: dict[str, Fact] = {}
    for name, side in zip(("baseline", "candidate"), sides, strict=True):
        group_ = material.groups.get((side.backend, side.phase))
        values[f"{name}.phase"] = group_ is not None
        if group_ is None:
            continue
        absent = [
            f"{gap.phase}: {gap.reason}"
            for gap in material.gaps
            if gap.backend == side.backend and gap.phase in (side.phase.label, side.phase.name, RECORD)
        ]
        providers = providers_of(
            pod
            for (backend, _), each in material.groups.items()
            if backend == side.backend
            for pod in each.pods()
        )
        own = side_facts(group_, absent, material.problems.get(side.backend, []), providers)
        own |= evidence_facts(side.backend, material.tried)
        own |= {"in_the_way": frozenset(in_the_way(material.runs, group_.observations))}
        own |= {"label": side.backend, "called": material.called[side.backend] or Unknown(NO_RUN)}
        values |= {f"{name}.{fact}": value for fact, value in own.items()}
    values["difference"] = _difference(found, HEADLINE)
    values["whole_difference"] = _difference(found, WHOLE_POD)
    return Facts(values)


def _difference(found: Sequence[Delta], metric: str) -> Fact:
    delta = next((each for each in found if each.metric == metric), None)
    if delta is None or delta.difference is None:
        return Unknown((delta.reason if delta is not None else "") or "no pod was measured")
    return delta.difference


def _by_phase(rows: Sequence[R], material: _Material) -> list[R]:
    """Return the rows in the order of the phases, those of no phase (of a whole run) last."""
    place: dict[PhaseKey | None, int] = {phase: index for index, phase in enumerate(material.phases)}
    last = len(place)
    return sorted(rows, key=lambda row: (place.get(row.phase, last), row.backend, row.node, row.repeat or 0))


def _startups(
    documents: Sequence[Document], names: Mapping[str, str], material: _Material
) -> Iterator[StartupRow]:
    for backend in material.backends:
        manifests = [each.manifest for each in documents if names[each.name] == backend and each.manifest]
        yield from startup_rows(backend, manifests)


def _unfinished(documents: Sequence[Document]) -> list[str]:
    """Return the runs that may be gone on with."""
    return [each.name for each in documents if each.manifest is not None and not each.manifest.finished_at]


def _source(document: Document, backend: str) -> Source:
    manifest = document.manifest
    snapshots = list(document.snapshots.values())
    images = {
        container.image_id
        for snapshot in snapshots
        for pod in snapshot.pods
        for container in app_containers(pod)
        if container.image_id
    }
    taken = [snapshot.captured_at for snapshot in sorted(snapshots, key=taken_at)]
    tool = manifest.tool if manifest is not None else snapshots[0].tool if snapshots else Tool()
    return Source(
        name=document.name,
        kind="snapshot" if manifest is None else "run",
        sha256=document.sha256,
        backend=backend,
        called=manifest.backend if manifest is not None else "",
        run_id=manifest.run_id if manifest is not None else None,
        plan=manifest.plan.name if manifest is not None else None,
        plan_sha256=manifest.plan.sha256 if manifest is not None else None,
        tool_version=tool.version,
        images=sorted(images),
        first_taken_at=taken[0] if taken else "",
        last_taken_at=taken[-1] if taken else "",
    )


def _notes(documents: Sequence[Document], names: Mapping[str, str], pairs: Sequence[Pair]) -> Iterator[str]:
    yield STATISTICS
    counts = {(p.n_before, p.n_after) for pair in pairs for p in [_headline(pair)] if p is not None}
    if counts:
        few = min(counts, key=lambda each: (sum(each), each))
        chance = chance_of_separation(*few)
        yield (
            f"With {few[0]} and {few[1]} repeats, identical sides would look this different, wholly apart,"
            f" {odds(chance)}."
        )
    if {*names.values()} - {names[document.name] for document in documents if document.evidence}:
        yield BEYOND_MEMORY
    yield from earlier_trials(documents, names)
    claimed = [
        abs(each.estimate_bytes) for pair in pairs if _is_claim(pair) for each in [_headline(pair)] if each
    ]
    manifests = [(names[each.name], each.manifest) for each in documents if each.manifest is not None]
    yield from neighbours(manifests, min(claimed)) if claimed else ()
    # A run that has only tried its backend is no repeat.
    runs = [each for each in documents if each.manifest is not None and each.snapshots]
    together = Counter(names[each.name] for each in runs)
    for backend, count in sorted(together.items()):
        if count > 1:
            yield (
                f"{count} runs are taken together as repeats of {backend}; --by file or --label sets them"
                " apart."
            )
    versions = sorted({version for each in documents for version in _versions(each)})
    if len(versions) > 1:
        shown = ", ".join(version or "unknown" for version in versions)
        yield f"The documents were written by different versions of memcollect: {shown}."


def _is_claim(pair: Pair) -> bool:
    return pair.allowed and pair.kind == "backends"


def _versions(document: Document) -> set[str]:
    """Return who wrote it; a run may have been gone on with by another one than began it."""
    begun = {document.manifest.tool.version} if document.manifest is not None else set()
    return begun | {each.tool.version for each in document.snapshots.values()}


def _headline(pair: Pair) -> Difference | None:
    return next((each.difference for each in pair.deltas if each.metric == HEADLINE), None)
