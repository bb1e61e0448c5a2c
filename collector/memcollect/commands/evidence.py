"""`memcollect evidence`: try what a backend must do besides saving memory, and show what came of it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from msgspec import Struct

from memcollect.commands import complete
from memcollect.commands.connection import ClusterOptions, cluster_options
from memcollect.commands.help_page import GroupedCommand
from memcollect.commands.options import (
    NODE_FORMATS,
    BoundOptions,
    Format,
    clean_text,
    no_format,
    option,
    process_ceiling_option,
    timeout_option,
    typed,
    verbose_option,
)
from memcollect.commands.output import check_output, deliver, report_width
from memcollect.commands.profile import Going, at_work, check, check_cluster, clean, run_new
from memcollect.errors import DocumentError, UsageError

if TYPE_CHECKING:
    from memcollect.evidence.document import Evidence
    from memcollect.profile.begin import Text

EPILOG = """\b
Examples:
  memcollect evidence deerflow --check
  memcollect evidence deerflow -o aio
  memcollect evidence my-source.toml --driver aio --rows Files,Isolation -o mine
  memcollect evidence --show aio --show mine --format markdown -o matrix.md
  memcollect evidence --clean aio

SOURCE is a TOML file, or the name of a source that comes with memcollect; docs/evidence.md says what is in
it.

Exit codes: 0 every check was tried, whatever its result; 1 failed; 2 wrong usage; 3 the bundle is written,
or with --show shown, but something was not tried or not removed; 130 Ctrl-C.
"""
EXIT_INCOMPLETE = 3
_PLAN = """schema = 1
name = "evidence"
repeats = 1

[[phases]]
name = "evidence"
do = "evidence"
rows = {rows}
driver = "{driver}"
"""


def _rows(_context: click.Context, _parameter: click.Parameter, value: str) -> list[str]:
    """Return the rows by their names in the catalogue."""
    from memcollect.evidence.catalogue import NAMES  # noqa: PLC0415

    known = {name.lower(): name for name in NAMES}
    wanted = [each.strip() for each in value.split(",") if each.strip()]
    for each in wanted:
        if each.lower() not in known:
            raise click.BadParameter(f"{each!r} is no row; there are {', '.join(NAMES)}.")
    return [known[each.lower()] for each in wanted]


class EvidenceOptions(Struct, frozen=True, kw_only=True):
    """What `memcollect evidence` was told."""

    source: str
    rows: list[str]
    driver: str | None
    backend: str
    check_only: bool
    output: Path | None
    show: tuple[Path, ...]
    format_: str
    force: bool
    clean: Path | None
    bounds: BoundOptions
    cluster: ClusterOptions


@click.command("evidence", cls=GroupedCommand, epilog=EPILOG)
@click.argument("source", required=False, default="", callback=clean_text, shell_complete=complete.sources)
@option("--rows", default="", metavar="ROW,…", callback=_rows, help="Check only these rows. [default: all]")
@option(
    "--driver",
    type=click.Choice(["exec", "aio", "deerflow", "e2b", "opensandbox", "agent-sandbox"]),
    help="How to talk to sandboxes: pods/exec, the AIO interface, DeerFlow's own provider, or the packages "
    "of E2B, OpenSandbox and agent-sandbox. [default: the source's, else exec]",
)
@option(
    "--backend",
    default="",
    callback=clean_text,
    metavar="NAME",
    help="What pages call the source. [default: its own name]",
)
@option("--check", "check_only", is_flag=True, help="Only say what would be checked.")
@option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="PATH",
    callback=no_format,
    help="Write the bundle to this new directory, or with --show the page to this file.",
)
@option(
    "--show",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="BUNDLE",
    help="Show what a run found; repeat it to see runs side by side.",
)
@option(
    "--format",
    "format_",
    type=Format(NODE_FORMATS),
    default="table",
    show_default=True,
    help="How to write the page.",
)
@option("--force", is_flag=True, help="Overwrite the file that -o names.")
@option("--clean", type=click.Path(path_type=Path), metavar="DIR", help="Delete what a run left behind.")
@timeout_option(30.0, "How long each agent may take.")
@process_ceiling_option
@cluster_options
@verbose_option
@typed(EvidenceOptions)
def command(options: EvidenceOptions) -> int:
    """Check how a backend handles commands, files, uploads, artifacts, paths, isolation and cleanup.

    The checks use sandboxes of the source and files of their own; what the run made is removed after. The
    page says first what was not tried.
    """
    ways = [way for way in (options.source, options.show, options.clean) if way]
    if len(ways) != 1:
        raise UsageError(
            "Give a SOURCE, or --show BUNDLE, or --clean DIR.", "See `memcollect evidence --help`."
        )
    if options.show:
        return _show(options.show, options.format_, options.output, force=options.force)
    if options.clean:
        with at_work(options.cluster) as (workshop, tools):
            return clean(options.clean, workshop, tools)
    return _try(options)


def _try(options: EvidenceOptions) -> int:
    from memcollect.evidence.document import EVIDENCE_FOLDER  # noqa: PLC0415

    text = _text(options)
    if options.check_only:
        code = check(text)
        check_cluster(text.parsed(), options.cluster)
        return code
    text.parsed()
    directory = options.output or Path(f"evidence-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    with at_work(options.cluster) as (workshop, tools):
        going = Going(options.cluster, options.bounds, workshop, tools)
        code = run_new(text, directory, options.backend, going)
    if (directory / EVIDENCE_FOLDER).is_dir():
        _show([directory], options.format_, None, force=False)
    return code


def _text(options: EvidenceOptions) -> Text:
    from memcollect.profile.begin import Text  # noqa: PLC0415 # the official client takes a second
    from memcollect.profile.plan.shipped import text_of  # noqa: PLC0415

    source, folder = text_of(options.source, "sources")
    plan = _PLAN.format(rows=json.dumps(options.rows), driver=options.driver or "")
    return Text(plan=plan.encode(), name="the evidence plan", folder=folder, source=source)


def _show(bundles: Sequence[Path], format_: str, output: Path | None, *, force: bool) -> int:
    """Print the matrix of what the runs have found."""
    from memcollect.documents.snapshot import Tool  # noqa: PLC0415
    from memcollect.evidence.matrix import matrix  # noqa: PLC0415
    from memcollect.reporters.evidence.formats import rendered  # noqa: PLC0415
    from memcollect_agent import __version__  # noqa: PLC0415

    check_output(output, force=force)
    places = [bundle.resolve() for bundle in bundles]
    twice = next((bundle for bundle in bundles if places.count(bundle.resolve()) > 1), None)
    if twice is not None:
        raise UsageError(f"{twice} is named twice.", "Name each bundle once.")
    documents = _told_apart([(bundle, each) for bundle in bundles for each in _documents(bundle)])
    width = 80 if output is not None else report_width()
    found = matrix(documents)
    text = rendered(found, format_, Tool(version=__version__), width)
    deliver(text, output, force=force, in_utf8=format_ == "html")
    return EXIT_INCOMPLETE if found.untried or found.left or found.broken_off else 0


def _told_apart(found: Sequence[tuple[Path, Evidence]]) -> list[Evidence]:
    """Return the evidence with names that tell it apart: of equal backends with the bundle's."""
    names = [each.backend for _, each in found]
    longer = [
        f"{name} ({_shown(bundle)})" if names.count(name) > 1 else name
        for name, (bundle, _) in zip(names, found, strict=True)
    ]
    whole = [
        f"{name} {longer[: at + 1].count(name)}" if longer.count(name) > 1 else name
        for at, name in enumerate(longer)
    ]
    return [msgspec.structs.replace(each, backend=name) for name, (_, each) in zip(whole, found, strict=True)]


def _shown(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _documents(bundle: Path) -> list[Evidence]:
    from memcollect.commands.bundled import evidence_of  # noqa: PLC0415
    from memcollect.documents.bundle import read_bundle  # noqa: PLC0415

    documents = evidence_of(bundle, read_bundle(str(bundle)).manifest)
    if not documents:
        raise DocumentError(f"{bundle} holds no evidence.", "Run `memcollect evidence` on its source.")
    return documents
