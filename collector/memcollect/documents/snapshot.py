"""The snapshot document: everything a report needs, so that it can be made again offline.

The JSON names are a contract (more may be added, none changes its meaning). Sizes are bytes, times are
seconds since the Unix epoch except `captured_at`, `finished_at` and `start_time` of pods, which are
ISO 8601 in UTC. Raw parts (cgroups, process sums) are the agent's own structs; derived parts (ladder,
composition, findings, verdict) are computed from this document alone and can be computed again.
`None` means "not known", with the reason beside it.
"""

from typing import Literal

from msgspec import Struct, field

from memcollect_agent.wire import (
    Cgroup,
    CgroupTree,
    Hint,
    LastPoints,
    Limit,
    Node,
    PodFiles,
    Process,
    ProcessSums,
)

SCHEMA_VERSION = 2
SUMMARY_SCHEMA_VERSION = 3
"""Of a document with pods told in summary: who reads 2 alone would take them for not measured."""
"""1 was the JSON of the script that memcollect replaces."""

Confidence = Literal["measured", "bounded", "inferred"]
"""measured: a counter; bounded: an interval that must contain it; inferred: a stated heuristic."""

Depth = Literal["full", "summary"]
"""full: all that was measured; summary: of most pods only what a table tells of them (PodSummary)."""

Reclaimable = Literal[
    "yes", "mostly", "under-pressure", "write-back", "without-swap", "swap-only", "locked", "no"
]
"""What the kernel can do with the bytes of a term when memory is short.

yes, mostly, under-pressure: it drops them (all, most, at the price of reading them again); write-back: once
they are written out; without-swap: it frees them, though they look like private memory; swap-only: only to
swap (Composition.swap_room says whether there is room); locked: never, a process or file system holds them;
no: never.
"""
SwapRoom = Literal["unknown", "none", "forbidden", "full", "usable"]
"""Whether memory can be swapped out: the node has no swap, the cgroup may not use it, it is full, it can."""


class Term(Struct, frozen=True, kw_only=True, gc=False):
    """One named part of a composition or of the gap between two rungs. May be negative in a ladder."""

    term: str
    low_bytes: int
    high_bytes: int
    estimate_bytes: int
    """The number to show: estimates and the residual's estimate sum to the gap to the byte."""
    confidence: Confidence
    evidence: str = ""
    """The kernel's counters that say so, as arithmetic a reader can repeat."""
    reclaimable: Reclaimable | None = None


class Undecided(Struct, frozen=True, kw_only=True, gc=False):
    """A term or finding that could not be computed, and the fact that was missing."""

    name: str
    missing: str
    """The fact's name, e.g. "stat.kernel"."""
    reason: str


class Residual(Struct, frozen=True, kw_only=True, gc=False):
    """What no term owns, and the bound within which the kernel's own bookkeeping explains it."""

    low_bytes: int
    high_bytes: int
    estimate_bytes: int
    bound_low_bytes: int
    bound_high_bytes: int
    bound_reason: str
    within_bound: bool


class Composition(Struct, frozen=True, kw_only=True, gc=False):
    """The working set, taken apart: terms and residual sum to `working_set_bytes`."""

    working_set_bytes: int
    terms: list[Term] = field(default_factory=list)
    residual: Residual
    undecided: list[Undecided] = field(default_factory=list)
    left_out: list[Term] = field(default_factory=list)
    """What is charged and is no working set, the inactive file list: with it they are the charge."""
    beside: list[Term] = field(default_factory=list)
    """What is held for it and is in neither: huge pages where they are not accounted, what is in swap."""
    swap_room: SwapRoom = "unknown"
    block_bytes: int | None = None
    """The smallest block of the disks' file systems that its processes have mounted, where that was asked."""


class Rung(Struct, frozen=True, kw_only=True, gc=False):
    """A number that a person can see somewhere; `source` says where."""

    rung: str
    bytes: int | None
    source: str
    reason: str = ""
    """Why `bytes` is None."""


class Step(Struct, frozen=True, kw_only=True, gc=False):
    """From one rung to the next: terms and residual sum to `gap_bytes` = to − from."""

    from_rung: str
    to_rung: str
    gap_bytes: int
    terms: list[Term] = field(default_factory=list)
    residual: Residual
    undecided: list[Undecided] = field(default_factory=list)
    closed: bool = False
    """Whether the residual is within its bound and nothing is undecided."""


class Ladder(Struct, frozen=True, kw_only=True, gc=False):
    """Rungs in order and a step between every two neighbours whose bytes are known.

    The ladder of a pause container has rungs alone; what it is made of tells its composition.
    """

    rungs: list[Rung] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


class Finding(Struct, frozen=True, kw_only=True, gc=False):
    """One thing worth knowing, with its amount, its proof and what can be done."""

    cause: str
    scope: str
    """The container's name, or "pod"."""
    low_bytes: int | None = None
    high_bytes: int | None = None
    estimate_bytes: int | None = None
    confidence: Confidence = "measured"
    severity: Literal["info", "notice", "warning", "critical"] = "info"
    sentence: str
    evidence: str = ""
    remedy: str = ""


class Statement(Struct, frozen=True, kw_only=True, gc=False):
    """One thing the verdict says, and what it rests on."""

    topic: str
    sentence: str
    """A whole sentence; of rank 0 a clause, which the verdict joins with the others of that rank."""
    rank: int = 0
    """What it is about (memcollect.explain.statement.Rank); statements stand in the verdict's order."""
    amount_bytes: int | None = None
    """The amount it names; Σ of the terms in `rests_on` where those are terms of the composition."""
    reclaimable: Reclaimable | None = None
    """What the kernel can do with that amount; None where the sentence says nothing of it."""
    rests_on: list[str] = field(default_factory=list)
    """The terms, findings or facts that it was made of."""


class Top(Struct, frozen=True, kw_only=True, gc=False):
    """What `kubectl top` shows and how far it can be trusted here."""

    source: str
    """"metrics.k8s.io", or "demo" where the demo computed it by cAdvisor's formula."""
    timestamp: float | None = None
    memory_bytes: int | None = None
    cpu_nanocores: int | None = None
    provider: str = "host-cgroup"
    status: str = ""
    detail: str = ""
    remark: str = ""
    """What is wrong with the list that the number is from, whatever its status."""
    working_set_at_sample_bytes: int | None = None
    """The agent's own working set at `timestamp`, from its history."""
    tolerance_bytes: int | None = None
    """How far the two may lie apart without either being wrong."""
    history: list[tuple[float, int]] = field(default_factory=list)
    """The agent's points (time, working set in bytes) that the aligned number was made from."""


class Runtime(Struct, frozen=True, kw_only=True, gc=False):
    """Which sandbox runtime this is, by which evidence."""

    family: str = "unknown"
    handler: str | None = None
    runtime_class: str | None = field(default=None, name="class")
    confidence: Confidence = "inferred"
    evidence: list[str] = field(default_factory=list)
    platforms: list[str] = field(default_factory=list)
    """What manages the pod above its runtime: "opensandbox", "agent-sandbox", "deer-flow", "e2b"."""
    disagreement: str = ""
    """Where Kubernetes' API and the node say different things: both, as a sentence."""


class Service(Struct, frozen=True, kw_only=True):
    """Processes of a container that are one thing to its user, added up; None where one did not tell."""

    name: str
    """From the table of services; "other" is what no entry matches, "unlisted" what was not listed."""
    processes: int
    pss_bytes: int | None = None
    pss_anon_bytes: int | None = None
    pss_file_bytes: int | None = None
    pss_shmem_bytes: int | None = None
    saves_low_bytes: int | None = None
    """What the container would lose at least if it were off: private pages of its processes …"""
    saves_high_bytes: int | None = None
    """… and at most: all that they map by fair share, their page tables and kernel stacks, and all other
    kernel memory of the container. A prediction; None also where it has processes that were not listed."""
    saves_kernel_bytes: int | None = None
    """Of the upper end what may be any service's of the container: it counts once where several are off."""
    switch: str = ""
    """What turns it off, where the table of services knows it."""


class PrivatePart(Struct, frozen=True, kw_only=True, gc=False):
    """What of a process's private memory is mapped for one thing (wire.MappedPart)."""

    kind: str
    name: str = ""
    mappings: int
    low_bytes: int
    high_bytes: int
    estimate_bytes: int
    confidence: Confidence
    """inferred: the kind is told by the mapping's shape."""
    size_bytes: int
    """Of address space."""
    swap_pss_bytes: int | None = None
    huge_bytes: int | None = None
    ksm_bytes: int | None = None


class PrivateMemory(Struct, frozen=True, kw_only=True, gc=False):
    """The private memory of one process: parts and residual sum to `whole_bytes`, its Pss_Anon."""

    pid: int
    whole_bytes: int | None = None
    """When the mappings were read; None: they were not, and `missing` says why."""
    parts: list[PrivatePart] = field(default_factory=list)
    """The largest first."""
    residual: Residual | None = None
    missing: str = ""
    """Why the parts are not all of it, or there are none, as a sentence."""


class Termination(Struct, frozen=True, kw_only=True, gc=False):
    """How a container last ended."""

    reason: str | None = None
    exit_code: int | None = None
    finished_at: str | None = None
    signal: int | None = None
    """What ended it, where the runtime says so; most put 128 + the signal into `exit_code` instead."""
    container_id: str | None = None
    """Of the run that ended, as a cgroup's name has it."""


class Waiting(Struct, frozen=True, kw_only=True, gc=False):
    """Why a container does not run, in the kubelet's words."""

    reason: str | None = None
    """"CrashLoopBackOff", "ImagePullBackOff", "PodInitializing", …"""
    message: str | None = None


class Resize(Struct, frozen=True, kw_only=True, gc=False):
    """An in-place resize that is not done, as the pod's conditions say (before 1.33: its status)."""

    state: str
    """"pending" or "in progress"."""
    reason: str | None = None
    """"Deferred", "Infeasible", "Error", …"""
    message: str | None = None


class Deletion(Struct, frozen=True, kw_only=True, gc=False):
    """That a pod is to end."""

    due: str
    """When its grace ends, as the API has it."""
    grace_seconds: int | None = None
    """How much earlier it was asked for."""
    finalizers: list[str] = field(default_factory=list)
    """What keeps it in the API after that."""


class Container(Struct, frozen=True, kw_only=True, gc=False):
    """One container, as Kubernetes describes it (where it was asked) and as its node measured it."""

    name: str
    id: str | None = None
    role: str = "container"
    """"container", "init", "ephemeral"; "pause", "sandbox" (a Sentry's or VMM's), "overhead" or
    "started" (Pod.outside), "conmon" or "unknown", which kubectl top does not count."""
    state: str | None = None
    """"running", "waiting" or "terminated", as Kubernetes says; None where it was not asked."""
    image: str | None = None
    image_id: str | None = None
    requests: dict[str, str] = field(default_factory=dict)
    limits: dict[str, str] = field(default_factory=dict)
    wanted_limits: dict[str, str] = field(default_factory=dict)
    """What the pod's spec asks for, where that is not what `limits` has in force: a resize is not done."""
    restarts: int | None = None
    last_termination: Termination | None = None
    waiting: Waiting | None = None
    """Where `state` is "waiting"."""
    started_at: str | None = None
    """Where `state` is "running": since when, as the API has it."""
    cgroup: Cgroup | None = None
    sums: ProcessSums | None = None
    processes: list[Process] = field(default_factory=list)
    hints: list[Hint] = field(default_factory=list)
    """Processes of a sandbox runtime in its cgroup."""
    elsewhere: bool = False
    """Whether its cgroup is outside of its pod's own, and so in none of the pod's own numbers."""
    inside: str = ""
    """Why the host has no cgroup of this container: it lives in a guest, as a sentence."""
    services: list[Service] = field(default_factory=list)
    """The processes by service; only where processes were asked for."""
    private: list[PrivateMemory] = field(default_factory=list)
    """Derived: the private memory of its processes by mapping; only where mappings were asked for."""
    top: Top | None = None
    ladder: Ladder | None = None
    composition: Composition | None = None


class FileSum(Struct, frozen=True, kw_only=True, gc=False):
    """How much of one kind of memory the files that were found account for; the rest has no name."""

    kind: Literal["page cache", "tmpfs"]
    whole_bytes: int
    """What the pod is charged for: of memory.stat `shmem` for tmpfs, `file` without it for page cache."""
    named_low_bytes: int
    """Σ of the pages that are known to be charged to this pod …"""
    named_high_bytes: int
    """… and of all that are in memory of the files of which nobody knows who pays, at most the whole."""
    rest_low_bytes: int
    rest_high_bytes: int
    bound_bytes: int
    """By how much the rest may be wrong since the whole moved while files were looked at."""


class AppSummary(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a pod told in summary keeps of a container that kubectl top adds up."""

    name: str
    image: str | None = None
    anon_bytes: int | None = None
    """Its private memory, the line `anon` of memory.stat; None: not read."""


class PodSummary(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a pod told in summary keeps of what was left out of it: containers, counters, steps, evidence."""

    containers: int = 0
    """How many containers kubectl top adds up."""
    apps: list[AppSummary] = field(default_factory=list)
    """These containers; none of a pod whose working set is not known: it keeps its containers themselves."""
    restarts: int = 0
    """Of all of its containers together, as Kubernetes counts them."""
    limit_bytes: Limit = None
    """The pod's own limit, or its only container's where that is less; "max": none; None: not read."""
    causes: list[str] = field(default_factory=list)
    """Of its findings, each once, the gravest first."""
    whole_bytes: int | None = None
    """The working set of the pod's own cgroup, with the runtime's elsewhere; None: not known."""
    charge_bytes: int | None = None
    """What is charged to the same; None: not known."""
    composition: Composition | None = None
    """The pod's composition but for the terms that follow; None: its working set is not known."""
    terms: dict[str, int] = field(default_factory=dict)
    """The terms that a counter tells exactly, in bytes: with those of `composition.terms` and the residual
    they sum to the working set."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Likewise of `composition.left_out`."""
    beside: dict[str, int] = field(default_factory=dict)
    """Likewise of `composition.beside`."""
    rungs: dict[str, int | None] = field(default_factory=dict)
    """Rungs of the ladder that neither the working set nor kubectl top's number tells: "rss", "pss"."""


class Pod(Struct, frozen=True, kw_only=True, gc=False):
    """One pod; in local mode also one container or service outside Kubernetes (`kind` tells)."""

    uid: str
    name: str
    kind: str = "pod"
    namespace: str | None = None
    node: str | None = None
    phase: str | None = None
    reason: str | None = None
    """Why the pod as a whole is in this state: "Evicted", "DeadlineExceeded", … (status.reason)."""
    message: str | None = None
    resize: Resize | None = None
    deletion: Deletion | None = None
    """Of a pod that is being deleted."""
    limits: dict[str, str] = field(default_factory=dict)
    """Those of the pod as a whole, where its spec gives it any (1.34 and later)."""
    unmeasured: str = ""
    """Why there is no cgroup, as a sentence; its entry in `missing` says the same with the remedy."""
    qos_class: str | None = None
    driver: str | None = None
    runtime: Runtime = field(default_factory=Runtime)
    labels: dict[str, str] = field(default_factory=dict)
    start_time: str | None = None
    cgroup: Cgroup | None = None
    own_sums: ProcessSums | None = None
    own_hints: list[Hint] = field(default_factory=list)
    """Processes of a sandbox runtime in the pod's own cgroup."""
    outside: list[Container] = field(default_factory=list)
    """Cgroups outside the pod's: in none of its other numbers. The runtime's own has role "overhead" and is
    of its bill; containers that the pod's processes started have role "started"."""
    within: str = ""
    """The path of another pod's cgroup that this pod's is inside of."""
    twins: list[str] = field(default_factory=list)
    """Paths of further cgroups that bear this pod's UID, and were left out."""
    owner: str | None = None
    """KIND/NAME of what manages the pod."""
    containers: list[Container] = field(default_factory=list)
    last_points: list[LastPoints] = field(default_factory=list)
    """What the agent saw last of cgroups in which something was killed, or that are gone; oldest first."""
    files: PodFiles | None = None
    """The files behind its page cache and tmpfs, where they were asked for."""
    file_payers: dict[str, str] = field(default_factory=dict)
    """Of the other cgroups that pay for pages of these files, by inode: the pod, as NAMESPACE/NAME."""
    file_sharers: dict[str, list[str]] = field(default_factory=dict)
    """By "DEVICE:INODE" of a file that is in the lists of several pods that were measured: the others."""
    file_sums: list[FileSum] = field(default_factory=list)
    top: Top | None = None
    ladder: Ladder | None = None
    composition: Composition | None = None
    findings: list[Finding] = field(default_factory=list)
    undecided: list[Undecided] = field(default_factory=list)
    verdict: str = ""
    statements: list[Statement] = field(default_factory=list)
    """What the verdict is made of, in its order; of a summary what is urgent of it."""
    summary: PodSummary | None = None
    """Where the pod is told in summary: its terms, rungs and verdict are those of the full depth, and what
    they were made of is not in the document, nor is `composition` itself. None: it is told in full."""

    @property
    def full_name(self) -> str:
        """Its namespace and name; the name alone where it has no namespace."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


class KnownPod(Struct, frozen=True, kw_only=True, gc=False):
    """A pod that the API server puts on a node, whether or not it was asked for."""

    uid: str
    """As its cgroup is named."""
    namespace: str
    name: str
    phase: str | None = None
    qos_class: str | None = None
    priority: int = 0
    """spec.priority; 2,000,000,000 and more is critical to the system."""
    is_static: bool = False
    request_bytes: int | None = None
    """Of memory, as the scheduler counts it: containers' requests added up, or the largest init container's,
    and the runtime class's overhead. None where one is no quantity."""
    evicted: str = ""
    """What the kubelet said when it evicted it; "" where it did not."""
    oom_killed: list[str] = field(default_factory=list)
    """Containers whose last end was by the kernel's OOM killer, as "NAME at TIME"."""


class Candidate(Struct, frozen=True, kw_only=True, gc=False):
    """A pod in an order of ends: the first is the next."""

    pod: str
    """NAMESPACE/NAME."""
    usage_bytes: int
    """Its working set for an eviction; for a kill what is charged of anonymous memory."""
    request_bytes: int
    priority: int = 0
    qos_class: str = ""
    oom_score_adj: int | None = None
    """In an order of kills: what the kubelet writes for its containers."""


class Thresholds(Struct, frozen=True, kw_only=True, gc=False):
    """At how much available memory a kubelet evicts, by its own configuration."""

    source: str = "evictionHard in the kubelet's own configuration"
    """What says so, in words: the kubelet itself, or an option or a file of its node."""
    hard: str = ""
    """evictionHard memory.available as it is written there: "100Mi", "5%"; "" where there is none."""
    hard_bytes: int = 0
    """0: it does not evict at once for want of memory."""
    soft: str = ""
    """evictionSoft memory.available, in the same way."""
    soft_bytes: int = 0
    soft_grace: str = ""
    """How long it must be below the soft one: "1m30s"."""


class Eviction(Struct, frozen=True, kw_only=True, gc=False):
    """How far a node is from evictions, and who would go: the kubelet's and the kernel's own rules."""

    available_bytes: int
    """memory.available as the kubelet counts it: capacity − working set of the node."""
    threshold_bytes: int
    threshold_source: str
    """Where the threshold is from, in words."""
    soft_bytes: int = 0
    """The soft threshold, where the kubelet's own configuration was read and has one; else 0."""
    soft_grace: str = ""
    pressure: bool | None = None
    """Whether the kubelet reports MemoryPressure; None where it was not asked."""
    order: list[Candidate] = field(default_factory=list)
    spared: int = 0
    """Pods that are never evicted: static ones, and those critical to the system."""
    kill_order: list[Candidate] = field(default_factory=list)
    evicted: list[str] = field(default_factory=list)
    """Pods of this node that were evicted and are still listed, with what the kubelet said."""
    oom_killed: list[str] = field(default_factory=list)


class Partition(Struct, frozen=True, kw_only=True, gc=False):
    """A whole taken apart: terms and residual sum to `whole_bytes`."""

    whole_bytes: int
    terms: list[Term] = field(default_factory=list)
    residual: Residual
    undecided: list[Undecided] = field(default_factory=list)


class Holder(Struct, frozen=True, kw_only=True, gc=False):
    """What one cgroup holds, or what a group of them holds beyond those that are told by themselves."""

    kind: str
    """"pod"; "orphan" (a pod's cgroup of which the API server knows no pod); "unnamed" (a pod's cgroup, where
    the API server could not be asked); "left" (charged to the cgroups that hold pods, and to no pod in them);
    "service"; "container" (outside of every pod); "slice" (any other cgroup's own)."""
    name: str
    """NAMESPACE/NAME of a pod, else the cgroup's."""
    path: str
    bytes: int
    """What is charged to it: memory.current; of "left" and "slice" without what is charged below."""
    working_set_bytes: int | None = None
    anon_bytes: int | None = None
    shmem_bytes: int | None = None
    cache_bytes: int | None = None
    """Page cache of regular files."""
    kernel_bytes: int | None = None
    dying_cgroups: int | None = None
    populated: bool | None = None
    """Whether processes live in it."""
    pod: str = ""
    """Of a container: the pod whose process started it."""
    processes: list[Process] = field(default_factory=list)
    """Of an orphan: its largest."""


class NodeAccount(Struct, frozen=True, kw_only=True, gc=False):
    """Where all of one node's memory is. From `kinds` on everything is derived from what stands before.

    `kinds` and `owners` take MemTotal apart, by what it is used for and by who holds it; `ladder` goes from
    MemAvailable to kubectl top node.
    """

    node: str
    """Its facts are in Snapshot.nodes under this name."""
    taken_at: float
    tree: CgroupTree
    known_pods: list[KnownPod] | None = None
    """None: the API server was not asked, or could not be; then `pods_unknown` says why."""
    pods_unknown: str = ""
    orphan_processes: dict[str, list[Process]] = field(default_factory=dict)
    """By the UID in the cgroup's name, the largest processes of a pod that the API server does not know."""
    allocatable_bytes: int | None = None
    capacity_bytes: int | None = None
    memory_pressure: bool | None = None
    """The node's condition MemoryPressure; None where nobody was asked."""
    thresholds: Thresholds | None = None
    """From the kubelet's own configuration; None: it was not read."""
    thresholds_unknown: str = ""
    """Why not; "" where nobody tried."""
    top: Top | None = None
    """`kubectl top node`; None: nobody was asked."""
    kinds: Partition | None = None
    owners: Partition | None = None
    holders: list[Holder] = field(default_factory=list)
    """The largest first."""
    ladder: Ladder | None = None
    eviction: Eviction | None = None
    findings: list[Finding] = field(default_factory=list)
    undecided: list[Undecided] = field(default_factory=list)
    verdict: str = ""


class Missing(Struct, frozen=True, kw_only=True, gc=False):
    """Something that was asked for and not measured."""

    kind: str
    name: str
    node: str | None = None
    reason: str
    """A word: "pending", "no-agent", "agent-unreachable", "gone", "denied", "budget", …"""
    detail: str
    """A sentence with the remedy."""
    processes: int | None = None
    """Of kind "process", `name` then being their pod's: how many of its processes, at least."""


class Scope(Struct, frozen=True, kw_only=True, gc=False):
    """What was asked for."""

    namespaces: list[str] | None = None
    selector: str | None = None
    names: list[str] | None = None
    patterns: list[str] | None = None
    processes: bool = False
    mappings: bool = False
    files: bool = False


class Subtotal(Struct, frozen=True, kw_only=True, gc=False):
    """Totals of one namespace or one node."""

    name: str
    pods: int = 0
    pods_measured: int = 0
    working_set_bytes: int | None = None
    top_bytes: int | None = None
    memory_available_bytes: int | None = None
    """Of a node: MemAvailable of its /proc/meminfo, which no sum over pods replaces."""


class Summary(Struct, frozen=True, kw_only=True, gc=False):
    """Totals of the rows below: each over the rows that have the number, with their count beside it."""

    pods: int = 0
    pods_measured: int = 0
    """Pods with a working set of their containers."""
    pods_in_guests: int = 0
    """Further pods that were measured, whose containers have no cgroup but the sandbox's: they have none."""
    pods_in_top: int = 0
    containers: int = 0
    working_set_bytes: int | None = None
    """Σ over the measured pods; None where none is."""
    top_bytes: int | None = None
    """Σ over the pods that kubectl top shows; None where it shows none."""
    terms: dict[str, int] = field(default_factory=dict)
    """Σ of the estimates by term, over the measured pods."""
    residual_bytes: int | None = None
    statuses: dict[str, int] = field(default_factory=dict)
    """How many pods by `top.status`."""
    namespaces: list[Subtotal] = field(default_factory=list)
    nodes: list[Subtotal] = field(default_factory=list)


class Tool(Struct, frozen=True, kw_only=True, gc=False):
    """What wrote the document."""

    name: str = "memcollect"
    version: str = ""


def schema_version_of(depth: Depth) -> int:
    """Return the version of the schema by which a document of that depth is to be read."""
    return SUMMARY_SCHEMA_VERSION if depth == "summary" else SCHEMA_VERSION


UNNAMED = "unspecified"
"""The sample of a snapshot that nobody gave a name."""


class Snapshot(Struct, frozen=True, kw_only=True, gc=False):
    """The document."""

    schema_version: int = SCHEMA_VERSION
    tool: Tool = field(default_factory=Tool)
    sample: str = UNNAMED
    captured_at: str
    finished_at: str
    mode: Literal["cluster", "local"]
    cluster: str = ""
    """The kubeconfig's name of the context that it was taken in; "" in a pod, and of a machine alone."""
    cluster_uid: str = ""
    """The UID of its namespace kube-system, which no other cluster has: of a run's snapshots, where whoever
    made the run may read that; else ""."""
    scope: Scope = field(default_factory=Scope)
    nodes: list[Node] = field(default_factory=list)
    accounts: list[NodeAccount] = field(default_factory=list)
    """Where all of a node's memory is; of the nodes of which that was asked."""
    pods: list[Pod] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    summary: Summary = field(default_factory=Summary)
    notes: list[str] = field(default_factory=list)
    depth: Depth = "full"
    """summary: most pods have a `summary`, and only those that most deserve it are told in full."""
    redacted: bool = False
    """Whether its names were replaced by `memcollect redact`; numbers are as they were."""
