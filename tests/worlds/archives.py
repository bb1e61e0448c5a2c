"""Archives of exported snapshots, and asking them."""

from pathlib import Path

import duckdb

from memcollect.commands.run import run
from worlds import archive_page


class Asked:
    """An archive, asked by DuckDB through the views that docs/archive.md makes."""

    def __init__(self, directory: Path, zone: str = "UTC") -> None:
        self.directory = directory
        self._zone = zone
        """Where who asks is."""

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        """Return what the statement gives."""
        with duckdb.connect() as connection:
            connection.execute(f"SET TimeZone = '{self._zone}'")
            connection.execute(archive_page.views(self.directory))
            return connection.execute(statement).fetchall()

    def count(self, table: str) -> object:
        """Return how many rows a table has."""
        return self.rows(f"SELECT count(*) FROM {table}")[0][0]  # noqa: S608 -- a name of ours


def export(archive: Asked, *words: str | Path) -> int:
    """Run `memcollect export` into the archive; return its exit code."""
    return run(["export", *map(str, words), "-o", str(archive.directory)], "memcollect")
