"""`memcollect compare`: snapshots and runs held against one another, and what may be claimed of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
from msgspec import Struct

from memcollect.commands import complete
from memcollect.commands.bundled import evidence_of
from memcollect.commands.contradictions import numbers_of
from memcollect.commands.help_page import GroupedCommand
from memcollect.commands.options import (
    FORCE,
    FORMATS_TOLD,
    NODE_FORMATS,
    OUTPUT,
    Format,
    TargetOptions,
    clean_text,
    option,
    typed,
    verbose_option,
)
from memcollect.commands.output import check_output, deliver, report_width, say
from memcollect.errors import DocumentError, UsageError

if TYPE_CHECKING:
    from memcollect.compare import Document
    from memcollect.compare.model import Comparison
    from memcollect.documents.snapshot import Snapshot

EXIT_INCOMPLETE = 3
MOST_PROBLEMS = 50
"""Of one bundle, that are shown."""
ISSUE = re.compile(r"(?:[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)?#[0-9]{1,10}|[A-Z][A-Z0-9]{1,9}-[0-9]{1,10}")

EPILOG = """\b
Examples:
  memcollect compare before.json after.json
  memcollect compare runs/aio runs/cube --issue '#3213' --format markdown
  memcollect compare runs/aio runs/cube --format html -o comparison.html
  memcollect compare --label aio=a1.json --label aio=a2.json --label cube=c1.json

Exit codes: 0 all compared; 1 failed; 2 wrong usage; 3 compared, but something is missing.
"""


def _labels(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Return the labels by path."""
    labels: dict[str, str] = {}
    for value in values:
        # Of the two only the name is shown; the path must stay as it is, to be opened.
        name, sign, path = value.partition("=")
        name = clean_text(_context, _parameter, name)
        if not (name and sign and path):
            raise click.BadParameter(f"{value!r} is not NAME=PATH.")
        if path in labels:
            raise click.BadParameter(f"{path} has two labels: {labels[path]} and {name}.")
        labels[path] = name
    return labels


def _issue(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not ISSUE.fullmatch(value):
        raise click.BadParameter(f"{value!r} is not an issue such as #3213, owner/project#3213 or KEY-3213.")
    return value


class CompareOptions(Struct, frozen=True, kw_only=True):
    """What `memcollect compare` was told."""

    paths: tuple[str, ...]
    labels: dict[str, str]
    """By path."""
    by: Literal["auto", "runtime", "file", "label"]
    baseline: str | None
    issue: str | None
    format_: Literal["table", "markdown", "html", "json"]
    target: TargetOptions


@click.command("compare", cls=GroupedCommand, epilog=EPILOG)
@click.argument("paths", nargs=-1, metavar="[PATH]...", shell_complete=complete.files)
@option(
    "--label",
    "labels",
    multiple=True,
    metavar="NAME=PATH",
    callback=_labels,
    help="Treat PATH as a measurement of the backend NAME. Repeat it for more paths and names.",
)
@option(
    "--by",
    type=click.Choice(["auto", "runtime", "file", "label"]),
    default="auto",
    show_default=True,
    help="What tells backends apart. auto: the label, else the run's name for it, else the runtime family.",
)
@option(
    "--baseline",
    metavar="NAME",
    callback=clean_text,
    help="The backend to compare the others with. [default: the first]",
)
@option(
    "--issue", metavar="REF", callback=_issue, help="The issue to mention in the report, such as '#3213'."
)
@FORCE
@OUTPUT
@option(
    "--format",
    "format_",
    type=Format(NODE_FORMATS),
    default="table",
    show_default=True,
    help=f"{FORMATS_TOLD}.",
)
@verbose_option
@typed(CompareOptions)
def command(options: CompareOptions) -> int:
    """Compare saved snapshots (files) and runs (directories that `profile` wrote), offline.

    Two snapshots answer "what grew?". Runs are compared by phase and backend, term by term: medians over the
    repeats, their spread, and an interval for each difference. The report says which differences you may
    claim, and why not the others.
    """
    from memcollect.compare import Question, compare  # noqa: PLC0415 (--help need not wait for it)
    from memcollect_agent import __version__  # noqa: PLC0415

    target, paths, labels = options.target, options.paths, options.labels
    check_output(target.output, force=target.force)
    documents = read_documents(list(dict.fromkeys([*labels, *paths])) if labels else list(paths), labels)
    question = Question(by=options.by, baseline=options.baseline, issue=options.issue, version=__version__)
    comparison = compare(documents, question)
    if options.baseline is not None and options.baseline not in comparison.backends:
        raise UsageError(
            f"No backend is called {options.baseline}.", f"There are: {', '.join(comparison.backends)}."
        )
    text = _report(comparison, options.format_, to_file=target.output is not None)
    deliver(text, target.output, force=target.force, in_utf8=options.format_ == "html")
    if not comparison.missing:
        return 0
    first = comparison.missing[0]
    say(f"{len(comparison.missing)} missing (first: {first.backend}, {first.phase}: {first.reason}).")
    return EXIT_INCOMPLETE


def read_documents(paths: list[str], labels: dict[str, str]) -> list[Document]:
    """Return the documents, by names that tell them apart; raises UsageError where there is too little."""
    from memcollect.documents.bundle import is_bundle  # noqa: PLC0415

    if not paths:
        raise UsageError("There is nothing to compare.", "Name two snapshots or more, or a run's directory.")
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise UsageError(f"{twice} is named twice.", "One measurement cannot be its own repeat.")
    if len(paths) == 1 and not is_bundle(paths[0]):
        raise UsageError("Only one file is named.", "Name another to compare it with, or a run's directory.")
    names = _names(paths)
    documents = [_read(path, names[path], labels.get(path)) for path in paths]
    seen: dict[str, str] = {}
    for document in documents:
        other = seen.setdefault(document.sha256, document.name)
        if other != document.name:
            raise UsageError(
                f"{other} and {document.name} are the same document.",
                "A copy is no repeat: leave one of them out.",
            )
    if not any(document.snapshots for document in documents):
        problem = next((each for document in documents for each in document.problems), "nothing was measured")
        raise DocumentError(f"No snapshot to compare: {problem}.")
    return documents


def _names(paths: list[str]) -> dict[str, str]:
    """Return what each path is called: its last part, where no other ends so."""
    last = {path: _last_part(path) for path in paths}
    names = list(last.values())
    chosen = {path: last[path] if names.count(last[path]) == 1 else path for path in paths}
    shown: dict[str, str] = {}
    for path, name in chosen.items():
        text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        taken = sum(each == text for each in shown.values())
        shown[path] = f"{text} ({taken + 1})" if taken else text
    return shown


def _last_part(path: str) -> str:
    """Return what a file or directory is called, also where it is named by where one stands in it."""
    from memcollect.documents.files import STDIN, shown  # noqa: PLC0415

    name = shown(path) if path == STDIN else Path(path).name
    return name if name not in {"", ".."} else Path(path).resolve().name or path


def _read(path: str, name: str, label: str | None) -> Document:
    from memcollect.compare import Document  # noqa: PLC0415
    from memcollect.documents.bundle import is_bundle, read_bundle  # noqa: PLC0415
    from memcollect.documents.events import is_of_a_crash  # noqa: PLC0415
    from memcollect.documents.files import decode_snapshot, read_bytes, shown  # noqa: PLC0415

    if is_bundle(path):
        bundle = read_bundle(path)
        snapshots, faults = _all_explained(bundle.snapshots)
        try:
            evidence = evidence_of(Path(path), bundle.manifest)
        except DocumentError as error:
            evidence = []
            faults.append(error.sentence.rstrip("."))
        files = bundle.manifest.files
        problems = [each for each in bundle.problems if not is_of_a_crash(Path(path), files, each)] + faults
        return Document(
            name=name,
            label=label,
            sha256=bundle.sha256,
            manifest=bundle.manifest,
            snapshots=snapshots,
            evidence=evidence,
            problems=_few(problems),
        )
    data = read_bytes(path)
    snapshot = _explained(decode_snapshot(data, shown(path)), shown(path))
    digest = hashlib.sha256(data).hexdigest()
    return Document(name=name, label=label, sha256=digest, snapshots={name: snapshot})


def _few(problems: list[str]) -> list[str]:
    if len(problems) <= MOST_PROBLEMS:
        return problems
    return [*problems[:MOST_PROBLEMS], f"and {len(problems) - MOST_PROBLEMS} more problems of the kind"]


def _all_explained(snapshots: Mapping[str, Snapshot]) -> tuple[dict[str, Snapshot], list[str]]:
    """Return those of a bundle that can be explained, and a problem for each that cannot."""
    explained, faults = {}, []
    for path, each in snapshots.items():
        try:
            explained[path] = _explained(each, path)
        except DocumentError as error:
            faults.append(error.sentence.rstrip("."))
    return explained, faults


def _explained(snapshot: Snapshot, path: str) -> Snapshot:
    """Return it explained by this version, so that all sides are taken apart by the same rules."""
    from memcollect.documents.times import written_time  # noqa: PLC0415
    from memcollect.explain import explain  # noqa: PLC0415

    try:
        written_time(snapshot.captured_at)
    except ValueError as error:
        raise DocumentError(f"{path} does not say when it was taken ({error}).", "Was it edited?") from error
    with numbers_of(path):
        return explain(snapshot)


def _report(comparison: Comparison, format_: str, *, to_file: bool) -> str:
    from memcollect.reporters.compare.formats import rendered  # noqa: PLC0415

    return rendered(comparison, format_, 80 if to_file else report_width())
