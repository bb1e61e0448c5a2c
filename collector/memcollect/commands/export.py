"""`memcollect export`: saved snapshots as Parquet, for engines that answer questions over many of them."""

from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from memcollect.commands.help_page import GroupedCommand
from memcollect.commands.options import Format, clean_text, option, typed, verbose_option
from memcollect.commands.output import counted, say
from memcollect.commands.taking import EXIT_INCOMPLETE, EXIT_OK
from memcollect.errors import DocumentError, UnsupportedError

if TYPE_CHECKING:
    from memcollect.archive.directory import Archive

EXIT_FAILED = 1
MOST_NAMED = 5

EPILOG = """\b
Examples:
  memcollect export nightly/*.json -o archive
  memcollect snapshot -A --format json | memcollect export - --cluster prod -o archive
  duckdb -c "select image, max(anon_bytes) from 'archive/containers/*/*/*.parquet' group by image"

Exit codes: 0 everything is in the archive; 1 nothing could be exported; 2 wrong usage; 3 a snapshot could
not be exported, or a file of the archive is damaged; 130 interrupted: the snapshots before are in it.
"""


class ExportOptions(Struct, frozen=True, kw_only=True):
    """What `memcollect export` was told."""

    documents: tuple[str, ...]
    format_: str
    output: Path
    cluster: str | None


@click.command("export", cls=GroupedCommand, epilog=EPILOG)
@click.argument("documents", nargs=-1, required=True, metavar="SNAPSHOT...")
@option(
    "--format",
    "format_",
    type=Format(["parquet"]),
    default="parquet",
    show_default=True,
    help="The format of the archive.",
)
@option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="The archive's directory. An archive that is there is added to.",
)
@option(
    "--cluster",
    metavar="NAME",
    callback=clean_text,
    help="Call the snapshots' cluster NAME. [default: what they say themselves]",
)
@verbose_option
@typed(ExportOptions)
def command(options: ExportOptions) -> int:
    """Add saved snapshots to an archive of Parquet files: tables of pods, containers, terms and more.

    SNAPSHOT is a file that `memcollect snapshot --format json` wrote (- for standard input). One that is in
    the archive already is not added twice. Keep the JSON as evidence: the table `snapshots` has its hash.
    DuckDB, Spark, Trino and ClickHouse read the archive as it is; docs/archive.md has questions to ask it.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise UnsupportedError(
            "export needs pyarrow, which is not installed.", "Run: pip install 'memcollect[archive]'"
        )
    from memcollect.archive.directory import held_archive  # noqa: PLC0415 (it needs what was looked for above)

    with held_archive(
        options.output, lambda: say(f"waiting for another export into {options.output}")
    ) as archive:
        if archive.broken_off:
            say(
                f"an export was broken off: its half of {counted(archive.broken_off, 'snapshot')} is removed."
            )
        failed = _export_all(archive, options)
        damaged = archive.damaged()
    for path, file in damaged[:MOST_NAMED]:
        say(f"{path} is missing or cut short: export {file} again, which mends it.")
    if len(damaged) > MOST_NAMED:
        say(f"{len(damaged) - MOST_NAMED} more files of the archive are missing or cut short.")
    if failed == len(options.documents):
        return EXIT_FAILED
    return EXIT_INCOMPLETE if failed or damaged else EXIT_OK


def _export_all(archive: Archive, options: ExportOptions) -> int:
    """Export each, and say what became of it; return how many could not be."""
    from memcollect.archive.exporting import export  # noqa: PLC0415 (as above)

    rows: Counter[str] = Counter()
    added = failed = 0
    for name in options.documents:
        try:
            exported = export(archive, name, options.cluster)
        except DocumentError as error:
            failed += 1
            say(str(error))
            continue
        if exported.added:
            added += 1
            rows += exported.rows
            if exported.in_summary:
                told = "1 pod was" if exported.in_summary == 1 else f"{exported.in_summary:,} pods were"
                say(
                    f"of {exported.name} {told} told in summary: rows of pods and terms, and none of their"
                    " containers, steps and findings."
                )
        else:
            say(f"{exported.name} is in the archive already (cluster {exported.cluster}): nothing added.")
    pods = (
        f" with {counted(rows['pods'], 'pod')} and {counted(rows['containers'], 'container')}"
        if added
        else ""
    )
    say(f"{counted(added, 'snapshot')}{pods} added to {options.output}")
    return failed
