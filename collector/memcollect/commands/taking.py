"""From pods that come one by one to a written document, whatever they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from memcollect.commands.connection import ClusterOptions, PodOptions
from memcollect.commands.heartbeat import heartbeat
from memcollect.commands.options import BoundOptions, FormatOptions, MachineOptions, ReportOptions
from memcollect.commands.output import deliver, deliver_pieces, say
from memcollect.commands.reports import IN_UTF8, OLDER_VIEWS, report
from memcollect.documents.snapshot import Missing, Pod, Snapshot
from memcollect.documents.summaries import restored
from memcollect.reporters import json
from memcollect.reporters.groups import missing_groups
from memcollect.reporters.words import Details

EXIT_OK = 0
EXIT_INCOMPLETE = 3
EXIT_INTERRUPTED = 130
MOST_FILES = 500


class ProcessOptions(Struct, frozen=True, kw_only=True):
    """What is asked of the processes."""

    include_processes: bool = False
    process_limit: int = 0
    services: Path | None = None
    mappings: bool = False
    files: bool = False

    @property
    def are_listed(self) -> bool:
        """Whether any are listed: whose mappings are told must be told, too."""
        return self.include_processes or self.mappings

    @property
    def limit(self) -> int:
        """How many to list of each container."""
        return self.process_limit if self.are_listed else 0

    @property
    def file_limit(self) -> int:
        """How many files of each pod the document holds at most; the others are counted."""
        return MOST_FILES if self.files else 0


NO_PROCESSES = ProcessOptions()


class ClusterQuestion(Struct, frozen=True, kw_only=True):
    """What is to be measured of a cluster's pods."""

    sample: str
    bounds: BoundOptions
    processes: ProcessOptions
    pods: PodOptions
    cluster: ClusterOptions


class SnapshotOptions(ClusterQuestion, frozen=True, kw_only=True):
    """What `memcollect snapshot` was told."""

    local: bool
    jobs: int | None
    depth: Literal["summary", "full"] | None
    report: ReportOptions
    patterns: tuple[str, ...]
    machine: MachineOptions
    top_file: Path | None


@dataclass(frozen=True)
class Taking:
    """A snapshot in the making.

    `opening` is asked for what is known before the pods, once the first of them is there; `closing` for the
    rest once they are through, and holds no pods itself where they were too many to keep.
    """

    opening: Callable[[], Snapshot]
    pods: Iterable[Pod | msgspec.Raw]
    """Each as a struct, or as JSON where another process made that of it."""
    closing: Callable[[], Snapshot]
    interrupted: Callable[[], bool] = lambda: False


def finish(taking: Taking, options: FormatOptions, details: Details = "auto") -> int:
    """Write the document in the format that was asked for; return the exit code.

    JSON goes out pod by pod; what people read is laid out over all pods, so it needs them all.
    """
    output, force = options.output, options.force
    ended: list[Snapshot] = []

    def closing() -> Snapshot:
        ended.append(taking.closing())
        return ended[-1]

    if options.format_ == "json":
        deliver_pieces(json.pieces(taking.opening, taking.pods, closing), output, force=force)
    else:
        pods = sorted(map(as_struct, taking.pods), key=lambda pod: (pod.namespace or "", pod.name))
        snapshot = msgspec.structs.replace(closing(), pods=pods)
        with heartbeat(f"writing {len(pods)} pods as {options.format_}"):
            text = report(snapshot, options.format_, to_file=output is not None, details=details)
        deliver(text, output, force=force, in_utf8=options.format_ in IN_UTF8)
        if not pods and not snapshot.missing and options.format_ in OLDER_VIEWS:
            say("no pod was found.")
            return EXIT_INCOMPLETE
    return exit_code(taking, ended[-1].missing)


def as_struct(row: Pod | msgspec.Raw) -> Pod:
    """Return a row of `Taking.pods` as a struct, whichever it is."""
    return restored(row if isinstance(row, Pod) else msgspec.json.decode(row, type=Pod))


def exit_code(taking: Taking, missing: list[Missing]) -> int:
    """Return the code that tells whether all was measured; what was not is said on standard error."""
    if taking.interrupted():
        say("interrupted: the document holds what had been measured by then.")
        return EXIT_INTERRUPTED
    if not missing:
        return EXIT_OK
    groups = missing_groups(missing)
    which = groups[0][0].detail if len(groups) == 1 else "the document says which and why."
    say(f"{len(missing)} asked for and not measured: {which}")
    return EXIT_INCOMPLETE
