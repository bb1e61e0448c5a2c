"""What stands beside the pods' numbers: release and reuse, processes left, time to ready. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from memcollect.compare.model import Comparison, ReuseRow, ServicesSaved, StartupRow
from memcollect.reporters.compare.grown_contents import MEANWHILE
from memcollect.reporters.compare.numbers import metric_label
from memcollect.reporters.paged.layout import Bullet, Bytes, Cell, Column, Range, Section, Table, Timing
from memcollect.reporters.price_words import between, listed
from memcollect.reporters.sizes import signed_size

PREDICTED = (
    "Of each repeat the prediction is its own, made of the phase before; shown are the lowest and the highest"
    " end of all repeats. A repeat's number is the mean over its pods."
)
REUSE = (
    "Growth: working set per pod, last round minus first round of the same repeat, the median over the"
    " repeats. A sandbox that is handed on and grows each time is one that keeps what its users left."
)
TIME_TO_READY = (
    "From asked for to ready. Percentiles are nearest-rank: of fewer than 100 pods p99 is the slowest. Pods"
    " that pulled an image are left out and counted."
)

STAGE_TITLES = ("Scheduled", "Started", "Then ready")
STAGES = (
    "Scheduled, started, then ready (on wide pages): the median of each stretch after the one before it, by"
    " the API server's times, which are whole seconds."
)


def reuses(comparison: Comparison) -> Iterator[Section]:
    """Yield whether released sandboxes came back as the same pods, and whether they grew."""
    if not comparison.reuses:
        return
    columns = [
        Column("Phase", right=False),
        Column("Backend", right=False),
        Column("Rounds"),
        Column("Same pod"),
        Column("n"),
        Column("Growth"),
        Column("Min–max"),
        Column("Most of it", right=False),
        Column("of that", wide=True),
    ]
    rows = [_reuse_row(each) for each in comparison.reuses]
    yield Section("Release and reuse", [REUSE], table=Table(columns, rows))


def _reuse_row(row: ReuseRow) -> list[Cell]:
    head: list[Cell] = [row.phase, row.backend, str(row.rounds), f"{row.same_pod}/{row.reuses}"]
    if row.growth is None:
        return [*head, "0", Bytes(None), "?", row.reason, Bytes(None)]
    return [
        *head,
        str(row.growth.n),
        Bytes(row.growth.median_bytes, signed=True),
        Range(row.growth.low_bytes, row.growth.high_bytes, signed=True),
        metric_label(row.grown_term) if row.grown_term else "",
        Bytes(row.grown_term_bytes, signed=True) if row.grown_term else "",
    ]


def left(comparison: Comparison) -> Iterator[Section]:
    """Yield the processes that phases left behind."""
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
            each.phase.short,
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


def services(comparison: Comparison) -> Iterator[Section]:
    """Yield what services that a phase has off have saved, beside what was predicted of them."""
    if comparison.services_saved:
        bullets = [Bullet(_saved(each)) for each in comparison.services_saved]
        yield Section("Services that a phase has off", [PREDICTED, MEANWHILE], bullets)


def _saved(each: ServicesSaved) -> str:
    where = f"{each.backend}, {each.phase.label} against {each.after.label}, container {each.container}"
    names = listed(each.services)
    said = f"without {names}; what that would save was not known in every repeat"
    if each.predicted_low is not None:
        high = each.predicted_high.high_bytes if each.predicted_high is not None else None
        said = f"without {names}, {between(each.predicted_low.low_bytes, high)} was predicted"
    times = f" (off in {each.repeats} of {each.of_repeats} repeats)"
    return f"{where}: {said}{times if each.repeats < each.of_repeats else ''}. {_fell(each)}"


def _fell(each: ServicesSaved) -> str:
    if each.fell is None:
        return "What the container is charged for is not known at both phases of every repeat."
    change = signed_size(-each.fell.median_bytes)
    ends = f"{signed_size(-each.fell.high_bytes)} to {signed_size(-each.fell.low_bytes)}"
    over = f", the median of {each.fell.n} repeats ({ends})" if each.fell.n > 1 else ""
    return f"The container's charge changed by {change}{over}{_held(each)}."


def _held(each: ServicesSaved) -> str:
    if each.judged > 1:
        return f": within what was predicted in {each.within} of {each.judged} repeats"
    return f", {'' if each.within else 'not '}within what was predicted" if each.judged else ""


def startups(comparison: Comparison) -> Iterator[Section]:
    """Yield how long pods took to become ready."""
    if not comparison.startups:
        return
    staged = any(stage.n for each in comparison.startups for stage in each.stages)
    columns = [
        Column("Phase", right=False),
        Column("Backend", right=False),
        Column("n"),
        Column("p50"),
        Column("p95"),
        Column("p99"),
        Column("Never"),
        Column("Pulled"),
        *(Column(title, wide=True) for title in STAGE_TITLES if staged),
        Column("Source", right=False, wide=True),
    ]
    rows: list[list[Cell]] = [
        [
            each.phase.short,
            each.backend,
            str(each.n),
            _seconds(each.p50_seconds),
            _seconds(each.p95_seconds),
            _seconds(each.p99_seconds),
            str(each.never_ready),
            str(each.pulled),
            *(_whole_seconds(stage.p50_seconds) for stage in each.stages if staged),
            _clock(each.source, each.poll_seconds),
        ]
        for each in comparison.startups
    ]
    sentences = [TIME_TO_READY]
    if staged:
        sentences.append(STAGES)
    unknown = sum(each.pull_unknown for each in comparison.startups)
    if unknown:
        sentences.append(f"Of {unknown} pods no event says whether an image was pulled; they are counted in.")
    timings = [_timing(each) for each in comparison.startups]
    yield Section("Time to ready", sentences, table=Table(columns, rows, timings))


def _timing(row: StartupRow) -> Timing:
    p50, p95, p99 = row.p50_seconds, row.p95_seconds, row.p99_seconds
    if p50 is None or p95 is None or p99 is None:
        return Timing(row.seconds, None)
    return Timing(row.seconds, (p50, p95, p99))


def _seconds(number: float | None) -> str:
    return "?" if number is None else f"{number:.2f} s"


def _whole_seconds(number: float | None) -> str:
    return "?" if number is None else f"{number:.0f} s"


def _clock(source: str, grain: float | None) -> str:
    if source == "api":
        return "API times, whole seconds"
    return "seen by polling" + ("" if grain is None else f" every {grain:g} s")
