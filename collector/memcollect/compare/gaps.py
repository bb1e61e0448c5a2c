"""What should be in a run and is not: phases that failed, repeats that are not there. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from memcollect.compare.boots import rebooted
from memcollect.compare.inputs import Document, phase_key
from memcollect.compare.model import Gap
from memcollect.documents.run import PhaseRun, RunManifest, Settling
from memcollect.documents.snapshot import Snapshot
from memcollect.units import human_bytes

RUN = "the run"
RECORD = "the run's record"
"""Where a run contradicts itself as a whole: nothing may be claimed of any phase."""


def gaps(document: Document, backend: str) -> Iterator[Gap]:
    """Yield what the plan asked for and the run does not hold, and what its phases name as missing."""
    manifest = document.manifest
    if manifest is None:
        return
    if manifest.finished_at is None:
        reason = f"{document.name} is unfinished; `memcollect profile --resume` goes on with it"
        yield Gap(backend=backend, phase=RUN, reason=reason)
    looks = (*manifest.nodes, *(look for run in manifest.phases for look in run.nodes))
    for node in rebooted((look.node, look.boot_id) for look in looks):
        reason = f"{node} was rebooted during the run: what it held before and after is not compared"
        yield Gap(backend=backend, phase=RUN, reason=reason)
    for run in manifest.phases:
        yield from _of_phase(document, run, backend)
    for reason in _not_of_this_run(document, manifest):
        yield Gap(backend=backend, phase=RECORD, reason=reason)
    done = {(run.phase, run.step, run.repeat) for run in manifest.phases}
    for name, step in _planned(manifest):
        there = sum((phase, at) == (name, step) for phase, at, _ in done)
        if there < manifest.plan.repeats:
            at = "" if step is None else f" with {step} at once"
            reason = (
                f"{manifest.plan.repeats - there} of {manifest.plan.repeats} planned repeats{at} not there"
            )
            yield Gap(backend=backend, phase=name, reason=reason)


def _of_phase(document: Document, run: PhaseRun, backend: str) -> Iterator[Gap]:
    label = phase_key(run).label
    why = f": {run.reason}" if run.reason else ""
    if _tries(document, run):
        if run.status != "ok":
            yield Gap(backend=backend, phase=label, reason=f"it ended as {run.status}{why}")
    elif not run.snapshots:
        yield Gap(
            backend=backend, phase=label, reason=f"repeat {run.repeat} has no snapshot ({run.status}){why}"
        )
    elif any(path not in document.snapshots for path in run.snapshots):
        yield Gap(
            backend=backend, phase=label, reason=f"repeat {run.repeat}: a snapshot's file cannot be used"
        )
    elif run.status not in ("ok", "did-not-settle"):
        yield Gap(backend=backend, phase=label, reason=f"repeat {run.repeat} ended as {run.status}{why}")
    else:
        for reason in _contradicted(document, run):
            yield Gap(backend=backend, phase=label, reason=f"repeat {run.repeat}: {reason}")
    for missing in run.missing:
        yield Gap(
            backend=backend,
            phase=label,
            reason=f"repeat {run.repeat}: {missing.kind} {missing.name} ({missing.reason})",
        )


def _contradicted(document: Document, run: PhaseRun) -> Iterator[str]:
    """Yield where a phase's snapshots are not what the run says of it, though it says that all went well."""
    taken = [document.snapshots[path] for path in run.snapshots]
    for path, each in zip(run.snapshots, taken, strict=True):
        yield from _otherwise(path, each, run)
    if run.settling is not None and run.settling.settled:
        yield from _restless(run.settling)
    pods = {pod.uid for each in taken for pod in each.pods}
    if run.step is not None and len(pods) < run.step and not run.missing:
        yield f"{len(pods)} of {run.step} pods are in its snapshot"


def _otherwise(path: str, snapshot: Snapshot, run: PhaseRun) -> Iterator[str]:
    if snapshot.sample != run.phase:
        yield f"{path} says that it is of {snapshot.sample}"
    uids = [pod.uid or pod.name for pod in snapshot.pods]
    for what, names in (("pod", uids), ("node", [node.name for node in snapshot.nodes])):
        twice = next((name for name, count in Counter(names).items() if count > 1), None)
        if twice is not None:
            yield f"{path} has the {what} {twice} more than once"
    told = {(missing.kind, missing.name) for missing in run.missing}
    for missing in snapshot.missing:
        if (missing.kind, missing.name) not in told:
            lacks = f"{missing.kind} {missing.name} ({missing.reason})"
            yield f"{path} lacks {lacks}, which the run does not tell"


def _restless(rest: Settling) -> Iterator[str]:
    asked, waited, moved = rest.for_seconds, rest.waited_seconds, rest.change_bytes
    if asked is not None and not 0 < asked <= (asked if waited is None else waited):
        yield f"at rest by a rule of {asked:g} s, as it says, though it was waited for {waited or 0:g} s"
    if moved is not None and rest.within_bytes is not None and moved >= rest.within_bytes:
        yield f"at rest, as it says, though memory had just moved by {human_bytes(moved)}"


def _not_of_this_run(document: Document, manifest: RunManifest) -> Iterator[str]:
    """Yield what somebody has put into the run, or chosen from a longer one."""
    for tried in document.evidence:
        if tried.run_id and tried.run_id != manifest.run_id:
            yield f"its evidence is that of the run {tried.run_id}, and not of {manifest.run_id}"
        elif tried.backend != manifest.backend:
            yield f"its evidence is that of {tried.backend or 'no backend'}, and not of {manifest.backend}"
    planned = manifest.plan.repeats
    last = max((run.repeat for run in manifest.phases if run.snapshots), default=0)
    if last > planned:
        yield f"repeat {last} is there, and {planned} were planned: of more, some were chosen"
    taken = {
        (phase_key(run).label, document.snapshots[path].captured_at, run.repeat)
        for run in manifest.phases
        for path in run.snapshots
        if path in document.snapshots
    }
    for (label, moment), count in Counter((label, moment) for label, moment, _ in sorted(taken)).items():
        if count > 1:
            yield f"{count} repeats of {label} were taken at one moment, {moment}"


def _planned(manifest: RunManifest) -> Iterator[tuple[str, int | None]]:
    stepped = {run.phase for run in manifest.phases if run.step is not None}
    for name in dict.fromkeys(manifest.plan.phases):
        for step in dict.fromkeys(manifest.plan.steps) if name in stepped else [None]:
            yield name, step


def _tries(document: Document, run: PhaseRun) -> bool:
    """Return whether the phase tries the backend, and so measures nothing."""
    return document.manifest is not None and run.phase in document.manifest.plan.evidence
