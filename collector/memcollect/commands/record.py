"""`memcollect record`: what the agent reads of this node, as one archive that can be replayed."""

from __future__ import annotations

from pathlib import Path

import click
from msgspec import Struct

from memcollect.commands.help_page import GroupedCommand
from memcollect.commands.local import local_request
from memcollect.commands.options import (
    FORCE,
    BoundOptions,
    MachineOptions,
    clean_text,
    machine_options,
    option,
    process_ceiling_option,
    timeout_option,
    typed,
    verbose_option,
)
from memcollect.commands.output import check_output, counted, say
from memcollect.commands.taking import ProcessOptions
from memcollect.documents.files import write_document
from memcollect.documents.moment import now_text

MOST_LISTED = 50
"""Processes of a container whose names and mappings are recorded, the largest: a replay lists no more."""

EPILOG = """\b
Examples:
  memcollect record
  memcollect record 'deer-flow/sandbox-*' -o sandboxes.tar.gz
  memcollect snapshot --local --root sandboxes.tar.gz --include-processes
  memcollect redact sandboxes.tar.gz -o public.tar.gz

A recording names this node, its pods and programs, and has command lines whose credentials are masked. To
show it in public, pass it through `memcollect redact` first. docs/reporting.md says what is in it.

Exit codes: 0 recorded; 1 failed, with nothing written; 2 wrong usage.
"""


class RecordOptions(Struct, frozen=True, kw_only=True):
    """What `memcollect record` was told."""

    patterns: tuple[str, ...]
    output: Path
    force: bool
    bounds: BoundOptions
    machine: MachineOptions


@click.command("record", cls=GroupedCommand, epilog=EPILOG)
@click.argument("patterns", nargs=-1, metavar="[POD]...", callback=clean_text)
@option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default="recording.tar.gz",
    show_default=True,
    metavar="FILE",
    help="Write to FILE: all of it, or nothing if it fails.",
)
@FORCE
@timeout_option(60.0, "How long reading may take. If it takes longer, nothing is written.")
@process_ceiling_option
@machine_options
@verbose_option
@typed(RecordOptions)
def command(options: RecordOptions) -> int:
    """Pack the kernel files that the agent reads on this node for a snapshot into one archive.

    POD is a shell pattern for a name or namespace/name, or the beginning of an id. Without it everything that
    `snapshot --local` and `node --local` look at is recorded. Run it as root, so that every process can be
    read.

    `snapshot`, `node` and `top` replay it with --local --root FILE, on any machine with the same page size:
    the same files give the same explanation.
    """
    from memcollect.recording.archive import encode  # noqa: PLC0415 # --help need not wait for it
    from memcollect.recording.taking import record  # noqa: PLC0415

    check_output(options.output, force=options.force)
    processes = ProcessOptions(include_processes=True, process_limit=MOST_LISTED, mappings=True)
    request = local_request(options.machine, options.patterns, options.bounds, processes)
    recorded = record(request, now_text())
    archive = encode(recorded.recording)
    write_document(options.output, [archive], force=options.force)
    pods = len(recorded.measured.sample.pods)
    say(
        f"recorded {counted(pods, 'pod')} in {counted(len(recorded.recording.files), 'file')}, "
        f"{len(archive) / 1024:,.0f} KiB: {options.output}",
        f"Replay it: memcollect snapshot --local --root {options.output}",
        f"Before it is shown in public: memcollect redact {options.output} -o public.tar.gz",
    )
    return 0
