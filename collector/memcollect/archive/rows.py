"""A pod of a snapshot as rows of the archive's tables. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec import Struct

from memcollect.archive.columns import (
    ARCHIVE_VERSION,
    ContainerRow,
    FileRow,
    FindingRow,
    PodRow,
    ProcessRow,
    SnapshotRow,
    StepRow,
    TermRow,
)
from memcollect.documents.snapshot import (
    AppSummary,
    Composition,
    Container,
    Finding,
    Ladder,
    Pod,
    Snapshot,
    Step,
    Term,
    Top,
)
from memcollect.documents.times import written_time
from memcollect.explain.files import charged_bytes
from memcollect_agent import __version__
from memcollect_agent.wire import Cgroup, FileUse, Limit, Process

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_CGROUP = Cgroup(path="")
_NO_TOP = Top(source="")


Rows = dict[str, list[Struct]]
"""By table."""
Begin = tuple[str, str, str | None, str]
"""What every row of a pod begins with: snapshot, UID, namespace, name …"""
Whose = tuple[str, str, str | None, str, str | None, str | None]
"""… and where it may be of a container: its name and id, too. Rows are made by the hundred thousand, and
from what stands together in this order they are made twice as fast as by names."""


def pod_rows(snapshot: str, pod: Pod) -> Rows:
    """Return each row that the pod is; `snapshot` is the hash of its document.

    Raises OverflowError where a time is none that a calendar has.
    """
    begin = (snapshot, pod.uid, pod.namespace, pod.name)
    rows: Rows = {
        "pods": [_pod(snapshot, pod)],
        "containers": [],
        "terms": [],
        "steps": [],
        "processes": [],
        "findings": [_finding(begin, finding) for finding in pod.findings],
        "files": [_file(begin, use) for use in (pod.files.files if pod.files else ())],
    }
    _add_parts(rows, (*begin, None, None), pod.composition, pod.ladder)
    if pod.summary is not None:
        rows["containers"] += [_app(snapshot, pod, app) for app in pod.summary.apps]
    for container in (*pod.containers, *pod.outside):
        whose = (*begin, container.name, container.id)
        rows["containers"].append(_container(snapshot, pod, container))
        rows["processes"] += [_process(whose, process) for process in container.processes]
        _add_parts(rows, whose, container.composition, container.ladder)
    return rows


class Counted(Struct):
    """How many pods were handed on."""

    pods: int = 0
    measured: int = 0
    in_summary: int = 0

    def add(self, pod: Pod) -> None:
        """Count one."""
        self.pods += 1
        self.in_summary += pod.summary is not None
        self.measured += pod.composition is not None


def snapshot_row(sha256: str, file: str, size_bytes: int, rest: Snapshot, counted: Counted) -> SnapshotRow:
    """Return the row of a snapshot, of which `rest` is all but the pods. ValueError: a time is none."""
    return SnapshotRow(
        snapshot=sha256,
        file=file,
        size_bytes=size_bytes,
        captured_at=written_time(rest.captured_at),
        finished_at=written_time(rest.finished_at) if rest.finished_at else None,
        sample=rest.sample,
        mode=rest.mode,
        schema_version=rest.schema_version,
        tool_version=rest.tool.version,
        archive_version=ARCHIVE_VERSION,
        exported_by=__version__,
        nodes=len(rest.nodes),
        pods=counted.pods,
        pods_measured=counted.measured,
        missing=len(rest.missing),
        with_processes=rest.scope.processes,
        with_files=rest.scope.files,
        pods_in_summary=counted.in_summary,
    )


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else _EPOCH + timedelta(seconds=seconds)


def _pod(snapshot: str, pod: Pod) -> PodRow:
    cgroup, top, parts = pod.cgroup or _NO_CGROUP, pod.top or _NO_TOP, pod.composition
    stat = cgroup.stat or {}
    return PodRow(
        snapshot=snapshot,
        pod_uid=pod.uid,
        namespace=pod.namespace,
        pod=pod.name,
        kind=pod.kind,
        node=pod.node,
        owner=pod.owner,
        phase=pod.phase,
        qos_class=pod.qos_class,
        runtime=pod.runtime.family,
        unmeasured=pod.unmeasured or None,
        working_set_bytes=parts.working_set_bytes if parts else None,
        residual_bytes=parts.residual.estimate_bytes if parts else None,
        charge_bytes=cgroup.current_bytes if pod.summary is None else pod.summary.charge_bytes,
        limit_bytes=_limit(cgroup.max_bytes if pod.summary is None else pod.summary.limit_bytes),
        anon_bytes=stat.get("anon"),
        file_bytes=stat.get("file"),
        shmem_bytes=stat.get("shmem"),
        kernel_bytes=stat.get("kernel"),
        top_bytes=top.memory_bytes,
        top_status=top.status or None,
        top_at=_time(top.timestamp),
        top_working_set_bytes=top.working_set_at_sample_bytes,
        top_tolerance_bytes=top.tolerance_bytes,
        verdict=pod.verdict,
        swap_room=_swap_room(parts),
    )


def _container(snapshot: str, pod: Pod, container: Container) -> ContainerRow:
    cgroup, top = container.cgroup or _NO_CGROUP, container.top or _NO_TOP
    parts, sums, ended = container.composition, container.sums, container.last_termination
    stat = cgroup.stat or {}
    return ContainerRow(
        snapshot=snapshot,
        pod_uid=pod.uid,
        namespace=pod.namespace,
        pod=pod.name,
        container=container.name,
        container_id=container.id,
        role=container.role,
        state=container.state,
        image=container.image,
        image_id=container.image_id,
        restarts=container.restarts,
        last_end=ended.reason if ended else None,
        working_set_bytes=parts.working_set_bytes if parts else None,
        residual_bytes=parts.residual.estimate_bytes if parts else None,
        charge_bytes=cgroup.current_bytes,
        limit_bytes=_limit(cgroup.max_bytes),
        anon_bytes=stat.get("anon"),
        file_bytes=stat.get("file"),
        shmem_bytes=stat.get("shmem"),
        kernel_bytes=stat.get("kernel"),
        processes=sums.listed if sums else None,
        pss_bytes=sums.pss_bytes if sums else None,
        rss_bytes=sums.rss_bytes if sums else None,
        top_bytes=top.memory_bytes,
        top_status=top.status or None,
        top_at=_time(top.timestamp),
        top_working_set_bytes=top.working_set_at_sample_bytes,
        top_tolerance_bytes=top.tolerance_bytes,
        swap_room=_swap_room(parts),
    )


def _app(snapshot: str, pod: Pod, app: AppSummary) -> ContainerRow:
    """Return the row of a container of which a pod told in summary keeps this alone."""
    known = Container(
        name=app.name,
        image=app.image,
        cgroup=Cgroup(path="", stat=None if app.anon_bytes is None else {"anon": app.anon_bytes}),
    )
    return _container(snapshot, pod, known)


def _limit(limit: Limit) -> int | None:
    return limit if isinstance(limit, int) else None


def _swap_room(parts: Composition | None) -> str | None:
    return None if parts is None or parts.swap_room == "unknown" else parts.swap_room


def _add_parts(rows: Rows, whose: Whose, composition: Composition | None, ladder: Ladder | None) -> None:
    terms = rows["terms"]
    if composition is not None:
        terms += [_term(whose, "composition", None, None, term) for term in composition.terms]
        terms += [_term(whose, "left_out", None, None, term) for term in composition.left_out]
        terms += [_term(whose, "beside", None, None, term) for term in composition.beside]
    if ladder is not None:
        rungs = {rung.rung: rung.bytes for rung in ladder.rungs}
        for step in ladder.steps:
            rows["steps"].append(_step(whose, step, rungs))
            terms += [_term(whose, "step", step.from_rung, step.to_rung, term) for term in step.terms]


def _term(whose: Whose, part: str, from_rung: str | None, to_rung: str | None, term: Term) -> TermRow:
    return TermRow(
        *whose,
        part,
        from_rung,
        to_rung,
        term.term,
        term.low_bytes,
        term.high_bytes,
        term.estimate_bytes,
        term.confidence,
        term.reclaimable,
        term.evidence,
    )


def _step(whose: Whose, step: Step, rungs: dict[str, int | None]) -> StepRow:
    residual = step.residual
    return StepRow(
        *whose,
        step.from_rung,
        step.to_rung,
        rungs.get(step.from_rung),
        rungs.get(step.to_rung),
        step.gap_bytes,
        residual.estimate_bytes,
        residual.bound_low_bytes,
        residual.bound_high_bytes,
        len(step.undecided),
        step.closed,
    )


def _finding(begin: Begin, finding: Finding) -> FindingRow:
    return FindingRow(
        *begin,
        finding.cause,
        finding.scope,
        finding.severity,
        finding.confidence,
        finding.low_bytes,
        finding.high_bytes,
        finding.estimate_bytes,
        finding.sentence,
        finding.evidence,
        finding.remedy,
    )


def _process(whose: Whose, process: Process) -> ProcessRow:
    return ProcessRow(
        *whose,
        process.pid,
        process.ppid,
        _time(process.start_time),
        process.comm,
        process.exe,
        process.command,
        process.rss_bytes,
        process.pss_bytes,
        process.pss_anon_bytes,
        process.pss_file_bytes,
        process.pss_shmem_bytes,
    )


def _signed(number: int) -> int:
    """Return a number of 64 bits as a signed one: not every engine reads Parquet's unsigned ones."""
    return number - (1 << 64) if 1 << 63 <= number < 1 << 64 else number


def _file(begin: Begin, use: FileUse) -> FileRow:
    return FileRow(
        *begin,
        use.path,
        use.place,
        use.volume or None,
        use.volume_kind or None,
        _signed(use.device),
        _signed(use.inode),
        use.size_bytes,
        use.resident_low_bytes,
        use.resident_high_bytes,
        charged_bytes(use),
        use.is_shmem,
        use.dirty_bytes,
    )
