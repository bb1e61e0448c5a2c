"""`memcollect explain`: a saved snapshot explained again offline, or one pod as it is now; both in full."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
import msgspec
from msgspec import Struct

from memcollect.commands import complete
from memcollect.commands.choosing import can_ask, choose_pod, choose_snapshot, saved_snapshots
from memcollect.commands.cluster import cluster_taking
from memcollect.commands.connection import (
    ClusterOptions,
    NamespaceOptions,
    PodOptions,
    cluster_options,
    namespaces_options,
)
from memcollect.commands.contradictions import numbers_of
from memcollect.commands.files_pod import NO_FILES, asked_files, printed_pod
from memcollect.commands.heartbeat import heartbeat
from memcollect.commands.help_page import GroupedCommand
from memcollect.commands.modes import check_saved
from memcollect.commands.options import (
    BoundOptions,
    ReportOptions,
    clean_text,
    option,
    process_ceiling_option,
    report_options,
    timeout_option,
    typed,
    verbose_option,
)
from memcollect.commands.output import check_output, deliver, page, say
from memcollect.commands.reports import IN_UTF8, OLDER_VIEWS, report
from memcollect.commands.taking import (
    EXIT_INCOMPLETE,
    EXIT_OK,
    ClusterQuestion,
    ProcessOptions,
    as_struct,
    exit_code,
)
from memcollect.documents.files import read_snapshot
from memcollect.errors import UsageError
from memcollect.join.roles import STEPLESS
from memcollect.nearest import nearest
from memcollect.reporters.words import pod_name

if TYPE_CHECKING:
    from memcollect.documents.snapshot import Pod, Snapshot
    from memcollect.reporters.words import Details, Whole

MAX_CANDIDATES = 10
PROCESS_LIMIT = 10
"""Of each container, that a pod of the cluster is explained with."""
POD = re.compile(r"(?:[a-z0-9](?:[-a-z0-9]*[a-z0-9])?/)?[a-z0-9](?:[-.a-z0-9]*[a-z0-9])?")
"""NAME or NAMESPACE/NAME, as Kubernetes allows them."""
SAVED = (".json", ".gz", ".html", ".md", ".txt")
"""How files end: what is called so and is not there is a file that is missed, and no pod."""

EPILOG = """\b
Examples:
  memcollect explain before.json
  memcollect explain before.json deer-flow/sandbox-7d9c5 --format markdown
  memcollect explain before.json --format html -o before.html
  memcollect explain before.json sandbox-7d9c5 --files
  memcollect explain deer-flow/sandbox-7d9c5 --files --mappings
  memcollect explain deer-flow/sandbox-7d9c5 --files-pod run
  memcollect snapshot --local --format json | memcollect explain -

Exit codes: 0 everything explained; 1 failed; 2 wrong usage; 3 explained, but something you asked for is
missing.
"""


class ExplainOptions(Struct, frozen=True, kw_only=True):
    """What `memcollect explain` was told."""

    document: str
    """Empty where nothing was named."""
    pod: str | None
    report: ReportOptions
    full: bool
    files: bool
    files_pod: Literal["print", "run"] | None
    mappings: bool
    include_processes: bool
    services: Path | None
    bounds: BoundOptions
    where: NamespaceOptions
    cluster: ClusterOptions


@click.command("explain", cls=GroupedCommand, epilog=EPILOG)
@click.argument(
    "document", metavar="SNAPSHOT|POD", required=False, default="", shell_complete=complete.files_or_pods
)
@click.argument("pod", required=False, callback=clean_text, shell_complete=complete.saved_pods)
@option("--full", is_flag=True, help="Print every term and all evidence, not only what fits a screen.")
@option(
    "--files",
    is_flag=True,
    help="Name the files behind page cache and tmpfs: all of them, not only the first ten.",
)
@option(
    "--files-pod",
    type=click.Choice(["print", "run"]),
    help="The same of a POD, by a pod of its own with the rights for other users' files: make it, ask it and"
    " delete it (run), or write what kubectl applies (print).",
)
@option("--mappings", is_flag=True, help="Say what private memory is mapped for, every part of it.")
@option("--include-processes", is_flag=True, help="List the largest processes and services of a POD.")
@option(
    "--services",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The same, but recognise services by this TOML table first.",
)
@namespaces_options("Look for POD in this namespace", "Look for POD in all namespaces.")
@timeout_option(30.0, "How long the agent on POD's node may take.")
@process_ceiling_option
@cluster_options
@report_options
@verbose_option
@typed(ExplainOptions)
def command(options: ExplainOptions) -> int:
    """Explain one POD of the cluster as it is now, or the saved file SNAPSHOT (- for standard input).

    The first argument is a SNAPSHOT if a file of that name exists, else a POD: NAME or NAMESPACE/NAME. From a
    SNAPSHOT it explains every pod, or the one whose name, namespace/name or UID follows; it needs no network
    and computes everything anew from the counters in the file.

    Without an argument, on a terminal, it lets you choose from the newest snapshots in this directory.

    The answer comes first and fits one screen, with the ladder below it. --full adds every term and all
    evidence, so that you can check each number.
    """
    check_output(options.report.output, force=options.report.force)
    if options.document and _is_pod(options):
        return _explain_pod(options)
    check_saved(click.get_current_context())
    if not options.document:
        return _explain_chosen(options)
    return _explain_file(options, _read(options.document))


def _is_pod(options: ExplainOptions) -> bool:
    """Return whether a pod of the cluster is meant, and no file."""
    name = options.document
    if options.pod is not None or name == "-" or os.path.lexists(name):
        return False
    return POD.fullmatch(name) is not None and not name.endswith(SAVED)


def _explain_chosen(options: ExplainOptions) -> int:
    """Explain what the user chooses; without a terminal there is nobody who could."""
    if not can_ask():
        raise UsageError(
            "Nothing is named to explain.",
            "Name a saved snapshot or a pod: memcollect explain FILE, or memcollect explain NAMESPACE/POD.",
        )
    found = saved_snapshots()
    if not found:
        raise UsageError(
            "No saved snapshot is in this directory.",
            "Take one with memcollect snapshot --format json -o FILE, or name a pod: memcollect explain POD.",
        )
    document = choose_snapshot(found)
    stored = _read(document)
    pod = choose_pod(stored.pods) if len(stored.pods) > 1 else None
    words = ["memcollect", "explain", document] if pod is None else ["memcollect", "explain", document, pod]
    say(f"next time: {shlex.join(words)}")
    return _explain_file(msgspec.structs.replace(options, document=document, pod=pod), stored)


def _read(document: str) -> Snapshot:
    with heartbeat(f"reading {document}"):
        return read_snapshot(document)


def _explain_pod(options: ExplainOptions) -> int:
    question = _question(options)
    if options.files_pod == "print":
        deliver(printed_pod(question), options.report.output, force=options.report.force)
        return EXIT_OK
    by_pod = asked_files(question) if options.files_pod else NO_FILES
    with cluster_taking(question, files=by_pod.files) as taking:
        pods = list(map(as_struct, taking.pods))
        closing = taking.closing()
        snapshot = msgspec.structs.replace(closing, pods=pods, missing=[*closing.missing, *by_pod.missing])
        if len(pods) > 1:
            candidates = _listed(sorted(map(pod_name, pods)))
            raise UsageError(
                f"{len(pods)} pods are called {options.document}: {candidates}.",
                "Name one by NAMESPACE/NAME.",
            )
        if pods:
            _show(snapshot, options, one=True)
        return exit_code(taking, snapshot.missing)


def _question(options: ExplainOptions) -> ClusterQuestion:
    return ClusterQuestion(
        sample="explain",
        bounds=options.bounds,
        processes=ProcessOptions(
            include_processes=options.include_processes or options.services is not None,
            process_limit=PROCESS_LIMIT,
            services=options.services,
            mappings=options.mappings,
            files=options.files or options.files_pod is not None,
        ),
        pods=PodOptions(
            pods=(options.document,),
            namespaces=options.where.namespaces,
            all_namespaces=options.where.all_namespaces,
        ),
        cluster=options.cluster,
    )


def _explain_file(options: ExplainOptions, stored: Snapshot) -> int:
    from memcollect.explain import explain  # noqa: PLC0415 (bad files are told without it)

    document, pod = options.document, options.pod
    if pod is not None:
        stored = _only(stored, pod)
    _require(document, stored, options)
    with numbers_of(document), heartbeat(f"explaining {len(stored.pods)} pods"):
        explained = explain(stored)
    snapshot = _with_note(stored, explained)
    _show(snapshot, options, one=pod is not None)
    if not snapshot.pods and options.report.format_ in OLDER_VIEWS:
        say("no pod is in the snapshot.")
        return EXIT_INCOMPLETE
    return 0


def _show(snapshot: Snapshot, options: ExplainOptions, *, one: bool) -> None:
    """Write it as it was asked for; `one` pod in all its details."""
    asked = options.report
    to_file = asked.output is not None
    details: Details = "all" if one else asked.details
    with heartbeat(f"writing {len(snapshot.pods)} pods as {asked.format_}"):
        text = report(
            snapshot,
            asked.format_,
            to_file=to_file,
            details=details,
            full=options.full,
            whole=_whole(options),
        )
    if asked.format_ == "table" and not to_file and page(text):
        return
    deliver(text, asked.output, force=asked.force, in_utf8=asked.format_ in IN_UTF8)


def _whole(options: ExplainOptions) -> Whole:
    named = options.files or options.files_pod is not None
    files: Whole = frozenset({"files"}) if named else frozenset()
    return files | {"mappings"} if options.mappings else files


def _require(document: str, stored: Snapshot, options: ExplainOptions) -> None:
    """Raise UsageError where what is asked for was not looked for when the snapshot was taken."""
    if options.files and not any(pod.files for pod in stored.pods):
        raise UsageError(f"{document} names no files: none were looked for.", "Take a snapshot with --files.")
    if options.mappings and not any(each.private for pod in stored.pods for each in pod.containers):
        raise UsageError(f"{document} tells no mappings: none were read.", "Take a snapshot with --mappings.")


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
        # What a page shows: of a pause container none shows the ladder, which once had steps.
        [(each.composition, each.ladder if each.role != STEPLESS else None) for each in pod.containers],
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
