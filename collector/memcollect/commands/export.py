"""`memcollect export`: saved snapshots as Parquet, for engines that answer questions over many of them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct, field

from memcollect.commands import complete
from memcollect.commands.help_page import GroupedCommand
from memcollect.commands.options import Format, clean_text, option, typed, verbose_option
from memcollect.commands.output import counted, say
from memcollect.commands.taking import EXIT_INCOMPLETE, EXIT_OK
from memcollect.errors import DocumentError, OutputError, UnsupportedError

if TYPE_CHECKING:
    from memcollect.archive.directory import Archive
    from memcollect.archive.exporting import Exported

EXIT_FAILED = 1
MOST_NAMED = 5

EPILOG = """\b
Examples:
  memcollect export nightly/*.json -o archive
  memcollect snapshot -A --format json | memcollect export - --cluster prod -o archive
  duckdb -c "select image, max(anon_bytes) from 'archive/containers/*/*/*.parquet' group by image"

Exit codes: 0 everything is in the archive; 1 nothing could be exported; 2 wrong usage; 3 a snapshot could
not be exported, or a file of the archive is damaged, doubled or not its own; 130 interrupted: the snapshots
before are in it.
"""


class ExportOptions(Struct, frozen=True, kw_only=True):
    """What `memcollect export` was told."""

    documents: tuple[str, ...]
    format_: str
    output: Path
    cluster: str | None


@click.command("export", cls=GroupedCommand, epilog=EPILOG)
@click.argument("documents", nargs=-1, required=True, metavar="SNAPSHOT...", shell_complete=complete.files)
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
    try:
        from memcollect.archive.directory import held_archive  # noqa: PLC0415 (it needs what was looked for)
    except ImportError as error:
        raise UnsupportedError(
            f"export needs pyarrow, which is installed and cannot be loaded: {error}.",
            "Run: pip install --force-reinstall pyarrow",
        ) from error

    done = _Done()
    try:
        with held_archive(
            options.output, lambda: say(f"waiting for another export into {options.output}")
        ) as archive:
            if archive.broken_off:
                halves = counted(archive.broken_off, "snapshot")
                say(f"an export was broken off: its half of {halves} is removed.")
            _export_all(archive, options, done)
            faults = list(archive.faults())
    except OutputError as error:
        if not done.added:
            raise
        say(str(error))
        return EXIT_INCOMPLETE
    for fault in faults[:MOST_NAMED]:
        say(fault)
    if len(faults) > MOST_NAMED:
        say(f"{len(faults) - MOST_NAMED} more files of the archive are missing, damaged or too many.")
    if done.failed == len(options.documents):
        return EXIT_FAILED
    return EXIT_INCOMPLETE if done.failed or faults else EXIT_OK


class _Done(Struct):
    """What became of the snapshots so far."""

    added: int = 0
    failed: int = 0
    held: list[str] = field(default_factory=list)
    """What is said of each that was in the archive already."""
    pods: int = 0
    containers: int = 0

    def words(self) -> str:
        """Return what was added."""
        rows = f" with {counted(self.pods, 'pod')} and {counted(self.containers, 'container')}"
        return f"{counted(self.added, 'snapshot')}{rows if self.added else ''} added"


def _export_all(archive: Archive, options: ExportOptions, done: _Done) -> None:
    """Export each, and say what became of it; of those before one that ends all, too."""
    from memcollect.archive.exporting import export  # noqa: PLC0415 (as above)

    try:
        for name in options.documents:
            try:
                exported = export(archive, name, options.cluster)
            except DocumentError as error:
                done.failed += 1
                say(str(error))
            else:
                _say_exported(exported)
                if not (exported.added or exported.same_as):
                    done.held.append(
                        f"{exported.name} is in the archive already (cluster {exported.cluster})"
                    )
                done.added += exported.added
                done.pods += exported.rows["pods"]
                done.containers += exported.rows["containers"]
    finally:
        if len(done.held) > MOST_NAMED:
            say(f"{len(done.held):,} snapshots are in the archive already: nothing added of them.")
        else:
            for held in done.held:
                say(f"{held}: nothing added.")
        say(f"{done.words()} to {options.output}")


def _say_exported(exported: Exported) -> None:
    if exported.same_as:
        say(
            f"{exported.name} is {exported.same_as} over again, explained or laid out anew: nothing added."
            " Export it into a new archive."
        )
    elif exported.in_summary:
        told = "1 pod was" if exported.in_summary == 1 else f"{exported.in_summary:,} pods were"
        say(
            f"of {exported.name} {told} told in summary: exported are their terms, and of their containers"
            " name, image and private memory."
        )
