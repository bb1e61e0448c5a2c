"""What the node lost, beside what its pods say of themselves; and what it still held afterwards. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from memcollect.compare.inputs import Document, phase_key
from memcollect.compare.model import Leftover, NodeRow
from memcollect.compare.values import divided, mean, measured_pods, pod_values
from memcollect.documents.run import NodeEvidence, PhaseRun, RunManifest
from memcollect.documents.snapshot import Pod
from memcollect.units import human_bytes

WHY_THEY_DIFFER = (
    "MemAvailable and the pods' own numbers differ because they count different things. The node counts a"
    " page once, whoever shares it; it takes most page cache for available, which the pods are charged for;"
    " and it pays for what no pod's cgroup holds: runtime shims, the kubelet's and the runtime's own growth,"
    " kernel memory outside cgroups, and whatever else runs there."
)


def node_rows(document: Document, backend: str) -> Iterator[NodeRow]:
    """Yield a row for each node, phase and repeat for which it was looked at before and then."""
    manifest = document.manifest
    if manifest is None:
        return
    for run in manifest.phases:
        pods = [
            pod
            for path in run.snapshots
            if path in document.snapshots
            for pod in measured_pods(document.snapshots[path].pods)
        ]
        for now in run.nodes:
            before = _before(manifest, run, now.node)
            if now.moment == "step" and before is not None:
                yield from _row(backend, run, (before, now), [pod for pod in pods if pod.node == now.node])


def _before(manifest: RunManifest, run: PhaseRun, node: str) -> NodeEvidence | None:
    """Return the look at the node before this phase's pods, else before the whole run."""
    looks = [*run.nodes, *manifest.nodes]
    return next((each for each in looks if each.node == node and each.moment == "before"), None)


def _row(
    backend: str, run: PhaseRun, looks: tuple[NodeEvidence, NodeEvidence], pods: Sequence[Pod]
) -> Iterator[NodeRow]:
    before, now = looks
    available = [each.meminfo.get("MemAvailable") for each in looks]
    count = now.pods if now.pods is not None else len(pods)
    if available[0] is None or available[1] is None or count < 1 or _rebooted(before, now):
        return
    yield NodeRow(
        backend=backend,
        phase=phase_key(run),
        repeat=run.repeat,
        node=now.node,
        pods=count,
        available_before_bytes=available[0],
        available_bytes=available[1],
        per_pod_bytes=divided(available[0] - available[1], count),
        working_set_bytes=_mean_of(pods, "working_set"),
        charged_bytes=_mean_charge(pods),
        pss_bytes=_mean_of(pods, "pss"),
    )


def _mean_of(pods: Sequence[Pod], metric: str) -> int | None:
    values = [pod_values(pod).get(metric) for pod in pods]
    numbers = [value for value in values if isinstance(value, int)]
    return mean(numbers) if numbers and len(numbers) == len(values) else None


def _mean_charge(pods: Sequence[Pod]) -> int | None:
    values = [pod.cgroup.current_bytes if pod.cgroup else None for pod in pods]
    numbers = [value for value in values if value is not None]
    return mean(numbers) if numbers and len(numbers) == len(values) else None


def leftovers(document: Document, backend: str) -> Iterator[Leftover]:
    """Yield what each node held after the pods of a phase, and in the end of the run, were deleted."""
    manifest = document.manifest
    if manifest is None:
        return
    for run in manifest.phases:
        for after in (each for each in run.nodes if each.moment == "after"):
            row = _leftover(backend, _before(manifest, run, after.node), after)
            yield msgspec.structs.replace(row, phase=phase_key(run), repeat=run.repeat)
    for after in (each for each in manifest.nodes if each.moment == "after"):
        before = next(
            (each for each in manifest.nodes if (each.node, each.moment) == (after.node, "before")), None
        )
        yield _leftover(backend, before, after)


def neighbours(runs: Iterable[tuple[str, RunManifest]], least_bytes: int) -> Iterator[str]:
    """Yield that the nodes held more before one run than before another, by more than is claimed.

    Pages of files that sandboxes share with what is there already are charged to that. How many nobody has
    counted, so nothing is refused: other pods come and go on every cluster.
    """
    held = sorted(
        (look.pods_charge_bytes, backend)
        for backend, manifest in runs
        for look in manifest.nodes
        if look.moment == "before" and look.pods_charge_bytes is not None
    )
    if held and held[-1][0] - held[0][0] > least_bytes:
        (least, fewer), (most, more) = held[0], held[-1]
        yield (
            f"Before the runs, the pods of a node held from {human_bytes(least)} ({fewer}) to"
            f" {human_bytes(most)} ({more}), which differs by more than what is claimed. Files that sandboxes"
            " share with them are charged to them, as to sandboxes that an earlier run has left."
        )


def _leftover(backend: str, before: NodeEvidence | None, after: NodeEvidence) -> Leftover:
    return Leftover(
        backend=backend,
        node=after.node,
        available_change_bytes=_change(before, after, lambda look: look.meminfo.get("MemAvailable")),
        pods_charge_change_bytes=_change(before, after, lambda look: look.pods_charge_bytes),
        cgroups=after.leftover_cgroups,
        dying_cgroups=after.dying_cgroups,
        dying_change=_change(before, after, lambda look: look.dying_cgroups),
        processes=list(after.leftover_processes),
        processes_unknown=after.absent.get("leftover_shims", ""),
        waited_seconds=after.waited_seconds,
    )


def _change(
    before: NodeEvidence | None, after: NodeEvidence, of: Callable[[NodeEvidence], int | None]
) -> int | None:
    if before is None or _rebooted(before, after):
        return None
    was, now = of(before), of(after)
    return None if was is None or now is None else now - was


def _rebooted(before: NodeEvidence, after: NodeEvidence) -> bool:
    return None not in {before.boot_id, after.boot_id} and before.boot_id != after.boot_id
