"""Runs of a made-up plan, small enough to check by hand: pods of which only private memory differs."""

import functools
import hashlib
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from memcollect.compare import Document, Question, compare
from memcollect.compare.model import Comparison
from memcollect.documents.bundle import BundleWriter
from memcollect.documents.run import (
    NodeEvidence,
    PhaseRun,
    Planned,
    RunManifest,
    Settling,
    Startup,
    Workload,
)
from memcollect.documents.snapshot import Container, Pod, Runtime, Scope, Snapshot, Tool, Top
from memcollect.evidence.catalogue import NAMES, ROWS, SHA256
from memcollect.evidence.document import (
    EVIDENCE_FOLDER,
    CatalogueUsed,
    CheckResult,
    Evidence,
    KeptStep,
    RowResult,
    TriedImage,
    decode,
    encode,
)
from memcollect.evidence.judging import Verdict
from memcollect.explain import explain
from memcollect_agent.wire import Cgroup, Node, Process, ProcessSums

MIB = 1 << 20
GUIDE = Path(__file__).parents[1] / "recordings/guide-two-templates"
NODE = Node(
    name="node-1",
    kernel="6.1.0",
    architecture="x86_64",
    boot_id="b1",
    cgroup_version="v2",
    cpus=1,
    page_size_bytes=4096,
    transparent_hugepage="madvise",
    swap_devices=0,
    lru_gen=True,
    ksm_run=0,
    zswap_enabled=False,
    meminfo={"MemAvailable": 5 << 30, "MemTotal": 8 << 30},
)
PLAN = "9f" * 32
PHASES = ("empty", "after-python")
STAT = ("kernel", "slab_reclaimable", "slab_unreclaimable", "kernel_stack", "pagetables", "sec_pagetables")
LISTS = ("active_anon", "active_file", "inactive_file", "unevictable", "file", "shmem", "file_mapped")
NOTHING = dict.fromkeys((*STAT, *LISTS, "percpu", "vmalloc", "sock", "pgsteal"), 0)
STARTED = "2025-12-31T23:59:30Z"


def pod(anon: int, name: str = "sandbox-1", *, shmem: int = 0, cache: int = 0, **more: Any) -> Pod:
    """Return a raw pod of one container: private memory, tmpfs, hot cache, in bytes.

    `outside` is charged to the pod and to no container.
    """
    stat = {
        **NOTHING,
        "anon": anon,
        "shmem": shmem,
        "file": shmem + cache,
        "inactive_anon": anon + shmem,
        "active_file": cache,
    }
    processes = more.pop("processes", [])
    image = more.pop("image", "sha256:aa")
    container = Container(
        name=more.pop("container", "aio"),
        id=f"c-{name}",
        state=more.pop("state", "running"),
        started_at=more.pop("started_at", STARTED),
        image="aio:1",
        image_id=image,
        limits=more.pop("limits", {"memory": "1Gi"}),
        requests=more.pop("requests", {"memory": "256Mi"}),
        cgroup=Cgroup(
            path=f"/{name}",
            current_bytes=anon + shmem + cache,
            stat=stat,
            **{"max_bytes": 1 << 30, "high_bytes": "max", **more.pop("held", {})},
        ),
        sums=ProcessSums(
            listed=1, read=1, rss_bytes=anon, pss_bytes=anon, pss_anon_bytes=anon, lazyfree_bytes=0
        )
        if not processes
        else ProcessSums(
            listed=len(processes), read=more.pop("read", len(processes)), lazyfree_bytes=0, read_until=1000.0
        ),
        processes=processes,
    )
    more.setdefault("top", Top(source="metrics.k8s.io", memory_bytes=anon + shmem + cache))
    outside = more.pop("outside", 0)
    fields: dict[str, Any] = {
        "cgroup": Cgroup(
            path=f"/pod-{name}",
            events=more.pop("events", {"high": 0, "max": 0, "oom_kill": 0}),
            current_bytes=anon + shmem + cache + outside,
            stat={**stat, "anon": anon + outside, "inactive_anon": anon + shmem + outside},
        ),
        "uid": f"uid-{name}",
        "name": name,
        "namespace": "deer-flow",
        "node": NODE.name,
        "phase": "Running",
        "driver": "systemd",
        "runtime": Runtime(family="runc"),
        "containers": [container],
        **more,
    }
    return Pod(**fields)


def process(comm: str, pid: int, pss: int | None = MIB, start_time: float = 1.0) -> Process:
    """Return one process."""
    return Process(pid=pid, ppid=1, start_time=start_time, comm=comm, pss_bytes=pss)


def snapshot(*pods: Pod, sample: str = "empty", node: Node = NODE, **more: Any) -> Snapshot:
    """Return the explained document of these pods."""
    fields: dict[str, Any] = {
        "tool": Tool(version="0.1.0"),
        "sample": sample,
        "captured_at": "2026-01-01T00:00:00Z",
        "finished_at": "2026-01-01T00:00:01Z",
        "mode": "cluster",
        "scope": Scope(namespaces=["deer-flow"], processes=True),
        "nodes": [node],
        "pods": list(pods),
        **more,
    }
    return explain(Snapshot(**fields))


def document(snapshot_: Snapshot, name: str, label: str | None = None) -> Document:
    """Return a snapshot as it is compared by itself."""
    digest = hashlib.sha256(name.encode() + msgspec.json.encode(snapshot_)).hexdigest()
    return Document(name=name, label=label, sha256=digest, snapshots={name: snapshot_})


def path_of(phase: str, repeat: int) -> str:
    """Return where a run keeps that snapshot."""
    return f"snapshots/{phase}-{repeat}.json"


def phase_run(phase: str, repeat: int, **more: Any) -> PhaseRun:
    """Return a phase that went well and settled."""
    fields: dict[str, Any] = {
        "phase": phase,
        "repeat": repeat,
        "status": "ok",
        "workload": None if phase == "empty" else phase,
        "settling": Settling(settled=True, within_bytes=MIB, for_seconds=20.0),
        "snapshots": [path_of(phase, repeat)],
        **more,
    }
    return PhaseRun(**fields)


def uid_of(name: str, repeat: int) -> str:
    """Return the UID of the pod that a repeat of a run has for itself."""
    return f"uid-{name}-{repeat}"


def started(repeat: int) -> str:
    """Return since when the pods of a repeat of a run have run: half a minute."""
    return f"2026-01-01T00:0{repeat - 1}:30Z"


def run(name: str, anon: Mapping[str, Sequence[int]], **more: Any) -> Document:
    """Return a whole run: for each phase the private memory of its pod, repeat by repeat, in bytes."""
    repeats = len(next(iter(anon.values())))
    node = more.pop("node", NODE)
    of_pod = more.pop("of_pod", {})
    of_phase = more.pop("of_phase", {})
    workload = more.pop("workload", "1")
    image = TriedImage(container="aio", image="aio:1", image_id=of_pod.get("image", "sha256:aa"))
    tried = [evidence_of(name, images=[image])] if "evidence" not in more else more.pop("evidence")
    snapshots = {
        path_of(phase, index): snapshot(
            pod(size, **{"uid": uid_of(name, index), "started_at": started(index), **of_pod}),
            sample=phase,
            node=node,
            captured_at=f"2026-01-01T00:0{index}:00Z",
        )
        for phase, sizes in anon.items()
        for index, size in enumerate(sizes, start=1)
    }
    fields: dict[str, Any] = {
        "run_id": f"run-{name}",
        "backend": name,
        "finished_at": 2.0,
        "tool": Tool(version="0.1.0"),
        "plan": Planned(name="guide", sha256=PLAN, phases=list(anon), repeats=repeats),
        "workloads": [
            Workload(name=phase, sha256=hashlib.sha256(f"{phase}{workload}".encode()).hexdigest())
            for phase in anon
        ],
        "phases": [phase_run(phase, index, **of_phase) for phase in anon for index in range(1, repeats + 1)],
        **more,
    }
    manifest = RunManifest(**fields)
    return Document(
        name=f"runs/{name}",
        sha256=hashlib.sha256(f"manifest of {name}".encode()).hexdigest(),
        manifest=manifest,
        snapshots=snapshots,
        evidence=tried,
    )


def evidence_of(backend: str, verdicts: Mapping[str, Verdict] | None = None, **more: Any) -> Evidence:
    """Return evidence with every check; `verdicts` are those of a row's first one."""
    verdicts = verdicts or {}
    rows = [
        RowResult(
            row=row.name,
            checks=[
                CheckResult(
                    name=check.name,
                    verdict=verdicts.get(row.name, "as-expected") if first else "as-expected",
                    asks="is it so?",
                    expected="it is so",
                    source="the guide",
                    level="api",
                    observed="it is otherwise" if first and row.name in verdicts else "it is so",
                )
                for first, check in ((each is row.checks[0], each) for each in row.checks)
            ],
        )
        for row in ROWS
    ]
    fields: dict[str, Any] = {
        "backend": backend,
        "driver": "aio",
        "catalogue": CatalogueUsed(sha256=SHA256, rows=list(NAMES)),
        "images": [TriedImage(container="aio", image="aio:1", image_id="sha256:aa")],
        "started_at": 1.0,
        "finished_at": 2.0,
        "rows": rows,
        **more,
    }
    return Evidence(**fields)


def few(evidence: Evidence) -> Evidence:
    """Return the evidence with one check in every row, for pages that somebody reads."""
    rows = [
        msgspec.structs.replace(row, checks=[msgspec.structs.replace(row.checks[0], name="check")])
        for row in evidence.rows
    ]
    other = CatalogueUsed(sha256="c0" * 32, rows=list(NAMES))
    return msgspec.structs.replace(evidence, rows=rows, catalogue=other)


def with_record(evidence: Evidence, run_id: str = "run-1") -> Evidence:
    """Return the evidence with what each check saw, as a real run has recorded it, as that of another run."""
    recorded_id, recorded = recorded_steps()
    old, new = f"mc-{recorded_id}", f"mc-{run_id}"
    steps = {
        which: [
            msgspec.structs.replace(each, paths=[path.replace(old, new) for path in each.paths])
            if each.paths
            else each
            for each in some
        ]
        for which, some in recorded.items()
    }
    rows = [
        msgspec.structs.replace(
            row,
            checks=[
                msgspec.structs.replace(each, steps=steps.get((row.row, each.name), each.steps))
                for each in row.checks
            ],
        )
        for row in evidence.rows
    ]
    return msgspec.structs.replace(evidence, run_id=run_id, rows=rows)


@functools.cache
def recorded_steps() -> tuple[str, dict[tuple[str, str], list[KeptStep]]]:
    """Return the steps of every check of the guide's run, and the run's id; what it found amiss is mended."""
    evidence = recorded_evidence()
    steps = {(row.row, each.name): list(each.steps) for row in evidence.rows for each in row.checks}
    at_last = {
        ("Isolation", "neighbour"): KeptStep(label="reach", **_text("not reached\n"), seconds=1.0),
        ("Files", "over-the-limit"): KeptStep(label="get", came="error", kind="too-large", why="too large"),
        ("Commands", "beyond-memory"): KeptStep(label="after", facts={"oom_kills": 1}),
    }
    for which, step in at_last.items():
        steps[which] = [step if each.label == step.label else each for each in steps[which]]
    return evidence.run_id, steps


@functools.cache
def recorded_evidence(template: str = "box-a") -> Evidence:
    """Return what the guide's run found of a template on a real Kubernetes."""
    with tarfile.open(GUIDE / f"{template}.tar.xz") as archive:
        file = archive.extractfile(f"{template}/evidence/evidence.json")
        assert file is not None
        return decode(file.read(), "evidence.json")


def _text(text: str) -> dict[str, Any]:
    data = text.encode()
    return {"text": text, "size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def good_pair(change: int = -50 * MIB) -> list[Document]:
    """Return two runs of three repeats that differ in private memory alone."""
    base = [300 * MIB, 301 * MIB, 302 * MIB]
    return [
        run("aio", {"empty": [100 * MIB, 100 * MIB, 101 * MIB], "after-python": base}),
        run("cube", {"empty": [90 * MIB, 90 * MIB, 91 * MIB], "after-python": [x + change for x in base]}),
    ]


def write(directory: Path, document_: Document) -> Path:
    """Write a run as a bundle and return its directory."""
    assert document_.manifest is not None
    writer = BundleWriter.create(directory)
    for path, each in document_.snapshots.items():
        writer.write(path, msgspec.json.encode(each))
    for number, tried in enumerate(document_.evidence):
        writer.write(
            f"{EVIDENCE_FOLDER}/tried-{number}.json", encode(with_record(tried, document_.manifest.run_id))
        )
    writer.write_manifest(document_.manifest)
    return directory


def rich_pair(name: str = "cube", comm: str = "ipykernel") -> list[Document]:
    """Return two runs with everything a page can show; the second lacks a phase and left a process."""
    phases = {"empty": [100 * MIB] * 3, "after-python": [300 * MIB] * 3, "concurrent": [120 * MIB] * 3}
    base = run("aio", phases, node=NODE)
    shorter = {"empty": [91 * MIB, 90 * MIB, 92 * MIB], "after-python": [251 * MIB, 250 * MIB, 255 * MIB]}
    other = run(name, shorter)
    snapshots = {
        path: snapshot(*each.pods, sample=each.sample, captured_at=each.captured_at)
        for path, each in other.snapshots.items()
    }
    for repeat in (1, 2, 3):
        before, after = path_of("empty", repeat), path_of("after-python", repeat)
        shell, kernel = process("sh", 1), process(comm, 9, 60 * MIB)
        size = shorter["empty"][repeat - 1], shorter["after-python"][repeat - 1]
        uid = uid_of(name, repeat)
        when = f"2026-01-01T00:0{repeat}:00Z"
        idle, busy = (
            pod(size_, processes=there, uid=uid, started_at=started(repeat))
            for size_, there in zip(size, ([shell], [shell, kernel]), strict=True)
        )
        snapshots[before] = snapshot(idle, sample="empty", captured_at=when)
        snapshots[after] = snapshot(busy, sample="after-python", captured_at=when)
    return [
        _with_evidence(with_rounds(base, [130 * MIB, 131 * MIB])),
        msgspec.structs.replace(other, snapshots=snapshots),
    ]


def moments(name: str = "sandbox-7f3a", comm: str = "python3") -> Comparison:
    """Return what ten minutes changed: one pod grew, one went, one came."""
    before = snapshot(
        pod(500 * MIB, name, cache=80 * MIB, processes=[process(comm, 7, 40 * MIB)]),
        pod(90 * MIB, "sandbox-11aa"),
        pod(30 * MIB, "old"),
        sample="before",
    )
    after = snapshot(
        pod(510 * MIB, name, cache=280 * MIB, processes=[process(comm, 7, 50 * MIB)]),
        pod(90 * MIB, "sandbox-11aa"),
        pod(3 * MIB, "fresh"),
        sample="after",
        captured_at="2026-01-01T00:10:00Z",
    )
    documents = [document(before, "before.json"), document(after, "after.json")]
    return compare(documents, Question(version="0.1.0"))


def with_rounds(run_: Document, anon: Sequence[int], *, kept: Sequence[bool] | None = None) -> Document:
    """Return the run with a phase that goes round in each repeat: private memory, and whether the pod stayed.

    By itself the last round of the last repeat had another pod.
    """
    manifest = run_.manifest
    assert manifest is not None
    snapshots, phases = dict(run_.snapshots), list(manifest.phases)
    for repeat in range(1, manifest.plan.repeats + 1):
        for cycle, size in enumerate(anon, start=1):
            path = f"snapshots/warm-{repeat}-{cycle}.json"
            time = f"2026-01-01T01:{repeat:02}:{cycle:02}Z"
            own = pod(size, uid=uid_of(run_.name, repeat))
            snapshots[path] = snapshot(own, sample="warm-reuse", captured_at=time)
            same = (
                not (repeat == manifest.plan.repeats and cycle == len(anon))
                if kept is None
                else kept[cycle - 1]
            )
            phases.append(
                phase_run(
                    "warm-reuse", repeat, cycle=cycle, workload="empty", snapshots=[path], same_pod=same
                )
            )
    planned = msgspec.structs.replace(manifest.plan, phases=[*manifest.plan.phases, "warm-reuse"])
    more = msgspec.structs.replace(manifest, phases=phases, plan=planned)
    return msgspec.structs.replace(run_, manifest=more, snapshots=snapshots)


def _with_evidence(document_: Document) -> Document:
    manifest = document_.manifest
    assert manifest is not None
    looks = [
        NodeEvidence(
            node="node-1",
            moment="before",
            meminfo={"MemAvailable": 5 << 30},
            pods_charge_bytes=90 * MIB,
            dying_cgroups=1,
        ),
        NodeEvidence(
            node="node-1",
            moment="after",
            meminfo={"MemAvailable": (5 << 30) - MIB},
            pods_charge_bytes=91 * MIB,
            dying_cgroups=3,
            leftover_cgroups=1,
            waited_seconds=60.4,
            leftover_processes=["containerd-shim"],
        ),
    ]
    step = NodeEvidence(
        node="node-1", moment="step", pods=10, meminfo={"MemAvailable": (5 << 30) - 1500 * MIB}
    )
    startups = [
        Startup(
            pod_uid="u",
            pod="p",
            created_at=1.0,
            scheduled_at=1.0,
            started_at=3.0,
            ready_at=3.0,
            requested_at=1.0,
            seen_ready_at=3.5,
            poll_seconds=0.2,
            pulled=pulled,
        )
        for pulled in (False, None, True)
    ]
    phases = [
        msgspec.structs.replace(each, nodes=[step], startups=startups) if each.phase == "concurrent" else each
        for each in manifest.phases
    ]
    return msgspec.structs.replace(
        document_, manifest=msgspec.structs.replace(manifest, nodes=looks, phases=phases)
    )
