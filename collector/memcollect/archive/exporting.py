"""A saved snapshot into an archive."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePath

import pyarrow as pa

from memcollect.archive.directory import Archive
from memcollect.archive.rows import Counted, pod_rows, snapshot_row
from memcollect.archive.writing import TableFile, table_files
from memcollect.documents.snapshot import Snapshot
from memcollect.documents.stored import Stored, open_snapshot
from memcollect.documents.times import written_time
from memcollect.errors import DocumentError

UNNAMED = "unnamed"


@dataclass(frozen=True)
class Exported:
    """What became of one snapshot."""

    name: str
    cluster: str
    added: bool
    """False: the archive held it already."""
    rows: Counter[str] = field(default_factory=Counter)
    """By table."""
    in_summary: int = 0
    """Pods that were told in summary."""
    same_as: str = ""
    """The file of which the archive held the same measurement."""


def export(archive: Archive, name: str, cluster: str | None) -> Exported:
    """Put the snapshot saved in the file `name` into the archive, unless the archive holds it.

    Raises DocumentError where it cannot be read, or has what no column takes; nothing of it is kept then.
    """
    with open_snapshot(name) as stored:
        held = archive.cluster_of(stored.sha256)
        if held is not None:
            return Exported(stored.name, held, added=False)
        named = cluster or cluster_name(stored.rest)
        with archive.staging() as staging:
            try:
                day = f"{written_time(stored.rest.captured_at):%Y-%m-%d}"
                with table_files(staging) as files:
                    in_summary = _write(stored, files)
                rows = Counter({table: file.rows for table, file in files.items()})
            except (pa.ArrowException, ValueError, ArithmeticError) as error:
                raise DocumentError(
                    f"{stored.name} was not exported: it has a value that cannot be ({error}).",
                    "Was it edited? The archive is unchanged.",
                ) from error
            same_as = archive.same_as(stored.sha256, staging, day)
            if same_as is not None:
                return Exported(stored.name, named, added=False, same_as=same_as)
            archive.add(stored.sha256, staging, day, named)
    return Exported(stored.name, named, added=True, rows=rows, in_summary=in_summary)


def _write(stored: Stored, files: dict[str, TableFile]) -> int:
    """Write every row; return how many pods were told in summary."""
    counted = Counted()
    for pod in stored.pods:
        counted.add(pod)
        for table, rows in pod_rows(stored.sha256, pod).items():
            if rows:
                files[table].add(rows)
    file = PurePath(stored.name).name
    row = snapshot_row(stored.sha256, file, stored.size_bytes, stored.rest, counted)
    files["snapshots"].add([row])
    return counted.in_summary


def cluster_name(rest: Snapshot) -> str:
    """Return the cluster that a snapshot is of, as its document says; of a machine alone its name."""
    machine = rest.nodes[0].name if rest.mode == "local" and rest.nodes else ""
    return rest.cluster or machine or UNNAMED
