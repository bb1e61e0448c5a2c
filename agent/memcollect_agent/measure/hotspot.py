"""Where a Java process has its metaspace, which HotSpot reserves whole and makes writable by pieces. Pure.

    class space    follows the archive of classes (classes.jsa) without a hole, up to the rest of its reserve,
                   which is 1 GiB by default (src/hotspot/share/cds/metaspaceShared.cpp). Where there is no
                   archive, it follows the heap, if that has compressed references
    metaspace      nodes of 64 MiB, aligned to 4 MiB; what is writable is whole pieces of 64 KiB and no longer
                   without reserve (src/hotspot/share/memory/metaspace: settings.hpp, chunklevel.hpp). A heap
                   of 64 MiB that may grow looks alike, but lies where references can be compressed

It was held against native memory tracking of JDK 17 and 25 (jcmd VM.native_memory).
"""

from collections.abc import Iterator, Sequence

from memcollect_agent.parse.smaps import Mapping

NODE_BYTES = 64 << 20
NODE_ALIGNMENT = 4 << 20
COMMITTED_BYTES = 64 << 10
CLASS_SPACE_BYTES = 1 << 30
COMPRESSED = range(1 << 20, 32 << 30)
"""Where a heap may lie whose references are compressed and not shifted by a base."""
REST_BYTES = 64 << 20
"""Of the class space's reserve that is not used: its end, where that much follows."""
_ARCHIVE = ".jsa"


def metaspace(mappings: Sequence[Mapping]) -> frozenset[int]:
    """Return where the mappings begin that are class space or metaspace; `mappings` are in their order."""
    found: set[int] = set()
    for at, mapping in enumerate(mappings):
        if mapping.path.endswith(_ARCHIVE):
            found.update(each.start for each in _class_space(mappings, at))
        elif mapping.start not in COMPRESSED and mapping.start % NODE_ALIGNMENT == 0:
            found.update(each.start for each in _node(mappings, at))
    if not any(mapping.path.endswith(_ARCHIVE) for mapping in mappings):
        found.update(each.start for each in _unarchived(mappings))
    return frozenset(found)


def _unarchived(mappings: Sequence[Mapping]) -> list[Mapping]:
    """Return what of the class space right above the heap is writable, and no one mapping with the heap."""
    found: list[Mapping] = []
    low = [mapping for mapping in mappings if mapping.start in COMPRESSED]
    for at, first in enumerate(low):
        if at and low[at - 1].end == first.start:
            continue
        run = list(_following(low, at, first.start))
        start = run[-1].end - CLASS_SPACE_BYTES if run else first.start
        if first.start < start and start % NODE_ALIGNMENT == 0 and _is_barred(run[-1]):
            found = [each for each in run if each.start >= start and not _is_barred(each)]
    return found


def _class_space(mappings: Sequence[Mapping], archive: int) -> list[Mapping]:
    """Return what of it is writable; nothing of an archive of objects, which lies in the heap."""
    writable: list[Mapping] = []
    for mapping in _following(mappings, archive + 1, mappings[archive].end):
        if _is_barred(mapping) and mapping.size >= REST_BYTES:
            return writable
        if mapping.permissions == "rw-p":
            writable.append(mapping)
    return []


def _node(mappings: Sequence[Mapping], first: int) -> list[Mapping]:
    """Return what of a node is writable; nothing where none begins there."""
    start = mappings[first].start
    writable: list[Mapping] = []
    for mapping in _following(mappings, first, start):
        if mapping.size % COMMITTED_BYTES or _is_barred(mapping) != _is_without_reserve(mapping):
            return []
        if not _is_barred(mapping):
            writable.append(mapping)
        if mapping.end >= start + NODE_BYTES:
            return writable if mapping.end == start + NODE_BYTES and _is_barred(mapping) else []
    return []


def _following(mappings: Sequence[Mapping], at: int, end: int) -> Iterator[Mapping]:
    """Yield the unnamed mappings from there on that follow each other without a hole."""
    for mapping in mappings[at:]:
        if mapping.start != end or mapping.path or "x" in mapping.permissions:
            return
        yield mapping
        end = mapping.end


def _is_barred(mapping: Mapping) -> bool:
    return mapping.permissions == "---p"


def _is_without_reserve(mapping: Mapping) -> bool:
    return "nr" in mapping.flags.split()
