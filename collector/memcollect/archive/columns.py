"""The tables of an archive: a struct for each, a field for each column, with its meaning. Pure.

The rules of the contract: a column's name, type, unit and meaning never change; more may be added, at the
end. Sizes are bytes; NULL is "not known", never 0.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, get_args, get_type_hints

from msgspec import Meta, Struct

ARCHIVE_VERSION = 1
"""Raised where a column changes, and not where one is added."""


def _says(meaning: str) -> Meta:
    return Meta(description=meaning)


Snapshot = Annotated[str, _says("The snapshot: SHA-256 of its JSON file, as `sha256sum` says it.")]
PodUid = Annotated[str, _says("The pod's UID; with `snapshot` it names one pod.")]
Namespace = Annotated[str | None, _says("The pod's namespace; NULL outside of Kubernetes.")]
PodName = Annotated[str, _says("The pod's name; with `--local` also a container's or service's.")]
ContainerName = Annotated[str | None, _says("The container's name; NULL: of the pod as a whole.")]
ContainerId = Annotated[
    str | None, _says("Its id at the runtime: with the name it tells two of a pod apart.")
]
Low = Annotated[int | None, _says("The least that it can be.")]
High = Annotated[int | None, _says("The most that it can be.")]
Estimate = Annotated[int | None, _says("The number to show.")]
Confidence = Annotated[
    str, _says("`measured`: a counter; `bounded`: an interval that must contain it; `inferred`: a heuristic.")
]
WorkingSet = Annotated[
    int | None, _says("Charge − inactive file list of its app containers, as `kubectl top` would count now.")
]
Residual = Annotated[int | None, _says("What of the working set no term of the composition owns.")]
Stat = Annotated[int | None, _says("The line of this name in the cgroup's memory.stat.")]
FileStat = Annotated[int | None, _says("Page cache and tmpfs: the line `file` of memory.stat.")]
Charge = Annotated[int | None, _says("memory.current of its cgroup: all that it is charged for.")]
Limit = Annotated[int | None, _says("memory.max of its cgroup; NULL: no limit, or not known.")]
Top = Annotated[int | None, _says("What `kubectl top` showed.")]
TopStatus = Annotated[str | None, _says("How far that can be trusted (docs/top.md).")]
TopTime = Annotated[datetime | None, _says("When the number was taken that `kubectl top` showed.")]
AtSample = Annotated[int | None, _says("The agent's own working set at that time, from its history.")]
Tolerance = Annotated[int | None, _says("How far those two may lie apart without either being wrong.")]
Room = Annotated[
    str | None,
    _says(
        "Whether what only swap takes had room there: `usable`, `full`, `forbidden`, `none`; NULL: not known."
    ),
]
Pss = Annotated[int | None, _says("Fair share of the pages that its processes map (PSS).")]
Rss = Annotated[int | None, _says("Pages that its processes map, shared ones counted each time.")]
PssAnon = Annotated[int | None, _says("PSS of private memory.")]
PssFile = Annotated[int | None, _says("PSS of mapped files.")]
PssShmem = Annotated[int | None, _says("PSS of tmpfs and shared memory.")]


class SnapshotRow(Struct, frozen=True, kw_only=True, gc=False):
    """One saved snapshot: a row, and so a snapshot is in the archive or is not."""

    snapshot: Annotated[str, _says("SHA-256 of its JSON file, as `sha256sum` says it: that is the evidence.")]
    file: Annotated[str, _says("The JSON file's name when it was exported.")]
    size_bytes: Annotated[int, _says("Length of that file.")]
    captured_at: Annotated[datetime, _says("When it was begun.")]
    finished_at: Annotated[datetime | None, _says("When it was ended.")]
    sample: Annotated[str, _says("The name that `--sample` gave it.")]
    mode: Annotated[str, _says("`cluster` or `local`.")]
    schema_version: Annotated[int, _says("Of the JSON document.")]
    tool_version: Annotated[str, _says("The memcollect that measured, and explained.")]
    archive_version: Annotated[int, _says("Of these tables.")]
    exported_by: Annotated[str, _says("The memcollect that wrote these rows.")]
    nodes: Annotated[int, _says("Nodes that answered.")]
    pods: Annotated[int, _says("Rows in `pods`.")]
    pods_measured: Annotated[int, _says("Those of them with a working set.")]
    missing: Annotated[int, _says("Things asked for and not measured; which, the JSON says.")]
    with_processes: Annotated[bool, _says("Whether processes were asked for.")]
    with_files: Annotated[bool, _says("Whether files were asked for.")]
    pods_in_summary: Annotated[
        int | None,
        _says(
            "Rows in `pods` that were told in summary: other tables have their `terms`, and of `containers` "
            "name, image and private memory."
        ),
    ]


class PodRow(Struct, frozen=True, kw_only=True, gc=False):
    """One pod; of `--local` also one container or service outside Kubernetes."""

    snapshot: Snapshot
    pod_uid: PodUid
    namespace: Namespace
    pod: PodName
    kind: Annotated[str, _says("`pod`, `container`, `service` or `sandbox`.")]
    node: Annotated[str | None, _says("The node it is on.")]
    owner: Annotated[str | None, _says("KIND/NAME of what manages it.")]
    phase: Annotated[str | None, _says("As Kubernetes says.")]
    qos_class: Annotated[str | None, _says("As Kubernetes, or the cgroup's path, says.")]
    runtime: Annotated[str, _says("Family of its sandbox's runtime.")]
    unmeasured: Annotated[str | None, _says("Why there are no numbers, as a sentence; NULL: there are.")]
    working_set_bytes: WorkingSet
    residual_bytes: Residual
    charge_bytes: Charge
    limit_bytes: Limit
    anon_bytes: Stat
    file_bytes: FileStat
    shmem_bytes: Stat
    kernel_bytes: Stat
    top_bytes: Top
    top_status: TopStatus
    top_at: TopTime
    top_working_set_bytes: AtSample
    top_tolerance_bytes: Tolerance
    verdict: Annotated[str, _says("Where its memory is, in sentences.")]
    swap_room: Room


class ContainerRow(Struct, frozen=True, kw_only=True, gc=False):
    """One container of a pod, also those that the kubelet does not count (`role`)."""

    snapshot: Snapshot
    pod_uid: PodUid
    namespace: Namespace
    pod: PodName
    container: Annotated[str, _says("Its name.")]
    container_id: ContainerId
    role: Annotated[
        str, _says("`container`, `init`, `ephemeral`, `pause`, `sandbox`, `overhead`, `started`, …")
    ]
    state: Annotated[str | None, _says("`running`, `waiting` or `terminated`; NULL: nobody was asked.")]
    image: Annotated[str | None, _says("As the pod's spec names it.")]
    image_id: Annotated[str | None, _says("What was pulled for that name.")]
    restarts: Annotated[int | None, _says("How often it was started again.")]
    last_end: Annotated[str | None, _says("Why it last ended: `OOMKilled`, `Error`, …")]
    working_set_bytes: WorkingSet
    residual_bytes: Residual
    charge_bytes: Charge
    limit_bytes: Limit
    anon_bytes: Stat
    file_bytes: FileStat
    shmem_bytes: Stat
    kernel_bytes: Stat
    processes: Annotated[int | None, _says("Processes that were listed in its cgroup.")]
    pss_bytes: Pss
    rss_bytes: Rss
    top_bytes: Top
    top_status: TopStatus
    top_at: TopTime
    top_working_set_bytes: AtSample
    top_tolerance_bytes: Tolerance
    swap_room: Room


class _OfAPod(Struct, frozen=True, gc=False):
    snapshot: Snapshot
    pod_uid: PodUid
    namespace: Namespace
    pod: PodName


class _OfAContainer(_OfAPod, frozen=True, gc=False):
    container: ContainerName
    container_id: ContainerId


class TermRow(_OfAContainer, frozen=True, gc=False):
    """One named part of a working set, or of a gap between two numbers (docs/glossary.md).

    Of one pod or container the estimates of `part` "composition" and its `residual_bytes` sum to its
    working set; those of a step and the step's residual to its gap.
    """

    part: Annotated[
        str,
        _says(
            "`composition`: of the working set; `left_out`: charged and no working set; `beside`: held and "
            "in neither; `step`: of a gap."
        ),
    ]
    from_rung: Annotated[str | None, _says("Of a step: where it begins.")]
    to_rung: Annotated[str | None, _says("Of a step: where it ends.")]
    term: Annotated[str, _says("Its name.")]
    low_bytes: Low
    high_bytes: High
    estimate_bytes: Estimate
    confidence: Confidence
    reclaimable: Annotated[str | None, _says("What the kernel can do with it when memory is short.")]
    evidence: Annotated[str, _says("The counters that say so, as arithmetic.")]


class StepRow(_OfAContainer, frozen=True, gc=False):
    """One step of a ladder: from one number that people see to the next."""

    from_rung: Annotated[str, _says("The number it begins at.")]
    to_rung: Annotated[str, _says("The number it ends at.")]
    from_bytes: Annotated[int | None, _says("That number.")]
    to_bytes: Annotated[int | None, _says("That number.")]
    gap_bytes: Annotated[int, _says("to − from: the sum of the step's terms and its residual.")]
    residual_bytes: Annotated[int, _says("What no term owns.")]
    bound_low_bytes: Annotated[
        int, _says("The residual is explained by the kernel's bookkeeping from here …")
    ]
    bound_high_bytes: Annotated[int, _says("… to here.")]
    undecided: Annotated[int, _says("Terms for which a fact was missing.")]
    closed: Annotated[bool, _says("Whether the residual is within its bound and nothing undecided.")]


class FindingRow(_OfAPod, frozen=True, gc=False):
    """One thing worth knowing (docs/causes.md)."""

    cause: Annotated[str, _says("As docs/causes.md names it.")]
    scope: Annotated[str, _says("The container's name, or `pod`.")]
    severity: Annotated[str, _says("`info`, `notice`, `warning` or `critical`.")]
    confidence: Confidence
    low_bytes: Low
    high_bytes: High
    estimate_bytes: Estimate
    sentence: Annotated[str, _says("What it is.")]
    evidence: Annotated[str, _says("What says so.")]
    remedy: Annotated[str, _says("What can be done.")]


class ProcessRow(_OfAContainer, frozen=True, gc=False):
    """One process that was listed: the largest of each container, where processes were asked for."""

    pid: Annotated[int, _says("On the node; with `started_at` it names one process.")]
    parent_pid: Annotated[int, _says("Of the process that started it, or took it over.")]
    started_at: Annotated[datetime | None, _says("When it was started.")]
    comm: Annotated[str, _says("Its name, which it may have chosen itself.")]
    exe: Annotated[str | None, _says("The program's file.")]
    command: Annotated[str | None, _says("Its arguments, with secrets masked.")]
    rss_bytes: Rss
    pss_bytes: Pss
    pss_anon_bytes: PssAnon
    pss_file_bytes: PssFile
    pss_shmem_bytes: PssShmem


class FileRow(_OfAPod, frozen=True, gc=False):
    """One file in memory that a pod can reach: the largest of each pod, where files were asked for."""

    path: Annotated[str, _says("As the pod's processes name it.")]
    place: Annotated[
        str, _says("`image`, `writable`, `volume`, `tmpfs`, `disk`, `mapped`, `shared`, `memfd`, …")
    ]
    volume: Annotated[str | None, _says("The volume's name in the pod's spec.")]
    volume_kind: Annotated[str | None, _says("`empty-dir`, `configmap`, `csi`, …")]
    device: Annotated[int, _says("With the inode what tells two files of a node apart.")]
    inode: Annotated[int, _says("0: it has none of its own. One from 2^63 on stands as itself − 2^64.")]
    size_bytes: Annotated[int | None, _says("Its length.")]
    resident_low_bytes: Annotated[int | None, _says("What of it is in memory, whoever pays: at least …")]
    resident_high_bytes: Annotated[int | None, _says("… and at most.")]
    charged_bytes: Annotated[
        int | None, _says("What of that this pod is charged for; NULL: nobody can tell.")
    ]
    is_shmem: Annotated[bool, _says("Whether memory.stat counts it under `shmem`.")]
    dirty_bytes: Annotated[int | None, _says("Not written to the disk yet.")]


TABLES: dict[str, type[Struct]] = {
    "pods": PodRow,
    "containers": ContainerRow,
    "terms": TermRow,
    "steps": StepRow,
    "findings": FindingRow,
    "processes": ProcessRow,
    "files": FileRow,
    "snapshots": SnapshotRow,
}
"""The last one's file is put in its place last: it makes the others' count."""
PARTITIONS = {
    "date": "The day of `captured_at`, in UTC.",
    "cluster": "As `export --cluster` says, else the kubeconfig's context; of `--local` the machine's name.",
}
"""Columns of every table that are in the folders' names."""


class Column(Struct, frozen=True):
    """A column as the tables' structs say it."""

    name: str
    kind: type
    """str, int, bool or datetime."""
    may_be_null: bool
    meaning: str


def columns_of(table: str) -> list[Column]:
    """Return the columns of a table, in their order."""
    hints = get_type_hints(TABLES[table], include_extras=True)
    return [_column(name, *get_args(hint)) for name, hint in hints.items()]


def _column(name: str, kind: type, meta: Meta) -> Column:
    kinds = get_args(kind) or (kind,)
    return Column(name, kinds[0], type(None) in kinds, meta.description or "")
