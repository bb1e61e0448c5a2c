"""What files and mappings of one pod changed between two snapshots. Pure."""

from __future__ import annotations

from memcollect.compare.grown.words import LEAST_BYTES
from memcollect.compare.growth import PodChange, ServicesOff
from memcollect.explain.files import short_path
from memcollect.explain.mapped import kind_label
from memcollect.reporters.file_words import PLACES
from memcollect.reporters.paged.layout import Bullet, Bytes, Cell, Column, Range, Section, Table
from memcollect.reporters.price_words import between, listed
from memcollect.reporters.sizes import signed_size, size

MOST_PARTS = 8
MEANWHILE = "What else changed in a container meanwhile is in its charge, too, page cache above all."


def largest_file(change: PodChange) -> str:
    """Return which file changed most, where that is surely as much as a pod at rest does not change."""
    file = next((each for each in change.files if not each.reason), None)
    if file is None or file.change_low_bytes is None or file.change_high_bytes is None:
        return ""
    if min(abs(file.change_low_bytes), abs(file.change_high_bytes)) < LEAST_BYTES:
        return ""
    ends = sorted({signed_size(file.change_low_bytes), signed_size(file.change_high_bytes)})
    return f" Of its files {short_path(file.path)} changed most ({' to '.join(ends)}, {file.measure})."


def services_off(change: PodChange) -> Section:
    """Return what services that are off have saved, beside what was predicted of them."""
    bullets = [Bullet(f"{each.container}: {_off(each)}") for each in change.services_off]
    return Section(f"{change.pod}: services that are off", [MEANWHILE], bullets)


def _off(each: ServicesOff) -> str:
    predicted = between(each.predicted_low_bytes, each.predicted_high_bytes)
    said = f"without {listed(each.services)}, {predicted} was predicted"
    if each.predicted_low_bytes is None:
        said = f"without {listed(each.services)}; what that would save was not known"
    if each.fell_bytes is None:
        return f"{said}. What the container is charged for is not known at both moments."
    if each.fell_bytes < 0:
        return f"{said}. The container's charge rose by {size(-each.fell_bytes)}."
    return f"{said}. The container's charge fell by {size(each.fell_bytes)}{_held(each)}."


def _held(each: ServicesOff) -> str:
    low, high, fell = each.predicted_low_bytes, each.predicted_high_bytes, each.fell_bytes or 0
    if low is None:
        return ""
    if fell < low:
        return ", which is less"
    if high is None:
        return ", which is in keeping with it"
    return ", which is within that" if fell <= high else ", which is more"


def by_file(change: PodChange) -> Section:
    """Return the files of page cache and tmpfs that changed most."""
    columns = [
        Column("File", right=False),
        Column("What it is", right=False, wide=True),
        Column("Before"),
        Column("After"),
        Column("Change"),
    ]
    known = [each for each in change.files if not each.reason]
    unknown = [each for each in change.files if each.reason]
    rows: list[list[Cell]] = [
        [
            each.path,
            f"{PLACES.get(each.place, each.place)}, {each.measure}",
            _between(each.before_low_bytes, each.before_high_bytes),
            _between(each.after_low_bytes, each.after_high_bytes),
            _between(each.change_low_bytes, each.change_high_bytes, signed=True),
        ]
        for each in known[:MOST_PARTS]
    ]
    notes = [_more(len(known) - MOST_PARTS, "files")] if len(known) > MOST_PARTS else []
    if unknown:
        notes.append(
            f"Not known at both moments: {len(unknown)} files, {unknown[0].path} first ({unknown[0].reason})."
        )
    return Section(f"{change.pod}: by file", notes, table=Table(columns, rows) if rows else None)


def _between(low: int | None, high: int | None, *, signed: bool = False) -> Cell:
    return Bytes(low, signed) if low == high else Range(low, high, signed)


def _more(count: int, what: str) -> str:
    return f"{count} more {what} changed less; --format json has them all."


def by_mapping(change: PodChange) -> Section:
    """Return the kinds of private memory that changed most."""
    columns = [
        Column("Private memory", right=False),
        Column("Program", right=False),
        Column("Container", right=False, wide=True),
        Column("Before"),
        Column("After"),
        Column("Change"),
    ]
    rows: list[list[Cell]] = [
        [
            ("~" if each.is_by_shape else "") + kind_label(each.kind, each.name),
            each.program,
            each.container,
            Bytes(each.before_bytes),
            Bytes(each.after_bytes),
            Bytes(each.change_bytes, signed=True),
        ]
        for each in change.mappings[:MOST_PARTS]
    ]
    notes = [_more(len(change.mappings) - MOST_PARTS, "kinds")] if len(change.mappings) > MOST_PARTS else []
    if not change.mappings_whole:
        notes.append("Not the mappings of every process were read: one that was left out before looks new.")
    return Section(f"{change.pod}: by mapping", notes, table=Table(columns, rows))
