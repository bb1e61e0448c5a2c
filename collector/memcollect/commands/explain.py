"""`memcollect explain`: a saved snapshot, explained again by this version, offline and in full."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec
from msgspec import Struct

from memcollect.commands.nearest import nearest
from memcollect.commands.options import (
    ReportOptions,
    clean_text,
    option,
    report_options,
    typed,
    verbose_option,
)
from memcollect.commands.output import check_output, deliver, page, say
from memcollect.commands.reports import IN_UTF8, OLDER_VIEWS, report
from memcollect.commands.taking import EXIT_INCOMPLETE
from memcollect.documents.files import read_snapshot
from memcollect.errors import DocumentError, UsageError
from memcollect.reporters.words import pod_name

if TYPE_CHECKING:
    from memcollect.documents.snapshot import Pod, Snapshot
    from memcollect.reporters.words import Details

MAX_CANDIDATES = 10


EPILOG = """\b
Examples:
  memcollect explain before.json
  memcollect explain before.json deer-flow/sandbox-7d9c5 --format markdown
  memcollect explain before.json --format html -o before.html
  memcollect explain before.json sandbox-7d9c5 --files
  memcollect snapshot --local --format json | memcollect explain -
"""


class ExplainOptions(Struct, frozen=True, kw_only=True):
    """What `memcollect explain` was told."""

    document: str
    pod: str | None
    report: ReportOptions
    full: bool
    files: bool


@click.command("explain", epilog=EPILOG)
@click.argument("document", metavar="SNAPSHOT")
@click.argument("pod", required=False, callback=clean_text)
@option("--full", is_flag=True, help="With table: every term and all evidence, not only what fills a screen.")
@option("--files", is_flag=True, help="With table: every file behind page cache and tmpfs, not only ten.")
@report_options
@verbose_option
@typed(ExplainOptions)
def command(options: ExplainOptions) -> int:
    """Explain the saved file SNAPSHOT (- for standard input) again: nothing is measured, no network.

    POD is a pod's name, namespace/name or UID; without it every pod is explained. Everything is computed
    anew from the counters in the file. A pod is told on one screen, with its ladder below; --full adds every
    term and all evidence, so that each number can be checked.
    """
    from memcollect.explain import explain  # noqa: PLC0415 (bad files are told without it)

    document, pod, asked = options.document, options.pod, options.report
    check_output(asked.output, force=asked.force)
    stored = read_snapshot(document)
    if pod is not None:
        stored = _only(stored, pod)
    if options.files:
        _require_files(document, stored)
    try:
        explained = explain(stored)
    except (ValueError, ArithmeticError, LookupError, TypeError) as error:
        raise DocumentError(
            f"{document} has numbers that contradict each other: {error}.",
            "Was it edited? Take a new snapshot.",
        ) from error
    snapshot = _with_note(stored, explained)
    to_file = asked.output is not None
    one = pod is not None
    details: Details = "all" if one else asked.details
    text = report(
        snapshot, asked.format_, to_file=to_file, details=details, full=options.full, all_files=options.files
    )
    if asked.format_ == "table" and not to_file and page(text):
        return 0
    deliver(text, asked.output, force=asked.force, in_utf8=asked.format_ in IN_UTF8)
    if not snapshot.pods and asked.format_ in OLDER_VIEWS:
        say("no pod is in the snapshot.")
        return EXIT_INCOMPLETE
    return 0


def _require_files(document: str, stored: Snapshot) -> None:
    """Raise UsageError where no file was looked for when the snapshot was taken."""
    if not any(pod.files for pod in stored.pods):
        raise UsageError(f"{document} names no files: none were looked for.", "Take a snapshot with --files.")


def _with_note(stored: Snapshot, explained: Snapshot) -> Snapshot:
    """Return `explained`, with a note where the file itself says something else."""
    differing = [
        pod_name(new)
        for old, new in zip(stored.pods, explained.pods, strict=True)
        if _derived(old) != _derived(new)
    ]
    if not differing:
        return explained
    writer = stored.tool.version or "unknown"
    note = (
        f"Computed anew, {len(differing)} of {len(stored.pods)} pods read differently from the file, which "
        f"memcollect {writer} wrote (first: {differing[0]}). Shown are the new numbers."
    )
    say(note)
    return msgspec.structs.replace(explained, notes=[*explained.notes, note])


def _derived(pod: Pod) -> tuple[object, ...]:
    return (
        pod.composition,
        pod.ladder,
        pod.findings,
        pod.undecided,
        pod.verdict,
        [(each.composition, each.ladder) for each in pod.containers],
    )


def _only(snapshot: Snapshot, wanted: str) -> Snapshot:
    """Return the document with the one pod that `wanted` names.

    Raises UsageError with the candidates where none or several are so called.
    """
    found = [pod for pod in snapshot.pods if wanted in {pod.uid, pod.name, f"{pod.namespace}/{pod.name}"}]
    if len(found) == 1:
        return msgspec.structs.replace(snapshot, pods=found, missing=[])
    if found:
        candidates = _listed([f"{pod_name(pod)} ({pod.uid})" for pod in found])
        raise UsageError(f"{len(found)} pods are called {wanted}: {candidates}.", "Name one by its UID.")
    for missing in snapshot.missing:
        if wanted in {missing.name, missing.name.rpartition("/")[2]}:
            raise UsageError(f"{wanted} was not measured ({missing.reason}): {missing.detail}")
    meant = nearest(wanted, [name for pod in snapshot.pods for name in (pod.name, pod_name(pod))])
    if meant:
        raise UsageError(f"No pod {wanted} in the snapshot.", f"Did you mean {meant}?")
    known = _listed([pod_name(pod) for pod in snapshot.pods]) or "none"
    raise UsageError(f"No pod {wanted} in the snapshot.", f"It holds: {known}.")


def _listed(names: list[str]) -> str:
    shown = names[:MAX_CANDIDATES]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
