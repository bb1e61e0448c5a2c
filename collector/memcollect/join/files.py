"""The files of one node's pods beside each other: who else has them, and who pays. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from memcollect.documents.snapshot import Missing, Pod

KIND = "file list"


def with_neighbours(rows: Sequence[Pod]) -> list[Pod]:
    """Return the pods of one node, each with which other ones share its files and pay for their pages."""
    if not any(row.files for row in rows):
        return list(rows)
    payers = {inode: row.full_name for row in rows for inode in _inodes(row)}
    having: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        for key in _keys(row):
            having[key].append(row.full_name)
    return [_with_neighbours(row, payers, having) for row in rows]


def files_missing(row: Pod) -> list[Missing]:
    """Return what of a pod's files was asked for and is not known, each reason once with all its places."""
    by_reason: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for gap in row.files.gaps if row.files else []:
        by_reason[gap.reason, gap.detail].append(gap.place)
    return [
        Missing(
            kind=KIND, name=row.full_name, node=row.node, reason=reason, detail=f"{_places(places)}{detail}"
        )
        for (reason, detail), places in by_reason.items()
    ]


def _places(places: Sequence[str]) -> str:
    known = [place for place in places if place]
    more = f" and {len(known) - 3} more" if len(known) > 3 else ""
    return f"of {', '.join(known[:3])}{more}: " if known else ""


def _with_neighbours(row: Pod, payers: dict[str, str], having: dict[str, list[str]]) -> Pod:
    if row.files is None:
        return row
    own = row.full_name
    paying = {str(each.cgroup_inode) for use in row.files.files for each in use.payers or [] if not each.path}
    return msgspec.structs.replace(
        row,
        file_payers={inode: payers[inode] for inode in sorted(paying) if inode in payers},
        file_sharers={
            key: [name for name in having[key] if name != own] for key in _keys(row) if len(having[key]) > 1
        },
    )


def _inodes(row: Pod) -> list[str]:
    cgroups = [row.cgroup, *(each.cgroup for each in row.containers)]
    return [str(each.inode) for each in cgroups if each is not None and each.inode is not None]


def _keys(row: Pod) -> list[str]:
    # Shared memory without a name is nobody else's; a rest is no file.
    return [f"{use.device}:{use.inode}" for use in (row.files.files if row.files else []) if use.inode]
