"""Beginning a run: its plan read, its source prepared, its bundle made."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from memcollect.documents.bundle import BundleWriter
from memcollect.documents.run import PLAN_NAME, Planned, RunManifest
from memcollect.documents.snapshot import Tool
from memcollect.errors import OutputError
from memcollect.profile.begun import FOLDER_EVENT, SOURCE_NAME, Begun
from memcollect.profile.plan.model import Evidence, Plan, Scale, Template
from memcollect.profile.plan.parse import parse_plan
from memcollect.profile.plan.shipped import text_of
from memcollect.profile.plan.workload import canonical, workload_of
from memcollect.profile.record import Record
from memcollect.profile.sandboxes.choose import source_of
from memcollect.profile.sandboxes.source import new_run_id
from memcollect.profile.tools import Tools
from memcollect.sources.deadline import Stopped
from memcollect_agent import __version__


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


def read_text(plan: str, source: str | None) -> Text:
    """Return a plan by its path or name, and the file that replaces its source. Raises CollectorError."""
    data, folder = text_of(plan)
    if source is None:
        return Text(plan=data, name=plan, folder=folder)
    replaced, folder = text_of(source, "sources")
    return Text(plan=data, name=plan, folder=folder, source=replaced)


def begin(text: Text, directory: Path, backend: str, tools: Tools, stopped: Stopped = lambda: False) -> Begun:
    """Return a new run with its bundle made. Raises CollectorError, and makes nothing then."""
    plan, run_id = text.parsed(), new_run_id()
    source = source_of(plan, run_id, text.folder, stopped=stopped)
    kept = source.prepare(tools)
    record = Record(BundleWriter.create(directory), _manifest(plan, text, run_id, backend))
    try:
        _write(record, text, plan, kept)
        record.event("run-started", name=run_id)
        if isinstance(plan.source, Template) and plan.source.file:
            # Its values are needed again to go on. From the bundle, so that both may be moved together.
            record.event(FOLDER_EVENT, name=_seen_from(directory, text.folder))
    except OutputError:
        # Made just now, and nothing is measured: what is left would only stand in the next run's way.
        shutil.rmtree(directory, ignore_errors=True)
        raise
    return Begun(plan=plan, source=source, record=record, directory=directory, events=[])


def _write(record: Record, text: Text, plan: Plan, kept: Mapping[str, bytes]) -> None:
    """Put what the run is made of into its bundle. Raises OutputError."""
    record.file(PLAN_NAME, text.plan)
    if text.source is not None:
        record.file(SOURCE_NAME, text.source)
    for name, content in kept.items():
        record.file(name, content)
    for phase in plan.phases:
        if workload_of(phase, plan) is not None:
            record.file(f"workloads/{phase.name}.json", canonical(phase))


def _seen_from(directory: Path, folder: Path) -> str:
    path = os.path.relpath(folder.resolve(), directory.resolve())
    return path.encode("utf-8", "backslashreplace").decode()


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
            phases=[phase.name for phase in plan.phases if not isinstance(phase, Evidence)],
            evidence=[phase.name for phase in plan.phases if isinstance(phase, Evidence)],
            repeats=plan.repeats,
            steps=sorted({step for phase in plan.phases if isinstance(phase, Scale) for step in phase.steps}),
        ),
        workloads=[each for each in workloads if each is not None],
    )
