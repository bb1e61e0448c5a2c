"""The run document: what `profile` did, phase by phase, and which files hold what it measured.

A bundle is a directory: `manifest.json` (a `RunManifest`), the raw snapshots, the plan as it was run, the
events as JSON lines, and a page made from them. Every file but the manifest and the page stands in `files`
with its SHA-256, so that a page made again from the bundle, years later, is made from the same bytes; the
page is left out because it names the manifest's own hash.

The JSON names are a contract (more may be added with a default, none changes its meaning). Sizes are bytes,
times are seconds since the Unix epoch. Times that the API server wrote (`…_at` of a startup row, without
`seen_`) are whole seconds of its clock; times that the runner saw itself are of its own clock. `None` means
"not known". Pure.
"""

from typing import Literal

from msgspec import Struct, field

from memcollect.documents.snapshot import Missing, Tool

RUN_SCHEMA_VERSION = 1
MANIFEST_NAME = "manifest.json"
EVENTS_NAME = "events.jsonl"
PLAN_NAME = "plan.toml"
REPORT_NAME = "report.md"
SNAPSHOT_FOLDER = "snapshots"

PhaseStatus = Literal["ok", "did-not-settle", "failed", "timed-out", "interrupted", "skipped"]
"""ok: done and settled (or no settling was asked for); did-not-settle: done and measured while memory still
moved; failed, timed-out: the workload itself; interrupted: Ctrl-C; skipped: an earlier phase made it moot."""

Moment = Literal["before", "step", "after"]
"""When a node was looked at: before the run made anything, at a step, after everything was deleted."""


class FileEntry(Struct, frozen=True, kw_only=True):
    """One file of the bundle."""

    path: str
    """Relative to the bundle, with "/" between its parts; never absolute, never with ".."."""
    sha256: str
    """Lower-case hexadecimal digits."""
    size_bytes: int


class Workload(Struct, frozen=True, kw_only=True):
    """What a phase does, as versioned text; two runs did the same where the hashes are equal."""

    name: str
    version: str = ""
    sha256: str
    """Of the workload's canonical text: every byte that is run, and how."""


class Planned(Struct, frozen=True, kw_only=True):
    """What the plan asked for, so that what is not there can be told from what was not wanted."""

    name: str
    version: str = ""
    sha256: str
    """Of the plan's file, byte by byte."""
    phases: list[str] = field(default_factory=list)
    """In the order in which they are run."""
    repeats: int = 1
    steps: list[int] = field(default_factory=list)
    """Numbers of sandboxes at once, of the phases that have them."""
    evidence: list[str] = field(default_factory=list)
    """Phases that try the backend and measure nothing: done once, whatever `repeats` is."""


class Settling(Struct, frozen=True, kw_only=True):
    """How the memory came to rest before it was measured."""

    settled: bool
    reason: str = ""
    """Why not, as a sentence."""
    waited_seconds: float | None = None
    within_bytes: int | None = None
    """The rule: the working set changes by less than this …"""
    for_seconds: float | None = None
    """… over this long."""
    at_most_seconds: float | None = None
    change_bytes: int | None = None
    """What it last changed by over that time."""


class Startup(Struct, frozen=True, kw_only=True):
    """One pod's way to ready."""

    pod_uid: str
    pod: str
    namespace: str | None = None
    node: str | None = None
    created_at: float | None = None
    scheduled_at: float | None = None
    started_at: float | None = None
    """When its last app container was started."""
    ready_at: float | None = None
    requested_at: float | None = None
    """On the runner's clock: when it asked for the pod."""
    seen_running_at: float | None = None
    seen_ready_at: float | None = None
    poll_seconds: float | None = None
    """How often the runner looked: the grain of what it saw."""
    pulled: bool | None = None
    """Whether an image was pulled meanwhile; None where no event told."""
    reason: str = ""
    """Why it never became ready."""


class NodeEvidence(Struct, frozen=True, kw_only=True):
    """One look at a node."""

    node: str
    moment: Moment
    taken_at: float | None = None
    boot_id: str | None = None
    pods: int | None = None
    """How many of the run's pods the node held then."""
    meminfo: dict[str, int] = field(default_factory=dict)
    """/proc/meminfo in bytes: MemAvailable, MemTotal, Slab, Shmem, SwapFree, …"""
    pods_charge_bytes: int | None = None
    """memory.current of the cgroup that holds all pods of the node: the run's, others, removed ones."""
    leftover_cgroups: int | None = None
    """Cgroups of deleted pods of this run that are still there."""
    dying_cgroups: int | None = None
    """nr_dying_descendants of the cgroup that holds all pods: removed, yet still charged."""
    leftover_processes: list[str] = field(default_factory=list)
    """What of deleted pods still runs, by name: in their cgroups, or a shim or VMM anywhere on the node."""
    waited_seconds: float | None = None
    """After a deletion: from the first look for leftovers to the end of this one, the last."""
    absent: dict[str, str] = field(default_factory=dict)
    """Field (or "leftover_shims") -> why it is not known."""


class PhaseRun(Struct, frozen=True, kw_only=True):
    """One phase, once: its outcome is a result, whatever it was."""

    phase: str
    repeat: int = 1
    """From 1."""
    step: int | None = None
    """How many sandboxes at once, in a phase that has steps."""
    cycle: int | None = None
    """From 1, in a phase that goes round several times, such as release and warm reuse."""
    status: PhaseStatus
    reason: str = ""
    """Why it is not ok, as a sentence."""
    started_at: float | None = None
    finished_at: float | None = None
    workload: str | None = None
    """A name in `RunManifest.workloads`; None where the phase runs nothing at all."""
    exit_code: int | None = None
    same_pod: bool | None = None
    """After a release and reuse: whether it is the pod (by UID) that was released."""
    settling: Settling | None = None
    """None where no settling was asked for."""
    snapshots: list[str] = field(default_factory=list)
    """Paths in the bundle; several of one phase are one repeat."""
    startups: list[Startup] = field(default_factory=list)
    nodes: list[NodeEvidence] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of events.jsonl."""

    at: float
    kind: str
    """A word: "phase-started", "pod-created", "settled", "deleted", …"""
    phase: str | None = None
    repeat: int | None = None
    name: str | None = None
    detail: str = ""


class RunManifest(Struct, frozen=True, kw_only=True):
    """The run document."""

    run_schema_version: int = RUN_SCHEMA_VERSION
    tool: Tool = field(default_factory=Tool)
    run_id: str
    """What the run's pods are labelled with, and what a resumed run finds again."""
    backend: str = ""
    """What the plan calls the source of its sandboxes, e.g. "aio"."""
    started_at: float | None = None
    finished_at: float | None = None
    """None: the run was broken off and may be resumed."""
    plan: Planned
    workloads: list[Workload] = field(default_factory=list)
    phases: list[PhaseRun] = field(default_factory=list)
    nodes: list[NodeEvidence] = field(default_factory=list)
    """Before the first phase and after the last deletion."""
    images: dict[str, list[str]] = field(default_factory=dict)
    """Image ids (digests) by container name, over all pods of the run."""
    files: list[FileEntry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
