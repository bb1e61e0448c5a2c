"""Beginning a run, going on with one that was broken off, and cleaning up after one."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from memcollect.bundle import BundleWriter, checked, read_bundle
from memcollect.errors import DocumentError, UsageError
from memcollect.events import only_more_events, read_events
from memcollect.model import Tool
from memcollect.profile.choose import source_of
from memcollect.profile.parse import parse_plan
from memcollect.profile.plan import Plan, Scale, Template
from memcollect.profile.provisioned import ProvisionedSource
from memcollect.profile.record import Record
from memcollect.profile.sandboxes import RUN_ID, RUN_LABEL, Source, new_run_id
from memcollect.profile.shipped import text_of
from memcollect.profile.template import TEMPLATE_NAME
from memcollect.profile.tools import Tools
from memcollect.profile.workload import canonical, workload_of
from memcollect.run_model import EVENTS_NAME, PLAN_NAME, Event, Planned, RunManifest
from memcollect.sources.plain import plain
from memcollect_agent import __version__

SOURCE_NAME = "source.toml"
"""What --source gave, beside the plan."""
FOLDER_EVENT = "template-folder"
"""The event that tells where a template's file is from."""


@dataclass(frozen=True, kw_only=True)
class Text:
    """A plan as it was given."""

    plan: bytes
    name: str
    folder: Path
    source: bytes | None = None

    def parsed(self) -> Plan:
        """Return the plan. Raises PlanError."""
        return parse_plan(self.plan, self.name, self.source)


@dataclass(frozen=True, kw_only=True)
class Begun:
    """What a runner needs of a run that is new, or goes on."""

    plan: Plan
    source: Source
    record: Record
    directory: Path
    events: list[Event]
    """Of earlier parts."""
    altered: list[str] = field(default_factory=list)
    """Sentences on files that are not as the run left them, of one that is only cleaned up after."""


def read_text(plan: str, source: str | None) -> Text:
    """Return a plan by its path or name, and the file that replaces its source. Raises CollectorError."""
    data, folder = text_of(plan)
    if source is None:
        return Text(plan=data, name=plan, folder=folder)
    replaced, folder = text_of(source, "sources")
    return Text(plan=data, name=plan, folder=folder, source=replaced)


def begin(text: Text, directory: Path, backend: str, tools: Tools) -> Begun:
    """Return a new run with its bundle made. Raises CollectorError, and makes nothing then."""
    plan, run_id = text.parsed(), new_run_id()
    source = source_of(plan, run_id, text.folder)
    kept = source.prepare(tools)
    record = Record(BundleWriter.create(directory), _manifest(plan, text, run_id, backend))
    record.file(PLAN_NAME, text.plan)
    if text.source is not None:
        record.file(SOURCE_NAME, text.source)
    for name, content in kept.items():
        record.file(name, content)
    for phase in plan.phases:
        if workload_of(phase, plan) is not None:
            record.file(f"workloads/{phase.name}.json", canonical(phase))
    record.event("run-started", name=run_id)
    if isinstance(plan.source, Template) and plan.source.file:
        # Its values are needed again to go on. From the bundle, so that both may be moved together.
        record.event(FOLDER_EVENT, name=_seen_from(directory, text.folder))
    return Begun(plan=plan, source=source, record=record, directory=directory, events=[])


def resume(directory: Path, tools: Tools) -> Begun:
    """Return a run that was broken off. Raises CollectorError where its bundle is not whole."""
    found = _Found(directory)
    if found.problems:
        raise DocumentError(
            f"The run in {directory} cannot go on: {found.problems[0]}.",
            f"Delete what it has left with `memcollect profile --clean {directory}`, and begin a new one.",
        )
    begun = found.begun()
    begun.source.prepare(tools)
    return begun


def to_clean(directory: Path, tools: Tools) -> Begun:
    """Return a run whose sandboxes are to be deleted, whatever became of what it has measured.

    Raises CollectorError where one cannot tell any more what it has made, and where.
    """
    found = _Found(directory)
    begun = found.begun()
    if isinstance(begun.source, ProvisionedSource):
        # Its deletions need the headers; to delete pods nothing is needed that is not in the plan.
        begun.source.prepare(tools)
    return dataclasses.replace(begun, altered=found.problems)


class _Found:
    """A bundle as it was found; `problems` are sentences on what neither the run nor a crash has left so."""

    def __init__(self, directory: Path) -> None:
        bundle = read_bundle(str(directory))
        self._directory = directory
        self._manifest = bundle.manifest
        self._entries = {entry.path: entry for entry in bundle.manifest.files}
        self.problems = [each for each in bundle.problems if not self._is_of_a_crash(each)]

    def begun(self) -> Begun:
        """Return the run, its source not prepared. Raises DocumentError where a file it needs was altered."""
        directory, manifest = self._directory, self._manifest
        if not RUN_ID.fullmatch(manifest.run_id):
            raise DocumentError(
                f"The run in {directory} has no run id of ours: {plain(manifest.run_id, 40)!r}."
            )
        if EVENTS_NAME not in self._entries:
            raise self._lost(f"it has no {EVENTS_NAME}")
        text = self._kept(PLAN_NAME)
        if text is None:
            raise self._lost(f"it has no {PLAN_NAME}")
        plan = parse_plan(text, PLAN_NAME, self._kept(SOURCE_NAME))
        template = self._kept(TEMPLATE_NAME, needed=False)
        self._kept(EVENTS_NAME)
        events = read_events(directory)
        return Begun(
            plan=plan,
            source=source_of(plan, manifest.run_id, directory / _folder_of(events), template),
            record=Record(BundleWriter(directory, manifest.files), manifest),
            directory=directory,
            events=events,
        )

    def _kept(self, name: str, *, needed: bool = True) -> bytes | None:
        """Return a file as the run left it, None where it left none of that name."""
        entry = self._entries.get(name)
        content, problem = (None, "") if entry is None else checked(self._directory, entry)
        if problem and needed and not self._is_of_a_crash(problem):
            raise self._lost(problem)
        return content

    def _is_of_a_crash(self, problem: str) -> bool:
        """Return whether a crash leaves it so: events that came after the manifest was last written."""
        if not problem.startswith(f"{EVENTS_NAME} was altered"):
            return False
        return only_more_events(self._directory, self._entries[EVENTS_NAME])

    def _lost(self, why: str) -> DocumentError:
        run = self._manifest.run_id
        return DocumentError(
            f"What the run in {self._directory} has made is not known any more: {why}.",
            f"Delete it by hand: pods with the label {RUN_LABEL}={run}, or sandboxes called mc-{run}-….",
        )


@contextlib.contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Hold a bundle for this process.

    Raises UsageError where another one is at work in it, or where there is no directory.
    """
    try:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        why = "" if isinstance(error, FileNotFoundError) else f": {error.strerror}"
        raise UsageError(
            f"There is no directory {plain(str(directory))}{why}.", "Name the bundle of a run."
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UsageError(
                f"Another memcollect is at work in {directory}.", "Wait until it has ended."
            ) from error
        yield
    finally:
        os.close(handle)


def _seen_from(directory: Path, folder: Path) -> str:
    path = os.path.relpath(folder.resolve(), directory.resolve())
    return path.encode("utf-8", "backslashreplace").decode()


def _folder_of(events: Iterable[Event]) -> str:
    return next((each.name for each in events if each.kind == FOLDER_EVENT and each.name), ".")


def _manifest(plan: Plan, text: Text, run_id: str, backend: str) -> RunManifest:
    workloads = [workload_of(phase, plan) for phase in plan.phases]
    return RunManifest(
        tool=Tool(version=__version__),
        run_id=run_id,
        backend=backend or plan.backend or plan.name,
        started_at=time.time(),
        plan=Planned(
            name=plan.name,
            version=plan.version,
            sha256=hashlib.sha256(text.plan).hexdigest(),
            phases=[phase.name for phase in plan.phases],
            repeats=plan.repeats,
            steps=sorted({step for phase in plan.phases if isinstance(phase, Scale) for step in phase.steps}),
        ),
        workloads=[each for each in workloads if each is not None],
    )
