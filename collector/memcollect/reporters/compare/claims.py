"""What may be claimed and what may not, and the first look at the numbers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from memcollect.compare.model import Comparison, Pair, PairKind, Source
from memcollect.reporters.paged.layout import MISSING, Bullet, Section

"""The section that says what should have been there; formats may make it stand out."""


def claims(comparison: Comparison) -> Iterator[Section]:
    """Yield what the guard allows and what not: of backends against one another, else of phases."""
    pairs = [each for each in comparison.pairs if each.kind == main_kind(comparison)]
    allowed = [Bullet(pair.claim) for pair in pairs if pair.allowed]
    elsewhere = any(pair.allowed for pair in comparison.pairs)
    nothing = "Nothing between the backends." if elsewhere else "Nothing."
    yield Section("What may be claimed", [] if allowed else [nothing], allowed)
    refused = _refusals(pairs)
    yield Section("What may not be claimed, and why", [] if refused else ["—"], refused)


def claims_within(comparison: Comparison) -> Iterator[Section]:
    """Yield the same of each backend's later phases, where the page is about several backends."""
    pairs = [each for each in comparison.pairs if each.kind != main_kind(comparison)]
    bullets = [*(Bullet(pair.claim) for pair in pairs if pair.allowed)]
    bullets += [Bullet(f"Not to be claimed: {each.text}", each.below) for each in _refusals(pairs)]
    if bullets:
        yield Section("Claims within a backend, against its first phase", bullets=bullets, folded=True)


def main_kind(comparison: Comparison) -> PairKind:
    """Return what the page is about."""
    return "backends" if len(comparison.backends) > 1 else "phases"


def _refusals(pairs: Iterable[Pair]) -> list[Bullet]:
    """Return what must not be claimed; pairs that fail for the very same reasons stand together."""
    by_reasons: dict[tuple[str, ...], list[Pair]] = {}
    for pair in pairs:
        if not pair.allowed:
            by_reasons.setdefault(tuple(dict.fromkeys(e.reason for e in pair.refusals)), []).append(pair)
    return [
        Bullet("; ".join(_gathered(alike)), list(reasons) or ["no number is known on one side"])
        for reasons, alike in by_reasons.items()
    ]


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


def missing(comparison: Comparison) -> Iterator[Section]:
    """Yield what should have been there."""
    if comparison.missing:
        bullets = [Bullet(f"{gap.backend}, {gap.phase}: {gap.reason}") for gap in comparison.missing]
        yield Section(MISSING, bullets=bullets)


def sources(comparison: Comparison) -> Section:
    """Return what the page was made of, with its hashes."""
    return Section("Documents", bullets=[_source(each) for each in comparison.sources])


def _source(source: Source) -> Bullet:
    kind = "run" if source.kind == "run" else "snapshot"
    below = [f"SHA-256 {source.sha256}"]
    if source.first_taken_at:
        until = f" to {source.last_taken_at}" if source.last_taken_at != source.first_taken_at else ""
        below.append(f"taken {source.first_taken_at}{until}")
    if source.plan is not None:
        below.append(f"plan {source.plan}, SHA-256 {source.plan_sha256}; run {source.run_id}")
    below += [f"image {image}" for image in source.images]
    otherwise = source.called if source.called != source.backend else ""
    own = f"; the run itself says {otherwise}" if otherwise else ""
    return Bullet(f"{source.name}: {kind} of {source.backend}{own}", below)
