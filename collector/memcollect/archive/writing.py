"""Rows as Parquet files, a file for each table, of one snapshot."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct
from msgspec.structs import astuple

from memcollect.archive.columns import ARCHIVE_VERSION, TABLES, Column, columns_of

ROWS_AT_ONCE = 1024
"""Kept as Python's objects before they become columns …"""
ROW_GROUP_ROWS = 131_072
"""… and how many of those become one row group: what a reader skips or reads whole."""
TABLE_KEY = b"memcollect.table"
_KINDS = {str: pa.string(), int: pa.int64(), bool: pa.bool_(), datetime: pa.timestamp("us", tz="UTC")}


def schema_of(table: str) -> pa.Schema:
    """Return the table's schema: every field has its meaning, and the file the version of the tables."""
    fields = [_field(column) for column in columns_of(table)]
    about = {b"memcollect.archive_version": str(ARCHIVE_VERSION), TABLE_KEY: table}
    return pa.schema(fields, metadata=about)


def _field(column: Column) -> pa.Field:
    kind = _KINDS[column.kind]
    return pa.field(column.name, kind, nullable=column.may_be_null, metadata={"meaning": column.meaning})


class TableFile:
    """One table's file in the making."""

    def __init__(self, path: Path, table: str) -> None:
        """Open it: an OSError where that cannot be."""
        self._table = table
        self._schema = schema_of(table)
        # Absolute: pyarrow takes a relative name like "prod:archive" for a URI.
        self._writer = pq.ParquetWriter(path.absolute(), self._schema, compression="zstd")
        self._rows: list[Struct] = []
        self.rows = 0
        """How many were written; all when it is closed."""
        self._batches: list[pa.RecordBatch] = []

    def add(self, rows: Iterable[Struct]) -> None:
        """Add rows. Raises ValueError where a value fits no column."""
        self._rows += rows
        if len(self._rows) >= ROWS_AT_ONCE:
            self._turn()
            if sum(batch.num_rows for batch in self._batches) >= ROW_GROUP_ROWS:
                self._write()

    def close(self) -> None:
        """Write what is left, and the file's end."""
        self._turn()
        self._write()
        self._writer.close()

    def release(self) -> None:
        """Let go of the file, finished or not."""
        with suppress(OSError, pa.ArrowException):
            self._writer.close()

    def _turn(self) -> None:
        """Make columns of the rows."""
        self.rows += len(self._rows)
        columns = zip(*map(astuple, self._rows), strict=True) if self._rows else [()] * len(self._schema)
        arrays = [self._column(*each) for each in zip(columns, self._schema, strict=True)]
        self._batches.append(pa.record_batch(arrays, schema=self._schema))
        self._rows.clear()

    def _column(self, values: tuple[object, ...], field: pa.Field) -> pa.Array:
        try:
            return pa.array(values, field.type)
        except (pa.ArrowException, ValueError, ArithmeticError) as error:
            raise ValueError(f"{self._table}.{field.name}: {error}") from error

    def _write(self) -> None:
        """Write a row group."""
        table = pa.Table.from_batches(self._batches, self._schema)
        self._writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
        self._batches.clear()


@contextmanager
def table_files(directory: Path) -> Iterator[dict[str, TableFile]]:
    """Give a file for each table, "TABLE.parquet" in `directory`; whole, and on the disk, when it ends."""
    with ExitStack() as stack:
        paths = {table: directory / f"{table}.parquet" for table in TABLES}
        files: dict[str, TableFile] = {}
        for table, path in paths.items():
            files[table] = TableFile(path, table)
            stack.callback(files[table].release)
        yield files
        for table, file in files.items():
            file.close()
            _flush(paths[table])


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_whole(path: Path, table: str) -> bool:
    """Return whether a file is one of the table's, to its end: an OSError where it cannot be opened."""
    with path.open("rb") as stream:
        try:
            found = pq.read_metadata(stream).metadata or {}
        except (OSError, pa.ArrowException):
            return False
    return bool(found.get(TABLE_KEY) == table.encode())
