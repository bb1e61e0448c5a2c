"""The table of services that a snapshot's processes are told by: the user's own first, then the package's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from memcollect.documents.files import read_written
from memcollect.services import Entry, default_table, parse_table


def service_table(file: Path | None) -> Sequence[Entry]:
    """Return the table. Raises DocumentError where `file` cannot be read or is no table."""
    own = parse_table(read_written(str(file), "table of services"), str(file)) if file is not None else []
    return (*own, *default_table())
