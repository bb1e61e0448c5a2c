"""What files say: how much of page cache and tmpfs they are, and which is the largest. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from memcollect.documents.snapshot import FileSum, Pod
from memcollect.explain.statement import Case, Rank, Said
from memcollect.units import human_bytes
from memcollect_agent.wire import FileUse, PodFiles

Kind = Literal["page cache", "tmpfs"]
KINDS: tuple[Kind, ...] = ("page cache", "tmpfs")
NEWS_SHARE = 0.25
"""Of the working set: a larger file is named in the verdict."""
MOST_NAME = 96
"""Characters of a path in a sentence."""
PAID = "The largest file {found}in memory is {path}: {amount} of its pages are charged to this pod."
RESIDENT = (
    "The largest file {found}in memory is {path}: {amount} of it is resident; who pays for it is not known."
)
FOUND = "found "
"""Said where what has no name leaves room for a larger one: a block device, or what no process holds open."""


def charged_bytes(use: FileUse) -> int | None:
    """Return what of the file is charged to this pod; None where that is not known."""
    if use.payers is None:
        return None
    return sum(each.bytes for each in use.payers if each.path is not None)


def resident_bytes(use: FileUse) -> int:
    """Return what of the file is in memory: of an interval the end that is measured."""
    return use.resident_low_bytes or 0 if use.by == "smaps" else use.resident_high_bytes or 0


def file_sums(pod: Pod) -> list[FileSum]:
    """Return page cache and tmpfs held against the files that were found; nothing where none were."""
    files = pod.files
    if files is None or files.before is None or "file" not in files.before or "shmem" not in files.before:
        return []
    return [_sum(files, kind) for kind in KINDS]


def _sum(files: PodFiles, kind: Kind) -> FileSum:
    is_shmem = kind == "tmpfs"
    whole, after = (_whole(stat, is_shmem=is_shmem) for stat in (files.before, files.after or files.before))
    uses = [use for use in files.files if use.is_shmem == is_shmem]
    known = sum(charged for use in uses if (charged := charged_bytes(use)) is not None)
    open_ended = [use for use in uses if use.payers is None]
    room = max(0, whole - known)
    endless = files.others > 0 or any(use.resident_high_bytes is None for use in open_ended)
    possible = room if endless else min(room, sum(use.resident_high_bytes or 0 for use in open_ended))
    return FileSum(
        kind=kind,
        whole_bytes=whole,
        named_low_bytes=known,
        named_high_bytes=known + possible,
        rest_low_bytes=whole - known - possible,
        rest_high_bytes=whole - known,
        bound_bytes=abs(after - whole),
    )


def _whole(stat: dict[str, int] | None, *, is_shmem: bool) -> int:
    lines = stat or {}
    shmem = lines.get("shmem", 0)
    return shmem if is_shmem else max(0, lines.get("file", 0) - shmem)


def largest_file(case: Case) -> Iterator[Said]:
    """Yield which file is a large part of the working set, where files were asked for."""
    files, composition = case.pod.files, case.composition
    if files is None or composition is None:
        return
    named = [use for use in files.files if use.place not in ("shared", "rest") and not use.may_be_others]
    if not named:
        return
    use = max(named, key=_weight)
    amount = _weight(use)
    if amount <= max(case.least, NEWS_SHARE * composition.working_set_bytes):
        return
    sentence = RESIDENT if charged_bytes(use) is None else PAID
    yield Said(
        topic="largest_file",
        sentence=sentence.format(
            found=FOUND if _may_be_larger(case.pod.file_sums, use, amount) else "",
            path=short_path(use.path),
            amount=human_bytes(amount),
        ),
        rank=Rank.WITHIN,
        weight=amount,
        amount_bytes=amount,
        rests_on=["files"],
    )


def _may_be_larger(sums: list[FileSum], largest: FileUse, amount: int) -> bool:
    """Return whether a file without a name may have more than `amount` of what the pod is charged for."""
    of_largest = "tmpfs" if largest.is_shmem else "page cache"
    unpaid = amount if largest.payers is None else 0
    rests = [each.rest_high_bytes - (unpaid if each.kind == of_largest else 0) for each in sums]
    return not rests or max(rests) > amount


def _weight(use: FileUse) -> int:
    charged = charged_bytes(use)
    return resident_bytes(use) if charged is None else charged


def short_path(path: str, most: int = MOST_NAME) -> str:
    """Return the path, its middle left out where it is long: its end says most."""
    if len(path) <= most:
        return path
    return f"{path[: most // 3]}…{path[-(most - most // 3 - 1) :]}"
