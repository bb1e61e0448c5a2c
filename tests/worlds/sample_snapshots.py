"""Snapshots written by hand for the reporters' and commands' tests, with a sandbox's real proportions."""

from memcollect.documents.snapshot import (
    Composition,
    Container,
    Finding,
    Ladder,
    Missing,
    Pod,
    Residual,
    Rung,
    Runtime,
    Snapshot,
    Step,
    Summary,
    Term,
    Tool,
    Top,
    Undecided,
)
from memcollect_agent.wire import Cgroup, Node, Process, ProcessSums, SkippedProcess

MIB = 1 << 20
HOSTILE = "a\x1b[31mred\x1b[0m|`b`*c*\u202e_d_<script>\r\n# [x](http://e.vil) ~~@all"
"""Escape sequences, markup of three kinds, a right-to-left override, new lines, a mention."""


def _term(
    name: str, low: int, high: int | None = None, reclaimable: str | None = None, **more: object
) -> Term:
    high = low if high is None else high
    fields = {
        "term": name,
        "low_bytes": low,
        "high_bytes": high,
        "estimate_bytes": (low + high) // 2,
        "confidence": "measured" if low == high else "bounded",
        "reclaimable": reclaimable,
        **more,
    }
    return Term(**fields)  # type: ignore[arg-type]


def _residual(estimate: int, bound: int, reason: str = "64 pages × 4 CPUs not yet handed out") -> Residual:
    return Residual(
        low_bytes=estimate,
        high_bytes=estimate,
        estimate_bytes=estimate,
        bound_low_bytes=-bound,
        bound_high_bytes=bound,
        bound_reason=reason,
        within_bound=abs(estimate) <= bound,
    )


def composition() -> Composition:
    """Return 1012 MiB of working set: terms and residual sum to the byte."""
    return Composition(
        working_set_bytes=1012 * MIB,
        terms=[
            _term("anon", 410 * MIB, reclaimable="swap-only", evidence="stat.anon − Σ LazyFree"),
            _term("hot_cache", 388 * MIB, reclaimable="under-pressure"),
            _term("shmem", 128 * MIB, reclaimable="swap-only"),
            _term("slab_reclaimable", 60 * MIB, reclaimable="mostly"),
            _term("slab_unreclaimable", 20 * MIB, reclaimable="no"),
            _term("page_tables", 5 * MIB, reclaimable="no"),
            _term("kernel_stack", 700 << 10, reclaimable="no"),
            _term("percpu", 80 << 10, reclaimable="no"),
            _term("detached_anon", 0, reclaimable="swap-only"),
        ],
        residual=_residual(MIB - (780 << 10), MIB),
    )


def part_of(whole_bytes: int) -> Composition:
    """Return that much of a working set, all of it anonymous memory."""
    return Composition(
        working_set_bytes=whole_bytes,
        terms=[_term("anon", whole_bytes, reclaimable="swap-only")],
        residual=_residual(0, MIB),
    )


def ladder() -> Ladder:
    """Return the climb from 516 MiB of RSS to a kubectl top of 1000 MiB."""
    return Ladder(
        rungs=[
            Rung(rung="rss", bytes=516 * MIB, source="Σ Rss of 14 processes (smaps_rollup)"),
            Rung(rung="pss", bytes=412 * MIB, source="Σ Pss of 14 processes (smaps_rollup)"),
            Rung(rung="current", bytes=1100 * MIB, source="memory.current of the containers"),
            Rung(rung="working_set", bytes=1012 * MIB, source="memory.current − inactive_file"),
            Rung(rung="working_set_at_sample", bytes=None, source="", reason="no history is kept here"),
            Rung(rung="top", bytes=1000 * MIB, source="demo"),
        ],
        steps=[
            Step(
                from_rung="rss",
                to_rung="pss",
                gap_bytes=-104 * MIB,
                terms=[_term("double_counted", -104 * MIB, evidence="Σ Rss − Σ Pss")],
                residual=_residual(0, 0, "exact"),
                closed=True,
            ),
            Step(
                from_rung="pss",
                to_rung="current",
                gap_bytes=688 * MIB,
                terms=[
                    _term("unmapped_cache", 466 * MIB, 476 * MIB, evidence="file − file_mapped − shmem part"),
                    _term("unmapped_shmem", 120 * MIB, 136 * MIB, evidence="shmem − Σ Pss_Shmem"),
                    _term("slab_reclaimable", 60 * MIB, evidence="stat.slab_reclaimable"),
                ],
                residual=_residual(29 * MIB, MIB),
                undecided=[
                    Undecided(
                        name="page_tables",
                        missing="stat.pagetables",
                        reason="this kernel (5.10) does not write it",
                    )
                ],
            ),
            Step(
                from_rung="current",
                to_rung="working_set",
                gap_bytes=-88 * MIB,
                terms=[_term("cold_cache", -88 * MIB, evidence="stat.inactive_file − Σ LazyFree")],
                residual=_residual(0, 0, "exact"),
                closed=True,
            ),
        ],
    )


def pod(name: str = "deer-flow-sandbox-7d9c5b6f4-x2x9k", **more: object) -> Pod:
    """Return a measured sandbox pod with two app containers and a pause container."""
    app = Container(
        name="sandbox",
        id="0a" * 32,
        cgroup=Cgroup(path="/kubepods.slice/pod.slice/a.scope", inode=4242, stat={"anon": 410 * MIB}),
        sums=ProcessSums(listed=15, read=14, skipped=[SkippedProcess(pid=99, comm="sh", reason="denied")]),
        processes=[
            Process(
                pid=4711,
                ppid=1,
                start_time=1.0,
                comm="python3",
                command="python3 -m http.server --directory /mnt/user-data/outputs 8080",
                pss_bytes=310 * MIB,
                rss_bytes=352 * MIB,
                pss_anon_bytes=300 * MIB,
                pss_file_bytes=10 * MIB,
                pss_shmem_bytes=0,
            ),
            Process(pid=4800, ppid=1, start_time=2.0, comm="node", rss_bytes=90 * MIB),
        ],
        composition=composition(),
        ladder=ladder(),
    )
    fields = {
        "uid": "5f1c3f0e-7b7a-4f3e-9d0c-000000000001",
        "name": name,
        "namespace": "deer-flow",
        "node": "worker-1",
        "phase": "Running",
        "qos_class": "Burstable",
        "runtime": Runtime(family="runc", confidence="measured"),
        "containers": [app, Container(name="sidecar", composition=composition()), _pause()],
        "top": Top(source="demo", memory_bytes=1000 * MIB),
        "ladder": ladder(),
        "composition": composition(),
        "findings": findings(),
        "undecided": [
            Undecided(name="page_tables", missing="stat.pagetables", reason="this kernel does not write it")
        ],
        "verdict": (
            "410 MiB of 1012 MiB is private memory of its processes; 388 MiB is page cache the kernel can"
            " drop; 128 MiB is tmpfs or shared memory, which only swap could take; 60 MiB is the kernel's"
            " caches of files (names, inodes, block records), droppable if unused."
        ),
        **more,
    }
    return Pod(**fields)  # type: ignore[arg-type]


def _pause() -> Container:
    return Container(name="pause", role="pause", composition=None)


def findings() -> list[Finding]:
    """Return one finding that informs and one that warns."""
    return [
        Finding(
            cause="hot_cache",
            scope="pod",
            low_bytes=388 * MIB,
            high_bytes=388 * MIB,
            estimate_bytes=388 * MIB,
            sentence="388 MiB is page cache that the kernel holds to be in use (its active list).",
            evidence="file − shmem − inactive_file",
            remedy="The kernel gives it back under pressure, at the price of reading again.",
        ),
        Finding(
            cause="close_to_limit",
            scope="sandbox",
            severity="warning",
            estimate_bytes=1100 * MIB,
            sentence="memory.current is at 98 % of memory.max.",
            remedy="Raise the limit, or lower what stays.",
        ),
    ]


def snapshot(*pods: Pod, **more: object) -> Snapshot:
    """Return a document about `pods`; about one ordinary pod where none is given."""
    shown = list(pods) or [pod()]
    fields = {
        "tool": Tool(version="0.1.0"),
        "sample": "after-python",
        "captured_at": "2026-01-02T03:04:05Z",
        "finished_at": "2026-01-02T03:04:06Z",
        "mode": "local",
        "nodes": [
            Node(
                name="worker-1",
                kernel="6.1.0-18-amd64",
                cpus=4,
                meminfo={"MemTotal": 8 << 30, "MemAvailable": 5 << 30},
            )
        ],
        "pods": shown,
        "summary": Summary(
            pods=len(shown), pods_measured=len(shown), working_set_bytes=1012 * MIB * len(shown)
        ),
        "notes": ["Times are the node's own."],
        **more,
    }
    return Snapshot(**fields)  # type: ignore[arg-type]


def missing_pod(name: str = "deer-flow-sandbox-pending") -> Missing:
    """Return what stands for a pod that could not be measured."""
    return Missing(
        kind="pod",
        name=name,
        node="worker-2",
        reason="no-agent",
        detail="No agent runs on worker-2: deploy it there, or add a toleration for its taints.",
    )


def hostile_pod() -> Pod:
    """Return a pod in which every text that a stranger could choose is hostile."""
    residual = _residual(0, 0, HOSTILE)
    term = _term("anon", 1, evidence=HOSTILE)
    undecided = [Undecided(name=HOSTILE, missing=HOSTILE, reason=HOSTILE)]
    step = Step(
        from_rung="rss", to_rung=HOSTILE, gap_bytes=1, terms=[term], residual=residual, undecided=undecided
    )
    rungs = [
        Rung(rung="rss", bytes=0, source=HOSTILE),
        Rung(rung=HOSTILE, bytes=None, source="", reason=HOSTILE),
    ]
    unknown = _term(HOSTILE, 1, evidence=HOSTILE)
    process = Process(pid=1, ppid=0, start_time=0.0, comm=HOSTILE, command=HOSTILE)
    parts = Composition(working_set_bytes=1, terms=[unknown], residual=residual, undecided=undecided)
    container = Container(name=HOSTILE, id=HOSTILE, image=HOSTILE, processes=[process], composition=parts)
    return pod(
        HOSTILE,
        namespace=HOSTILE,
        uid=HOSTILE,
        node=HOSTILE,
        phase=HOSTILE,
        qos_class=HOSTILE,
        runtime=Runtime(family=HOSTILE, runtime_class=HOSTILE),
        containers=[container, container],
        ladder=Ladder(rungs=rungs, steps=[step]),
        composition=parts,
        findings=[Finding(cause=HOSTILE, scope=HOSTILE, sentence=HOSTILE, evidence=HOSTILE, remedy=HOSTILE)],
        undecided=undecided,
        verdict=HOSTILE,
    )
