"""Snapshots of a few pods, in which each question of docs/archive.md has an answer that is known."""

from datetime import UTC, datetime, timedelta

import msgspec

from memcollect.documents.snapshot import (
    Composition,
    Container,
    Finding,
    Ladder,
    Pod,
    Residual,
    Rung,
    Runtime,
    Snapshot,
    Step,
    SwapRoom,
    Term,
    Top,
    Undecided,
)
from memcollect_agent.wire import Cgroup, FileUse, Payer, PodFiles

MIB = 1 << 20
MONDAY = datetime(2026, 11, 2, 2, tzinfo=UTC)


def night(number: int, *pods: Pod, cluster: str = "prod") -> Snapshot:
    """Return the snapshot of one night: the first is a Monday's."""
    at = f"{MONDAY + timedelta(days=number):%Y-%m-%dT%H:%M:%SZ}"
    return Snapshot(captured_at=at, finished_at=at, mode="cluster", cluster=cluster, pods=list(pods))


def pod(name: str, *containers: Container, **more: object) -> Pod:
    """Return a pod of the namespace "team"."""
    made = Pod(uid=f"uid-{name}", name=name, namespace="team", containers=list(containers))
    return msgspec.structs.replace(made, **more)


def container(image: str, anon: int, limit: int | None = None, swap_room: SwapRoom = "unknown") -> Container:
    """Return a container whose charge is `anon` MiB of private memory, of a limit of `limit` MiB."""
    parts = Composition(
        swap_room=swap_room,
        working_set_bytes=anon * MIB,
        terms=[
            Term(
                term="anon",
                low_bytes=anon * MIB,
                high_bytes=anon * MIB,
                estimate_bytes=anon * MIB,
                confidence="measured",
                reclaimable="swap-only",
            )
        ],
        residual=residual(0),
    )
    cgroup = Cgroup(
        path=f"/{image}",
        current_bytes=anon * MIB,
        max_bytes="max" if limit is None else limit * MIB,
        stat={"anon": anon * MIB, "file": 0, "shmem": 0},
    )
    return Container(name="app", id=image, image=image, cgroup=cgroup, composition=parts)


def tight(name: str, anon: int, limit: int, *containers: Container) -> Pod:
    """Return a pod that has a limit of its own, with `anon` MiB of private memory, all in MiB."""
    like = container("", anon, limit)
    return pod(name, *containers, cgroup=like.cgroup, composition=like.composition)


def beside(role: str, charge: int) -> Container:
    """Return what a sandbox has beside its containers, of `charge` MiB."""
    return Container(name=role, role=role, cgroup=Cgroup(path=f"/{role}", current_bytes=charge * MIB))


def own_cost(scope: str, cost: int) -> Finding:
    """Return what is said of a sandbox's own cost in a scope, in MiB."""
    return Finding(cause="runtime_own", scope=scope, estimate_bytes=cost * MIB, sentence="")


def topped(shown: int, measured: int) -> Top:
    """Return what kubectl top showed, and what was measured at that time, in MiB."""
    return Top(
        source="metrics.k8s.io",
        timestamp=MONDAY.timestamp(),
        memory_bytes=shown * MIB,
        working_set_at_sample_bytes=measured * MIB,
        tolerance_bytes=MIB,
        status="differs",
    )


def cached(cache: int, *, payers_known: bool = True, **volumes: int) -> dict[str, object]:
    """Return fields of a pod with `cache` MiB of page cache, of which the named volumes hold some."""
    own = [Payer(cgroup_inode=1, path="/pod", bytes=0), Payer(cgroup_inode=2, bytes=MIB)]
    files = [
        FileUse(
            path=f"/{name}/data",
            place="volume",
            volume=name,
            volume_kind="csi",
            resident_low_bytes=size * MIB,
            resident_high_bytes=size * MIB,
            payers=[msgspec.structs.replace(own[0], bytes=size * MIB), own[1]] if payers_known else None,
        )
        for name, size in volumes.items()
    ]
    cgroup = Cgroup(path="/pod", stat={"file": (cache + 8) * MIB, "shmem": 8 * MIB})
    return {"cgroup": cgroup, "files": PodFiles(files=files)}


def open_ladder(rest: int, bound: int, missing: str = "") -> Ladder:
    """Return a ladder of one step that has `rest` MiB left, of `bound` MiB that it may have."""
    step = Step(
        from_rung="pss",
        to_rung="current",
        gap_bytes=rest * MIB,
        residual=residual(rest, bound),
        undecided=[Undecided(name=missing, missing=missing, reason="")] if missing else [],
    )
    return Ladder(
        rungs=[
            Rung(rung="pss", bytes=0, source="Σ Pss"),
            Rung(rung="current", bytes=rest * MIB, source="memory.current"),
        ],
        steps=[step],
    )


def residual(rest: int, bound: int = 1) -> Residual:
    """Return a residual of `rest` MiB within or beyond ± `bound` MiB."""
    return Residual(
        low_bytes=rest * MIB,
        high_bytes=rest * MIB,
        estimate_bytes=rest * MIB,
        bound_low_bytes=-bound * MIB,
        bound_high_bytes=bound * MIB,
        bound_reason="",
        within_bound=abs(rest) <= bound,
    )


def runtime(family: str) -> Runtime:
    """Return a runtime of that family."""
    return Runtime(family=family)
