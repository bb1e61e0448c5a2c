"""Going on with a run that was broken off, and cleaning up after one, by what its bundle still holds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from memcollect.documents.bundle import BundleWriter, checked, read_bundle
from memcollect.documents.events import is_of_a_crash, read_events
from memcollect.documents.run import EVENTS_NAME, PLAN_NAME, Event
from memcollect.errors import DocumentError
from memcollect.profile.begun import FOLDER_EVENT, SOURCE_NAME, Begun
from memcollect.profile.plan.parse import parse_plan
from memcollect.profile.record import Record
from memcollect.profile.sandboxes.choose import source_of
from memcollect.profile.sandboxes.packaged import PackagedSource
from memcollect.profile.sandboxes.provisioned import ProvisionedSource
from memcollect.profile.sandboxes.source import RUN_ID, RUN_LABEL
from memcollect.profile.sandboxes.template import TEMPLATE_NAME
from memcollect.profile.tools import Tools
from memcollect.sources.plain import plain


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
    if isinstance(begun.source, ProvisionedSource | PackagedSource):
        # Deletions need its headers or its package; to delete pods nothing is needed beside the plan.
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
        return is_of_a_crash(self._directory, self._entries.values(), problem)

    def _lost(self, why: str) -> DocumentError:
        run = self._manifest.run_id
        return DocumentError(
            f"What the run in {self._directory} has made is not known any more: {why}.",
            f"Delete it by hand: pods with the label {RUN_LABEL}={run}, or sandboxes called mc-{run}-….",
        )


def _folder_of(events: Iterable[Event]) -> str:
    return next((each.name for each in events if each.kind == FOLDER_EVENT and each.name), ".")
