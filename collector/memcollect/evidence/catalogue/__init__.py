"""The catalogue: every check of every row, in the guide's order; Capacity and Startup are measured by a run.

Change a byte of it and its hash is another one: two runs are held against one another only where the hashes
are equal.
"""

from collections.abc import Sequence

from memcollect.evidence.catalogue import (
    artifacts,
    cleanup,
    commands,
    files,
    isolation,
    operations,
    paths,
    uploads,
)
from memcollect.evidence.checks import Row, digest

ROWS: tuple[Row, ...] = (
    commands.ROW,
    files.ROW,
    uploads.ROW,
    artifacts.ROW,
    paths.ROW,
    isolation.ROW,
    cleanup.ROW,
    operations.ROW,
)
NAMES: tuple[str, ...] = tuple(row.name for row in ROWS)
MEASURED = ("Capacity", "Startup")
"""The guide's first two rows."""
SHA256 = digest(ROWS)
GUARDED = ("Uploads", "Artifacts", "Paths", "Isolation")
"""Rows without which the guide lets nobody claim anything."""


def rows_named(names: Sequence[str]) -> tuple[Row, ...]:
    """Return rows by their names, in the guide's order; all for no names."""
    return tuple(row for row in ROWS if not names or row.name in names)


__all__ = ["GUARDED", "MEASURED", "NAMES", "ROWS", "SHA256", "rows_named"]
