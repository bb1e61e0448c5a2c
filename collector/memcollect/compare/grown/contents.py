"""What files and mappings of one pod changed between two moments. Pure.

Held against each other is what both moments know of a file: what of it is charged to the pod, else what of
it is in memory, else what its processes map. A file that only one list names is new, or gone, where the other
list was whole; where that was cut, at most as large as the smallest that it names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from memcollect.compare.growth import FileChange, FileMeasure, MappingChange
from memcollect.compare.processes import lists_all
from memcollect.documents.snapshot import Pod, PrivatePart
from memcollect.explain.files import charged_bytes, resident_bytes
from memcollect.explain.mapped import Held, held, program_of
from memcollect.join.roles import app_containers
from memcollect_agent.wire import FileUse, PodFiles

NOT_WHOLE = "not among the files that were looked at {when}"
OTHER_MEASURE = "measured in another way {when}"

Bounds = tuple[int, int]
_FileKey = tuple[str, str]
_PartKey = tuple[str, str, str, str]


def file_changes(old: Pod, new: Pod) -> list[FileChange]:
    """Return the files that changed, the largest change first and those of unknown change last."""
    if old.files is None or new.files is None:
        return []
    before, after = _by_name(old.files), _by_name(new.files)
    changes = [
        _file_change(key, before.get(key, []), after.get(key, []), old.files, new.files)
        for key in sorted({*before, *after})
    ]
    told = [
        each for each in changes if each.reason or (each.change_low_bytes, each.change_high_bytes) != (0, 0)
    ]
    return sorted(told, key=_weight)


def _by_name(files: PodFiles) -> dict[_FileKey, list[FileUse]]:
    found: defaultdict[_FileKey, list[FileUse]] = defaultdict(list)
    for use in files.files:
        if not use.may_be_others:
            found[use.path, use.place].append(use)
    return found


def _file_change(
    key: _FileKey, old: Sequence[FileUse], new: Sequence[FileUse], before: PodFiles, after: PodFiles
) -> FileChange:
    path, place = key
    measure = _common([*old, *new])
    first = _amount(old, measure) if old else _unlisted(path, before)
    then = _amount(new, measure) if new else _unlisted(path, after)
    if measure is None or first is None or then is None:
        reason = OTHER_MEASURE.format(when="at one of the moments")
        if measure is not None:
            reason = NOT_WHOLE.format(when="before" if first is None else "after")
        return FileChange(path=path, place=place, reason=reason)
    return FileChange(
        path=path,
        place=place,
        measure=measure,
        before_low_bytes=first[0],
        before_high_bytes=first[1],
        after_low_bytes=then[0],
        after_high_bytes=then[1],
        change_low_bytes=then[0] - first[1],
        change_high_bytes=then[1] - first[0],
    )


def _common(uses: Sequence[FileUse]) -> FileMeasure | None:
    """Return the best measure that all of these have; None where they have none in common."""
    if all(use.payers is not None for use in uses):
        return "charged"
    if all(use.by == "smaps" for use in uses):
        return "mapped"
    return None if any(use.by == "smaps" for use in uses) else "resident"


def _amount(uses: Sequence[FileUse], measure: FileMeasure | None) -> Bounds | None:
    if measure is None:
        return None
    if measure == "charged":
        charged = sum(charged_bytes(use) or 0 for use in uses)
        return charged, charged
    low = sum(use.resident_low_bytes or 0 for use in uses)
    return low, low if measure == "mapped" else sum(resident_bytes(use) for use in uses)


def _unlisted(path: str, files: PodFiles) -> Bounds | None:
    """Return what a file may have in memory that the list does not name; None where it may be anything."""
    for gap in files.gaps:
        is_elsewhere = gap.reason == "unsafe" and not path.startswith(gap.place.rstrip("/") + "/")
        if not is_elsewhere:
            return None
    if not files.others:
        return 0, 0
    if any(use.payers is not None for use in files.files):
        return 0, files.others_bytes
    return 0, min((resident_bytes(use) for use in files.files), default=files.others_bytes)


def _weight(change: FileChange) -> tuple[bool, int, str]:
    known = change.change_low_bytes is not None
    return not known, -max(abs(change.change_low_bytes or 0), abs(change.change_high_bytes or 0)), change.path


def mapping_changes(old: Pod, new: Pod) -> list[MappingChange]:
    """Return the parts of private memory that changed, by program and kind, the largest change first."""
    before, after = _parts(old), _parts(new)
    changes = [_mapping_change(key, before.get(key, []), after.get(key, [])) for key in {*before, *after}]
    told = [each for each in changes if each.change_bytes]
    return sorted(
        told, key=lambda each: (-abs(each.change_bytes), each.container, each.program, each.kind, each.name)
    )


def mappings_are_whole(pod: Pod) -> bool:
    """Return whether the mappings of every process of the pod's own containers were read."""
    return pod.summary is None and all(
        lists_all(each)
        and len(each.private) == len(each.processes)
        and not any(memory.missing for memory in each.private)
        for each in app_containers(pod)
    )


def _parts(pod: Pod) -> dict[_PartKey, list[PrivatePart]]:
    found: defaultdict[_PartKey, list[PrivatePart]] = defaultdict(list)
    for container in app_containers(pod):
        for each in held(container):
            found[_key(each)].append(each.part)
    return found


def _key(each: Held) -> _PartKey:
    return each.container.name, program_of(each.process), each.part.kind, each.part.name


def _mapping_change(key: _PartKey, old: Sequence[PrivatePart], new: Sequence[PrivatePart]) -> MappingChange:
    container, program, kind, name = key
    before, after = (sum(part.estimate_bytes for part in parts) for parts in (old, new))
    return MappingChange(
        container=container,
        program=program,
        kind=kind,
        name=name,
        is_by_shape=any(part.confidence == "inferred" for part in (*old, *new)),
        mappings_before=sum(part.mappings for part in old),
        mappings_after=sum(part.mappings for part in new),
        before_bytes=before,
        after_bytes=after,
        change_bytes=after - before,
    )
