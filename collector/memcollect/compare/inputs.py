"""From documents to observations: a snapshot each, with the phase, repeat and backend it is of. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct, field

from memcollect.compare.model import PhaseKey
from memcollect.documents.run import PhaseRun, RunManifest, Settling
from memcollect.documents.snapshot import Snapshot
from memcollect.documents.times import taken_at
from memcollect.evidence.document import Evidence

Grouping = Literal["auto", "runtime", "file", "label"]
"""What makes a backend: the runtime's family, each file or directory by itself, or the labels given."""
NOT_RECORDED = "not recorded"
NO_WORKLOAD = "none"


class Observation(Struct, frozen=True, kw_only=True):
    """One snapshot in its place. A fact that no run recorded is None."""

    source: str
    phase: PhaseKey
    repeat: str
    """Names the repeat among those of its backend."""
    status: str | None = None
    reason: str = ""
    settled: bool | None = None
    settle_rule: tuple[int, float] | None = None
    """At rest is a change of less than so many bytes in so many seconds."""
    same_pod: bool | None = None
    """After a reuse: whether the pods are those that were released."""
    workloads: list[tuple[str, str | None]] | None = None
    """What ran in this repeat up to here: (phase, hash), in order."""
    earlier: list[tuple[str, str]] | None = None
    """How the phases before it in the same sandboxes ended: (phase, status), in order."""
    order: tuple[int, int, int, float] = (0, 0, 0, 0.0)
    """Where its phase stands: in the plan, and by time where there is none."""
    snapshot: Snapshot


class Document(Struct, frozen=True, kw_only=True):
    """One input: a run with its snapshots, or one snapshot by itself."""

    name: str
    label: str | None = None
    sha256: str
    manifest: RunManifest | None = None
    snapshots: Mapping[str, Snapshot] = field(default_factory=dict)
    """By path in the bundle; of a single snapshot by the document's own name."""
    evidence: list[Evidence] = field(default_factory=list)
    """What the run has tried of its backend."""
    problems: list[str] = field(default_factory=list)
    """Files of the bundle that are missing or altered, each a sentence."""

    @property
    def key(self) -> tuple[str, str]:
        """Return what puts documents in an order that does not depend on how they were given."""
        return (self.name, self.sha256)


def observations(document: Document) -> list[Observation]:
    """Return the document's snapshots in their places."""
    if document.manifest is None:
        return [_single(document, snapshot) for snapshot in document.snapshots.values()]
    return [each for run in document.manifest.phases for each in _of_phase(document, document.manifest, run)]


def measurements(document: Document) -> set[str]:
    """Return what identifies each measurement of the document: its run, and its snapshots' hashes."""
    manifest = document.manifest
    if manifest is None:
        return {document.sha256}
    files = {entry.sha256 for entry in manifest.files if entry.path in document.snapshots}
    return {f"run {manifest.run_id}", *files}


def phase_key(run: PhaseRun) -> PhaseKey:
    """Return which phase this was."""
    return PhaseKey(name=run.phase, step=run.step, cycle=run.cycle)


def _single(document: Document, snapshot: Snapshot) -> Observation:
    return Observation(
        source=document.name,
        phase=PhaseKey(name=snapshot.sample),
        repeat=document.name,
        order=(1 << 30, 0, 0, taken_at(snapshot)),
        snapshot=snapshot,
    )


def _of_phase(document: Document, manifest: RunManifest, run: PhaseRun) -> Iterable[Observation]:
    for path in run.snapshots:
        snapshot = document.snapshots.get(path)
        if snapshot is None:
            continue
        yield Observation(
            source=document.name,
            phase=phase_key(run),
            repeat=f"{manifest.run_id} {run.repeat}",
            status=run.status,
            reason=run.reason,
            settled=run.settling.settled if run.settling is not None else None,
            settle_rule=_settle_rule(run.settling),
            same_pod=run.same_pod,
            workloads=workload_trail(manifest, run),
            earlier=[(phase_key(each).label, each.status) for each in same_sandboxes(manifest, run)[:-1]],
            order=(*place_in_plan(manifest, run), 0.0),
            snapshot=snapshot,
        )


def _settle_rule(settling: Settling | None) -> tuple[int, float] | None:
    if settling is None or settling.within_bytes is None or settling.for_seconds is None:
        return None
    return settling.within_bytes, settling.for_seconds


def workload_trail(manifest: RunManifest, run: PhaseRun) -> list[tuple[str, str | None]]:
    """Return what had been run in these sandboxes, this phase last: (phase, hash), None where it has none.

    What ran before leaves memory behind, so two phases did the same only where their trails are equal.
    """
    together = same_sandboxes(manifest, run)
    return list({phase_key(each).label: workload_hash(manifest, each) for each in together}.items())


def same_sandboxes(manifest: RunManifest, run: PhaseRun) -> list[PhaseRun]:
    """Return the phases that this one's sandboxes have been through, in order, this one last.

    Each repeat, and in it each number of sandboxes at once, has sandboxes of its own.
    """
    found = [
        each
        for each in manifest.phases
        if (each.repeat, each.step) == (run.repeat, run.step)
        and place_in_plan(manifest, each) <= place_in_plan(manifest, run)
    ]
    return sorted(found, key=lambda each: place_in_plan(manifest, each))


def workload_hash(manifest: RunManifest, run: PhaseRun) -> str | None:
    """Return what the phase ran, as a hash; "none" where it ran nothing, None where it is not recorded."""
    if run.workload is None or run.status == "skipped":
        return NO_WORKLOAD
    return next((each.sha256 for each in manifest.workloads if each.name == run.workload), None)


def place_in_plan(manifest: RunManifest, run: PhaseRun) -> tuple[int, int, int]:
    """Return where the phase stands; one that the plan does not name comes last."""
    planned = manifest.plan.phases
    place = planned.index(run.phase) if run.phase in planned else len(planned)
    return (place, run.step or 0, run.cycle or 0)


def backend_names(documents: Sequence[Document], by: Grouping) -> dict[str, str]:
    """Return each document's backend by the document's name.

    "auto" takes a label, then a run's own word for its source, then the runtime's family; and where that
    makes one cell of several single snapshots, each file, since somebody who names two files means two.
    """
    if by == "file":
        return {each.name: each.label or each.name for each in documents}
    names = {each.name: _backend(each, by) for each in documents}
    return _told_apart(documents, names) if by == "auto" else names


def returns(observed: Iterable[Observation]) -> list[bool]:
    """Return, for each reuse, whether the same pods came back."""
    return [each.same_pod for each in observed if each.same_pod is not None]


def _backend(document: Document, by: Grouping) -> str:
    if document.label is not None and by != "runtime":
        return document.label
    if by == "label":
        return document.name
    if by == "auto" and document.manifest is not None and document.manifest.backend:
        return document.manifest.backend
    families = {pod.runtime.family for each in document.snapshots.values() for pod in each.pods}
    known = sorted(families - {"unknown"})
    return "+".join(known) if known else "unknown runtime"


def _told_apart(documents: Sequence[Document], names: dict[str, str]) -> dict[str, str]:
    if len(documents) < 2 or any(each.label for each in documents) or len(set(names.values())) > 1:
        return names
    phases = {each.phase for document in documents for each in observations(document)}
    runs = [each for each in documents if each.manifest is not None]
    if runs or len(phases) > 1:
        return names
    return {each.name: each.name for each in documents}
