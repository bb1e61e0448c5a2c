"""What the comparison's page holds, before any format: titles, sentences, tables of values. Pure.

Nothing here is escaped; names from outside stand as they are, and each format makes them harmless.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from memcollect.compare.model import Comparison, Delta, Judgement, NodeRow, Pair, Source
from memcollect.compare.nodes import WHY_THEY_DIFFER
from memcollect.reporters.words import TERMS

METRICS = {"working_set": "working set", "top": "kubectl top", "pss": "PSS of processes"}
FIRST = ("working_set", "top", "pss")
TIME_TO_READY = (
    "From asked for to ready. Percentiles are nearest-rank: of fewer than 100 pods p99 is the slowest. Pods"
    " that pulled an image are left out and counted."
)


@dataclass(frozen=True)
class Bytes:
    """A size; `signed` shows a plus, too."""

    value: int | None
    signed: bool = False


@dataclass(frozen=True)
class Range:
    """Two sizes."""

    low: int
    high: int
    signed: bool = False


Cell = str | Bytes | Range


@dataclass(frozen=True)
class Column:
    """A table's column; `wide` is left out where there is no room for it."""

    title: str
    right: bool = True
    wide: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of as many cells as there are columns."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Bullet:
    """One item of a list, with items of its own."""

    text: str
    below: Sequence[str] = ()


@dataclass(frozen=True)
class Section:
    """A title and what stands below it."""

    title: str
    paragraphs: Sequence[str] = ()
    bullets: Sequence[Bullet] = ()
    table: Table | None = None


@dataclass(frozen=True)
class Page:
    """The whole page; the verdict is its first sentence."""

    title: str
    verdict: str
    sections: Sequence[Section] = field(default_factory=list)


def page(comparison: Comparison) -> Page:
    """Return the page of a comparison."""
    sections = [
        _claims(comparison),
        _refusals(comparison),
        _overview(comparison),
        *_backend_pairs(comparison),
        *_growth(comparison),
        *_left(comparison),
        *_nodes(comparison),
        *_startups(comparison),
        *_missing(comparison),
        _sources(comparison),
        Section("How to read this", bullets=[Bullet(note) for note in comparison.notes]),
    ]
    return Page("Memory compared", comparison.verdict, sections)


def metric_label(metric: str) -> str:
    """Return what a person calls the metric."""
    return METRICS.get(metric) or TERMS.get(metric) or metric.replace("_", " ")


def _claims(comparison: Comparison) -> Section:
    claims = [Bullet(pair.claim) for pair in comparison.pairs if pair.allowed]
    return Section("What may be claimed", [] if claims else ["Nothing."], claims)


def _refusals(comparison: Comparison) -> Section:
    """Pairs that fail for the very same reasons stand together."""
    by_reasons: dict[tuple[str, ...], list[Pair]] = {}
    for pair in comparison.pairs:
        if not pair.allowed:
            by_reasons.setdefault(tuple(_reason(each) for each in pair.refusals), []).append(pair)
    bullets = [
        Bullet("; ".join(_gathered(pairs)), list(reasons) or ["no number is known on one side"])
        for reasons, pairs in by_reasons.items()
    ]
    return Section("What may not be claimed, and why", [] if bullets else ["—"], bullets)


def _reason(judgement: Judgement) -> str:
    return judgement.reason


def _gathered(pairs: Iterable[Pair]) -> Iterator[str]:
    """Yield "cube against aio: empty, after-bash" for pairs that differ in the phase alone."""
    by_backends: dict[str, list[str]] = {}
    for pair in pairs:
        if pair.kind == "backends":
            title = f"{pair.candidate.backend} against {pair.baseline.backend}"
        else:
            title = f"{pair.candidate.backend} against its own {pair.baseline.phase.label}"
        by_backends.setdefault(title, []).append(pair.candidate.phase.label)
    return (f"{title}: {', '.join(phases)}" for title, phases in by_backends.items())


def _overview(comparison: Comparison) -> Section:
    columns = [
        Column("Phase", right=False),
        Column("Backend", right=False),
        Column("n"),
        Column("Pods"),
        Column("Median"),
        Column("Min–max"),
        Column("Middle half", wide=True),
    ]
    rows: list[list[Cell]] = []
    for cell in comparison.cells:
        measure = cell.measure("working_set")
        spread = measure.spread if measure else None
        pods = sorted(set(cell.pods))
        head: list[Cell] = [cell.phase.label, cell.backend, str(cell.repeats), "/".join(map(str, pods))]
        if spread is None:
            rows.append([*head, Bytes(None), "", ""])
            continue
        ends = Range(spread.low_bytes, spread.high_bytes)
        rows.append([*head, Bytes(spread.median_bytes), ends, Range(spread.q1_bytes, spread.q3_bytes)])
    return Section("Working set per pod", table=Table(columns, rows))


def _backend_pairs(comparison: Comparison) -> Iterator[Section]:
    for pair in comparison.pairs:
        if pair.kind != "backends" or not pair.deltas:
            continue
        title = f"{pair.candidate.phase.label}: {pair.candidate.backend} against {pair.baseline.backend}"
        columns = [
            Column("Per pod", right=False),
            Column("n"),
            Column(pair.baseline.backend),
            Column("Min–max", wide=True),
            Column(pair.candidate.backend),
            Column("Min–max", wide=True),
            Column("Change"),
            Column("95 % interval"),
        ]
        rows = [_delta_row(each) for each in _told(pair.deltas)]
        reasons = dict.fromkeys(
            f"{metric_label(each.metric)}: {each.reason}" for each in pair.deltas if each.reason
        )
        yield Section(title, bullets=[Bullet(reason) for reason in reasons], table=Table(columns, rows))


def _told(deltas: Iterable[Delta]) -> list[Delta]:
    """Return what is worth a row, the largest change first: no terms that hold nothing on either side."""
    told = [each for each in deltas if each.metric in FIRST or not _is_nothing(each)]

    def weight(delta: Delta) -> tuple[int, int, str]:
        if delta.metric in FIRST:
            return (FIRST.index(delta.metric), 0, "")
        change = abs(delta.difference.estimate_bytes) if delta.difference else 0
        return (len(FIRST) + (delta.metric == "residual"), -change, delta.metric)

    return sorted(told, key=weight)


def _is_nothing(delta: Delta) -> bool:
    sides = (delta.baseline, delta.candidate)
    return not delta.reason and all(
        side is not None and side.low_bytes == 0 and side.high_bytes == 0 for side in sides
    )


def _delta_row(delta: Delta) -> list[Cell]:
    sides = (delta.baseline, delta.candidate)
    counts = "/".join("?" if side is None else str(side.n) for side in sides)
    row: list[Cell] = [metric_label(delta.metric), counts]
    for side in sides:
        row += (
            [Bytes(None), ""]
            if side is None
            else [Bytes(side.median_bytes), Range(side.low_bytes, side.high_bytes)]
        )
    found = delta.difference
    if found is None:
        return [*row, Bytes(None), "?"]
    return [
        *row,
        Bytes(found.estimate_bytes, signed=True),
        Range(found.low_bytes, found.high_bytes, signed=True),
    ]


def _growth(comparison: Comparison) -> Iterator[Section]:
    """Yield what each backend's phases hold more than its first, and which terms that is most of all."""
    for backend in comparison.backends:
        pairs = [
            each for each in comparison.pairs if each.kind == "phases" and each.baseline.backend == backend
        ]
        if not pairs:
            continue
        columns = [
            Column("Phase", right=False),
            Column("n"),
            Column("Change"),
            Column("95 % interval"),
            Column("Most of it", right=False),
        ]
        rows = [_growth_row(pair) for pair in pairs]
        title = f"{backend}: working set per pod, against {pairs[0].baseline.phase.label}"
        yield Section(title, table=Table(columns, rows))


def _growth_row(pair: Pair) -> list[Cell]:
    headline = next((each for each in pair.deltas if each.metric == "working_set"), None)
    found = headline.difference if headline is not None else None
    if found is None:
        return [pair.candidate.phase.label, "?", Bytes(None), "?", ""]
    terms = [
        each
        for each in pair.deltas
        if each.metric not in FIRST and each.difference is not None and each.difference.estimate_bytes
    ]
    way = 1 if found.estimate_bytes >= 0 else -1
    largest = max(terms, key=lambda each: way * _change(each), default=None)
    most = metric_label(largest.metric) if largest is not None and way * _change(largest) > 0 else ""
    return [
        pair.candidate.phase.label,
        f"{found.n_before}/{found.n_after}",
        Bytes(found.estimate_bytes, signed=True),
        Range(found.low_bytes, found.high_bytes, signed=True),
        most,
    ]


def _change(delta: Delta) -> int:
    return delta.difference.estimate_bytes if delta.difference is not None else 0


def _left(comparison: Comparison) -> Iterator[Section]:
    if not comparison.left_processes:
        return
    columns = [
        Column("Phase", right=False),
        Column("Backend", right=False),
        Column("Process", right=False),
        Column("Most"),
        Column("PSS"),
        Column("Repeats"),
        Column("Container", right=False, wide=True),
    ]
    rows: list[list[Cell]] = [
        [
            each.phase.label,
            each.backend,
            each.name + ("" if each.certain else " (?)"),
            str(each.count),
            Bytes(each.pss_bytes),
            f"{each.repeats}/{each.of_repeats}",
            each.container,
        ]
        for each in comparison.left_processes
    ]
    doubt = "(?): the list before was cut short, so it may have been there already."
    paragraphs = ["There after the phase, and not after the one before it, over all pods of a repeat."]
    paragraphs += [doubt] if any(not each.certain for each in comparison.left_processes) else []
    yield Section("Processes that a phase left", paragraphs, table=Table(columns, rows))


def _nodes(comparison: Comparison) -> Iterator[Section]:
    if comparison.nodes:
        columns = [
            Column("Phase", right=False),
            Column("Backend", right=False),
            Column("Pods"),
            Column("Node lost"),
            Column("Work. set"),
            Column("Charged"),
            Column("PSS"),
            Column("Repeat", wide=True),
            Column("Node", right=False, wide=True),
        ]
        rows = [_node_row(row) for row in comparison.nodes]
        yield Section("Per pod: what the node lost", [WHY_THEY_DIFFER], table=Table(columns, rows))
    if comparison.leftovers:
        columns = [
            Column("Node", right=False),
            Column("Backend", right=False),
            Column("Available"),
            Column("Cgroups"),
            Column("Dying"),
            Column("Processes", right=False),
        ]
        yield Section(
            "After everything was deleted",
            table=Table(
                columns,
                [
                    [
                        each.node,
                        each.backend,
                        Bytes(each.available_change_bytes, signed=True),
                        _count(each.cgroups),
                        _count(each.dying_cgroups),
                        ", ".join(each.processes) or "none seen",
                    ]
                    for each in comparison.leftovers
                ],
            ),
        )


def _node_row(row: NodeRow) -> list[Cell]:
    return [
        row.phase.label,
        row.backend,
        str(row.pods),
        Bytes(row.per_pod_bytes),
        Bytes(row.working_set_bytes),
        Bytes(row.charged_bytes),
        Bytes(row.pss_bytes),
        str(row.repeat),
        row.node,
    ]


def _count(number: int | None) -> str:
    return "?" if number is None else str(number)


def _startups(comparison: Comparison) -> Iterator[Section]:
    if not comparison.startups:
        return
    columns = [
        Column("Phase", right=False),
        Column("Backend", right=False),
        Column("n"),
        Column("p50"),
        Column("p95"),
        Column("p99"),
        Column("Never"),
        Column("Pulled"),
        Column("Source", right=False, wide=True),
    ]
    rows: list[list[Cell]] = [
        [
            each.phase.label,
            each.backend,
            str(each.n),
            _seconds(each.p50_seconds),
            _seconds(each.p95_seconds),
            _seconds(each.p99_seconds),
            str(each.never_ready),
            str(each.pulled),
            _clock(each.source, each.poll_seconds),
        ]
        for each in comparison.startups
    ]
    sentences = [TIME_TO_READY]
    unknown = sum(each.pull_unknown for each in comparison.startups)
    if unknown:
        sentences.append(f"Of {unknown} pods no event says whether an image was pulled; they are counted in.")
    yield Section("Time to ready", sentences, table=Table(columns, rows))


def _seconds(number: float | None) -> str:
    return "?" if number is None else f"{number:.2f} s"


def _clock(source: str, grain: float | None) -> str:
    if source == "api":
        return "API times, whole seconds"
    return "seen by polling" + ("" if grain is None else f" every {grain:g} s")


def _missing(comparison: Comparison) -> Iterator[Section]:
    if comparison.missing:
        bullets = [Bullet(f"{gap.backend}, {gap.phase}: {gap.reason}") for gap in comparison.missing]
        yield Section("Missing", bullets=bullets)


def _sources(comparison: Comparison) -> Section:
    return Section("Documents", bullets=[_source(each) for each in comparison.sources])


def _source(source: Source) -> Bullet:
    kind = "run" if source.kind == "run" else "snapshot"
    below = [f"SHA-256 {source.sha256}"]
    if source.plan is not None:
        below.append(f"plan {source.plan}, SHA-256 {source.plan_sha256}; run {source.run_id}")
    below += [f"image {image}" for image in source.images]
    return Bullet(f"{source.name}: {kind} of {source.backend}", below)
