"""The comparison document: every number of the page and where it comes from. Pure.

Sizes are bytes per pod unless a name says otherwise. `None` means "not known", with the reason beside it.
The JSON names are a contract as those of the snapshot are.
"""

from typing import Literal

from msgspec import Struct, field

from memcollect.compare.growth import Growth
from memcollect.documents.snapshot import Tool
from memcollect.evidence.matrix import Matrix

COMPARISON_SCHEMA_VERSION = 1

PairKind = Literal["backends", "phases"]
"""backends: the same phase of two backends; phases: two phases of the same backend."""


class PhaseKey(Struct, frozen=True, kw_only=True, order=True):
    """What was measured together: a phase, and in it the number of sandboxes at once or the round."""

    name: str
    step: int | None = None
    cycle: int | None = None

    @property
    def label(self) -> str:
        """Return what a person calls it, e.g. "concurrent (50 at once)"."""
        step = [] if self.step is None else [f"{self.step} at once"]
        cycle = [] if self.cycle is None else [f"round {self.cycle}"]
        return f"{self.name} ({', '.join([*step, *cycle])})" if step or cycle else self.name

    @property
    def short(self) -> str:
        """Return the same for a table's cell, e.g. "concurrent ×50", "warm-reuse r2"."""
        step = "" if self.step is None else f" ×{self.step}"
        return self.name + step + ("" if self.cycle is None else f" r{self.cycle}")


class Spread(Struct, frozen=True, kw_only=True):
    """One number of several repeats."""

    n: int
    median_bytes: int
    low_bytes: int
    high_bytes: int
    q1_bytes: int
    q3_bytes: int
    values_bytes: list[int] = field(default_factory=list)
    """One of each repeat, sorted: what every other number here was made from."""


class Difference(Struct, frozen=True, kw_only=True):
    """median(candidate) − median(baseline), and its interval: the bootstrap's, of few all that was seen."""

    estimate_bytes: int
    low_bytes: int | None = None
    """None, as the other end, where a side has one repeat only: of one value nothing can be drawn anew."""
    high_bytes: int | None = None
    level: float
    """How often such an interval holds what it should, where both sides vary alike; 0 where there is none."""
    n_before: int
    n_after: int


class Measure(Struct, frozen=True, kw_only=True):
    """One metric of one cell; `spread` is None, with the reason, where no repeat has it."""

    metric: str
    spread: Spread | None = None
    reason: str = ""
    """Why some or all repeats are without it."""


class Capacity(Struct, frozen=True, kw_only=True):
    """What all pods of a repeat held together, and the largest of them: medians over repeats tell neither."""

    metric: str
    """The working set; of pods in virtual machines the whole pod's."""
    total: Spread
    """Over the repeats; of each the sum over its pods."""
    largest_bytes: int
    """The most that one pod held in any repeat."""


class Cell(Struct, frozen=True, kw_only=True):
    """One phase of one backend, over its repeats."""

    backend: str
    phase: PhaseKey
    repeats: int
    pods: list[int] = field(default_factory=list)
    """How many pods each repeat measured."""
    measures: list[Measure] = field(default_factory=list)
    capacity: Capacity | None = None
    """Of the repeats that measured a pod; None where a pod's number is not known, or one is there twice."""
    statuses: dict[str, int] = field(default_factory=dict)
    """How often the phase ended in what way; "not recorded" where no run says."""
    reused: int | None = None
    """In how many of `reuses` the pods were the ones that had been released; None where none was a reuse."""
    reuses: int = 0

    def measure(self, metric: str) -> Measure | None:
        """Return the metric's numbers; None where the cell has none of that name."""
        return next((each for each in self.measures if each.metric == metric), None)


class Delta(Struct, frozen=True, kw_only=True):
    """One metric on both sides of a pair."""

    metric: str
    baseline: Spread | None = None
    candidate: Spread | None = None
    difference: Difference | None = None
    reason: str = ""
    """Why there is no difference."""


class Judgement(Struct, frozen=True, kw_only=True):
    """What one rule of the guard says."""

    rule: str
    holds: bool
    reason: str
    """The evidence where it holds; where not, why nothing may be claimed."""
    missing: str = ""
    """The fact that is not recorded, where that is why."""


class Side(Struct, frozen=True, kw_only=True):
    """One side of a pair."""

    backend: str
    phase: PhaseKey


class Pair(Struct, frozen=True, kw_only=True):
    """Two cells beside one another; the candidate is held against the baseline."""

    kind: PairKind
    baseline: Side
    candidate: Side
    deltas: list[Delta] = field(default_factory=list)
    judgements: list[Judgement] = field(default_factory=list)
    allowed: bool = False
    claim: str = ""
    """What may be claimed, with number, interval, n and scope; empty where nothing may."""

    @property
    def refusals(self) -> list[Judgement]:
        """Return the rules that do not hold."""
        return [each for each in self.judgements if not each.holds]


class LeftProcess(Struct, frozen=True, kw_only=True):
    """Processes of one name that are there after a phase and were not before it."""

    backend: str
    phase: PhaseKey
    after: PhaseKey
    """The phase before it in the same repeat, which this one is held against."""
    container: str
    name: str
    """The command's name (comm), which the process chose itself."""
    count: int
    """Over all pods of the repeat with the most of them."""
    repeats: int
    """In how many repeats it was found …"""
    of_repeats: int
    """… of those in which both phases listed their processes."""
    pss_bytes: int | None = None
    """Median over those repeats of the sum over these processes."""
    certain: bool = False
    """Whether the list before was whole, or the process began after it; else it may have been cut off."""


class ServicesSaved(Struct, frozen=True, kw_only=True):
    """Services of one container that ran after one phase of a repeat and not after the next."""

    backend: str
    phase: PhaseKey
    """After which they are off."""
    after: PhaseKey
    """The phase before it in the same repeat, after which they ran."""
    container: str
    services: list[str]
    """Their names, the largest first."""
    repeats: int
    """In how many repeats just these were off …"""
    of_repeats: int
    """… of those in which both phases listed their processes."""
    predicted_low: Spread | None = None
    """What the container was to lose, by the earlier phase alone, at least: of each repeat the mean over its
    pods; None where one repeat lacks it. …"""
    predicted_high: Spread | None = None
    """… And at most."""
    fell: Spread | None = None
    """By how much its charge fell, whatever else changed in it meanwhile."""
    within: int = 0
    """In how many repeats it fell by what was predicted for that repeat …"""
    judged: int = 0
    """… of those in which both are known."""


class NodeRow(Struct, frozen=True, kw_only=True):
    """What a node lost while it held pods, beside what the pods say of themselves."""

    backend: str
    phase: PhaseKey
    repeat: int
    node: str
    pods: int
    available_before_bytes: int
    available_bytes: int
    per_pod_bytes: int
    """(MemAvailable before − now) ÷ pods: negative where the node gained."""
    working_set_bytes: int | None = None
    """The mean of these pods' own."""
    charged_bytes: int | None = None
    """The mean of memory.current of these pods' own cgroups."""
    pss_bytes: int | None = None


class Leftover(Struct, frozen=True, kw_only=True):
    """What a node still held after the pods of a phase, or of the whole run, were deleted."""

    backend: str
    node: str
    phase: PhaseKey | None = None
    """The last phase of the deleted pods; None for the run."""
    repeat: int | None = None
    available_change_bytes: int | None = None
    """MemAvailable after − before: negative where memory did not come back."""
    pods_charge_change_bytes: int | None = None
    """What the cgroup of all pods is charged, after − before: positive where removed ones still hold memory,
    or other pods of the node grew."""
    cgroups: int | None = None
    dying_cgroups: int | None = None
    dying_change: int | None = None
    """Dying cgroups after − before."""
    processes: list[str] = field(default_factory=list)
    processes_unknown: str = ""
    """Why shims and VMMs outside of the pods' cgroups were not looked for."""
    waited_seconds: float | None = None
    """How long they were looked for: until nothing was left, or 60 s."""


class NodeSummary(Struct, frozen=True, kw_only=True):
    """The `NodeRow`s of one phase on one node, over the repeats."""

    backend: str
    phase: PhaseKey
    node: str
    pods: int
    """Of the repeat with the most of them."""
    lost: Spread
    """Per pod; one value of each repeat."""
    working_set_bytes: int | None = None
    """The medians over the repeats; None where one repeat lacks it."""
    charged_bytes: int | None = None
    pss_bytes: int | None = None


class LeftoverSummary(Struct, frozen=True, kw_only=True):
    """The `Leftover`s of one phase on one node, over the repeats: the worst of counts."""

    backend: str
    node: str
    phase: PhaseKey | None = None
    available_change: Spread | None = None
    pods_charge_change: Spread | None = None
    cgroups: int | None = None
    """The most of any repeat; None where one is not known."""
    dying_change: int | None = None
    """Likewise."""
    processes: list[str] = field(default_factory=list)
    """Of all repeats, each name once."""
    processes_unknown: str = ""
    waited_seconds: float | None = None
    """The longest of any repeat; None where one is not known."""


class ReuseRow(Struct, frozen=True, kw_only=True):
    """A phase that releases its sandbox and takes it again: whether the same pod came back, and grew."""

    backend: str
    phase: str
    rounds: int
    """Of the repeat with the most of them."""
    same_pod: int
    """In how many of `reuses` the pods were the ones that had been released."""
    reuses: int
    growth: Spread | None = None
    """Working set per pod, last round − first round of the same repeat: one value of each repeat."""
    reason: str = ""
    """Why `growth` is None."""
    grown_term: str = ""
    """The term that moved most the same way …"""
    grown_term_bytes: int | None = None
    """… and by how much: the median over the repeats."""


class StartupStage(Struct, frozen=True, kw_only=True):
    """One stretch of pods' way to ready by the API server's times: whole seconds of its clock."""

    name: str
    """"scheduled" (since it was created), "started" (since it was scheduled) or "ready" (since its last
    container was started)."""
    n: int
    """Pods of which both ends are known."""
    p50_seconds: float | None = None
    p95_seconds: float | None = None
    p99_seconds: float | None = None


class StartupRow(Struct, frozen=True, kw_only=True):
    """How long pods took from being asked for to ready, in seconds."""

    backend: str
    phase: PhaseKey
    n: int
    """Pods that became ready without pulling an image."""
    pulled: int = 0
    """Left out, since an image was pulled."""
    pull_unknown: int = 0
    """How many of the `n` may have pulled an image all the same: no event says whether they did."""
    never_ready: int = 0
    p50_seconds: float | None = None
    p95_seconds: float | None = None
    p99_seconds: float | None = None
    source: str = ""
    """"polled" (the runner saw it, to `poll_seconds`) or "api" (the API's times, whole seconds)."""
    poll_seconds: float | None = None
    seconds: list[float] = field(default_factory=list)
    """Of each of the `n` pods, sorted: what the percentiles were made from."""
    stages: list[StartupStage] = field(default_factory=list)


class Source(Struct, frozen=True, kw_only=True):
    """One document that was compared."""

    name: str
    kind: Literal["run", "snapshot"]
    sha256: str
    """Of the snapshot's file, or of the bundle's manifest, which holds the hashes of all its files."""
    backend: str
    called: str = ""
    """What the run itself calls its backend; a label may say otherwise."""
    run_id: str | None = None
    plan: str | None = None
    plan_sha256: str | None = None
    tool_version: str = ""
    images: list[str] = field(default_factory=list)
    first_taken_at: str = ""
    """When the earliest of its snapshots was taken, as that says; "" where it has none."""
    last_taken_at: str = ""
    """When the latest was."""


class Gap(Struct, frozen=True, kw_only=True):
    """Something that should have been compared and is not there."""

    backend: str
    phase: str
    reason: str


class Comparison(Struct, frozen=True, kw_only=True):
    """The document."""

    comparison_schema_version: int = COMPARISON_SCHEMA_VERSION
    tool: Tool = field(default_factory=Tool)
    issue: str | None = None
    """What the work is related to, e.g. "#3213"."""
    verdict: str
    growth: Growth | None = None
    """What grew, where two snapshots are two moments of the same pods: then the verdict is about that."""
    baseline: str
    backends: list[str] = field(default_factory=list)
    phases: list[PhaseKey] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    left_processes: list[LeftProcess] = field(default_factory=list)
    services_saved: list[ServicesSaved] = field(default_factory=list)
    """What phases have off that ran before, predicted and measured."""
    nodes: list[NodeRow] = field(default_factory=list)
    leftovers: list[Leftover] = field(default_factory=list)
    node_summaries: list[NodeSummary] = field(default_factory=list)
    leftover_summaries: list[LeftoverSummary] = field(default_factory=list)
    reuses: list[ReuseRow] = field(default_factory=list)
    startups: list[StartupRow] = field(default_factory=list)
    evidence: Matrix | None = None
    """What the backends do besides; None: none of them was tried."""
    missing: list[Gap] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
