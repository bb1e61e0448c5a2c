"""How long pods took to become ready. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from memcollect.compare.inputs import phase_key
from memcollect.compare.model import PhaseKey, StartupRow, StartupStage
from memcollect.compare.statistics import percentile
from memcollect.documents.run import RunManifest, Startup


def startup_rows(backend: str, manifests: Iterable[RunManifest]) -> Iterator[StartupRow]:
    """Yield a row for each phase in which pods were started, over all its repeats."""
    by_phase: defaultdict[PhaseKey, list[Startup]] = defaultdict(list)
    for manifest in manifests:
        for run in manifest.phases:
            by_phase[phase_key(run)] += run.startups
    for phase, rows in by_phase.items():
        if rows:
            yield _row(backend, phase, rows)


def _row(backend: str, phase: PhaseKey, rows: Sequence[Startup]) -> StartupRow:
    own = [row for row in rows if not row.pulled]
    seen, told = [seen_seconds(row) for row in own], [_told(row) for row in own]
    polled = sum(each is not None for each in seen) >= sum(each is not None for each in told)
    known = [(row, took) for row, took in zip(own, seen if polled else told, strict=True) if took is not None]
    seconds = [took for _, took in known]
    grains = [row.poll_seconds for row in own if row.poll_seconds is not None]
    return StartupRow(
        backend=backend,
        phase=phase,
        n=len(seconds),
        pulled=len(rows) - len(own),
        pull_unknown=sum(row.pulled is None for row, _ in known),
        never_ready=len(own) - len(seconds),
        p50_seconds=percentile(seconds, 50) if seconds else None,
        p95_seconds=percentile(seconds, 95) if seconds else None,
        p99_seconds=percentile(seconds, 99) if seconds else None,
        source="polled" if polled else "api",
        poll_seconds=max(grains, default=None) if polled else None,
        seconds=[round(each, 3) for each in sorted(seconds)],
        stages=[_stage(name, [of(row) for row in own]) for name, of in _STAGES],
    )


def _stage(name: str, values: Sequence[float | None]) -> StartupStage:
    known = [each for each in values if each is not None]
    if not known:
        return StartupStage(name=name, n=0)
    p50, p95, p99 = (percentile(known, percent) for percent in (50, 95, 99))
    return StartupStage(name=name, n=len(known), p50_seconds=p50, p95_seconds=p95, p99_seconds=p99)


def seen_seconds(row: Startup) -> float | None:
    """Return the runner's own number, by one clock; a clock that was set back gives none."""
    return _between(row.requested_at, row.seen_ready_at)


def _told(row: Startup) -> float | None:
    """Return the API server's number, in whole seconds."""
    return _between(row.created_at, row.ready_at)


def _between(start: float | None, end: float | None) -> float | None:
    return end - start if start is not None and end is not None and end >= start else None


_STAGES: tuple[tuple[str, Callable[[Startup], float | None]], ...] = (
    ("scheduled", lambda row: _between(row.created_at, row.scheduled_at)),
    ("started", lambda row: _between(row.scheduled_at, row.started_at)),
    ("ready", lambda row: _between(row.started_at, row.ready_at)),
)
