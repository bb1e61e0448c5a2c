"""The files behind page cache and tmpfs, in words that every format shares. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from memcollect.documents.snapshot import FileSum, Pod
from memcollect.explain.files import charged_bytes, resident_bytes
from memcollect.reporters.sizes import interval, size
from memcollect_agent.wire import FileUse

TITLE = "Files behind page cache and tmpfs"
MOST_SHOWN = 10
PLACES = {
    "image": "the image",
    "writable": "the container's own layer",
    "volume": "a volume",
    "tmpfs": "tmpfs",
    "disk": "a mounted disk",
    "mapped": "mapped",
    "shared": "shared memory",
    "memfd": "a memfd",
    "deleted": "deleted, still open",
    "rest": "a tmpfs",
}
REST_NAME = "files that may not be read"
OTHER = "another cgroup"


class FileRow(Struct, frozen=True):
    """One file as a line of a table."""

    bytes: int
    """By which the table is ordered, and the bar drawn."""
    amount: str
    name: str
    remark: str


def file_rows(pod: Pod) -> list[FileRow]:
    """Return a row for each file of the document, in its order."""
    return [_row(pod, use) for use in (pod.files.files if pod.files else [])]


def _row(pod: Pod, use: FileUse) -> FileRow:
    charged = charged_bytes(use)
    shown = resident_bytes(use) if charged is None else charged
    at_least = "≥ " if use.by == "smaps" else ""
    at_most = "≤ " if charged is None and use.resident_low_bytes != use.resident_high_bytes else ""
    return FileRow(
        shown,
        f"{at_least or at_most}{size(shown)}",
        REST_NAME if use.place == "rest" else use.path,
        ", ".join(_remarks(pod, use)),
    )


def _remarks(pod: Pod, use: FileUse) -> Iterator[str]:
    yield _place(use)
    charged = charged_bytes(use)
    resident = resident_bytes(use)
    if charged is None:
        yield from _unpaid(use)
    elif charged == resident:
        yield "charged to this pod"
    else:
        yield f"of {size(resident)} resident"
        yield from _others(pod, use)
    if use.dirty_bytes:
        yield f"{size(use.dirty_bytes)} not written yet"
    sharers = pod.file_sharers.get(f"{use.device}:{use.inode}", [])
    if sharers:
        more = f" and {len(sharers) - 1} more" if len(sharers) > 1 else ""
        yield f"also of {sharers[0]}{more}"
    if use.pids:
        yield f"PID {', '.join(map(str, use.pids[:3]))}" + (", …" if len(use.pids) > 3 else "")


def _unpaid(use: FileUse) -> Iterator[str]:
    # Of a mapping the place says all there is to say.
    if use.by != "smaps":
        yield "resident, perhaps another pod's" if use.may_be_others else "resident"


def _others(pod: Pod, use: FileUse) -> Iterator[str]:
    """Yield who else pays for it, the largest first."""
    for payer in (each for each in use.payers or [] if each.path is None):
        if payer.cgroup_inode:
            yield f"{pod.file_payers.get(str(payer.cgroup_inode), OTHER)} pays {size(payer.bytes)}"
            return


def _place(use: FileUse) -> str:
    place = PLACES.get(use.place, use.place)
    if use.volume:
        kind = f" ({use.volume_kind})" if use.volume_kind else ""
        return f"volume {use.volume}{kind}"
    return place


def others_text(pod: Pod, hidden: list[FileRow]) -> str:
    """Return what stands for the files that are not shown; "" where all are."""
    files = pod.files
    if files is None:
        return ""
    count = files.others + len(hidden)
    return f"{count} others" if count > 1 else "1 other" if count else ""


def others_bytes(pod: Pod, hidden: list[FileRow]) -> int:
    """Return the bytes of those that are not shown."""
    return (pod.files.others_bytes if pod.files else 0) + sum(row.bytes for row in hidden)


def sum_sentences(pod: Pod) -> Iterator[str]:
    """Yield how much of page cache and tmpfs the files account for, and what of it has no name."""
    for each in pod.file_sums:
        if each.whole_bytes:
            yield _sum(each)
    if sentence := page_sentence(pod):
        yield sentence


def _sum(each: FileSum) -> str:
    label = "Page cache" if each.kind == "page cache" else "Tmpfs and shared memory"
    named = _between(each.named_low_bytes, each.named_high_bytes)
    rest = _between(each.rest_low_bytes, each.rest_high_bytes)
    moved = f" It moved by {size(each.bound_bytes)} meanwhile." if each.bound_bytes else ""
    return (
        f"{label}, {size(each.whole_bytes)} charged to the pod: {named} of it is in these files, {rest} in no"
        f" file that is named.{moved}"
    )


def _between(low: int, high: int) -> str:
    """Return the interval; one number where nobody could tell its ends apart."""
    return size(low) if size(low) == size(high) else interval(low, high)


LISTS = (
    ("active_file_bytes", "of page cache on the active list"),
    ("inactive_file_bytes", "of page cache on the inactive list"),
    ("unevictable_file_bytes", "of page cache locked in memory"),
    ("shmem_bytes", "of tmpfs and shared memory"),
    ("untold_bytes", "in large folios, whose list this kernel does not tell"),
    ("dirty_bytes", "of the page cache not written yet"),
    ("huge_bytes", "of all in huge pages"),
)


def page_sentence(pod: Pod) -> str:
    """Return on which lists the pod's pages of files are, where they were counted one by one; "" else."""
    pages = (pod.files.pages if pod.files else None) or []
    amounts = [(sum(getattr(each, name) for each in pages), what) for name, what in LISTS]
    told = [f"{size(amount)} {what}" for amount, what in amounts if amount]
    return f"Counted page by page: {', '.join(told)}." if told else ""


def open_sentences(pod: Pod) -> Iterator[str]:
    """Yield what of the files is not known, and which right or kernel would tell."""
    files = pod.files
    if files is None:
        return
    if files.payers_unknown:
        yield f"Who pays for a file is not known: {files.payers_unknown}."
    if files.pages_unknown:
        yield f"Which lists its pages are on is known of memory.stat alone: {files.pages_unknown}."
    for gap in files.gaps:
        count = f"{gap.files} files: " if gap.files else ""
        place = f"{gap.place}: " if gap.place else ""
        yield f"{place}{count}{gap.detail}."


def nothing_text(pod: Pod) -> str:
    """Return why no file is shown though files were asked for; "" where some are, or none were."""
    if pod.files is None or pod.files.files or pod.files.gaps:
        return ""
    return "The pod is charged for less than 1 MiB of page cache and tmpfs: no file was looked for."
