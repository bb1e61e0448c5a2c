"""Measuring after a phase: settle, look at the nodes, take the snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from memcollect.compare.startup import seen_seconds
from memcollect.compare.statistics import percentile
from memcollect.compare.values import divided
from memcollect.documents.run import NodeEvidence, PhaseRun, Settling, Startup
from memcollect.documents.snapshot import Missing, Snapshot
from memcollect.errors import ClusterError
from memcollect.profile.measuring.gathering import Gathered
from memcollect.profile.measuring.settling import Followed, Histories, wait_until_settled
from memcollect.profile.measuring.snapshots import Taken, encoded, images, take
from memcollect.profile.node_evidence import Nodes
from memcollect.profile.plan.model import Settle
from memcollect.profile.record import Record, snapshot_path
from memcollect.profile.sandboxes.source import Sandbox
from memcollect.profile.tools import Tools
from memcollect.sources.agent_pods import Deployment
from memcollect.sources.agents import Limits
from memcollect.sources.deadline import Stopped
from memcollect.units import human_bytes


@dataclass(frozen=True, kw_only=True)
class Measurer:
    """Measures the sandboxes of a run."""

    tools: Tools
    record: Record
    nodes: Nodes
    deployment: Deployment
    limits: Limits
    stopped: Stopped
    missing: list[Missing] = field(default_factory=list)

    def measure(self, run: PhaseRun, there: Gathered, rule: Settle) -> tuple[PhaseRun, str]:
        """Return the phase's run with its settling, its snapshot and the evidence of its nodes.

        And what a person who waits wants to hear of it.
        """
        histories = Histories(self.tools, self.deployment)
        pods = {each.uid: Followed(each.pod_name, there.nodes[each.uid]) for each in there.ready}
        settling = wait_until_settled(histories, pods, rule, self.stopped)
        self.record.event("settled" if settling.settled else "did-not-settle", detail=settling.reason)
        run = msgspec.structs.replace(run, settling=settling)
        if run.status == "ok" and not settling.settled:
            run = msgspec.structs.replace(run, status="did-not-settle", reason=f"{settling.reason}.")
        if self.stopped():
            return msgspec.structs.replace(
                run, status="interrupted", reason="Interrupted before its snapshot."
            ), ""
        return self._snapshot(run, there)

    def look(self, there: Sequence[Sandbox], nodes: Sequence[str] | None = None) -> list[NodeEvidence]:
        """Return the evidence of the nodes before sandboxes are asked for, or at a step."""
        uids = [each.uid for each in there if each.uid]
        return self.nodes.look("step" if there else "before", nodes, uids, self.missing)

    def _snapshot(self, run: PhaseRun, there: Gathered) -> tuple[PhaseRun, str]:
        nodes = self.look(there.ready, sorted(set(there.nodes.values())))
        run = msgspec.structs.replace(run, nodes=[*run.nodes, *nodes])
        try:
            taken = take(self.tools, there.ready, run.phase, self.deployment, self.limits, self.stopped)
        except ClusterError as error:
            lost = Missing(kind="snapshot", name=run.phase, reason="unavailable", detail=str(error))
            run = msgspec.structs.replace(run, missing=[*run.missing, lost])
            return _unmeasured(run, str(error)), ""
        snapshot = taken.snapshot
        path = self.record.file(snapshot_path(run), encoded(snapshot))
        self.record.add_images(images(snapshot))
        measured = msgspec.structs.replace(run, snapshots=[path], missing=[*run.missing, *snapshot.missing])
        return _judged(measured, taken), in_words(snapshot, run)


def _judged(run: PhaseRun, taken: Taken) -> PhaseRun:
    """Return the run with what its snapshot makes of its status: half a measurement is no result."""
    if taken.interrupted:
        return msgspec.structs.replace(
            run, status="interrupted", reason="Interrupted while its snapshot was taken."
        )
    if any(pod.cgroup is not None for pod in taken.snapshot.pods):
        return run
    told = [f"pod {each.full_name}: {each.unmeasured}" for each in taken.snapshot.pods if each.unmeasured]
    told += [f"{each.kind} {each.name}: {each.detail}" for each in taken.snapshot.missing]
    return _unmeasured(run, told[0] if told else "no pod is in the snapshot")


def _unmeasured(run: PhaseRun, why: str) -> PhaseRun:
    """Return the run as failed, unless its workload failed before: that is the reason to tell."""
    if run.status not in {"ok", "did-not-settle"}:
        return run
    return msgspec.structs.replace(run, status="failed", reason=f"No pod was measured: {why}")


def in_words(snapshot: Snapshot, run: PhaseRun) -> str:
    """Return what was measured: "14.8 MiB of working set, at rest after 6 s, ready after 1.3 s"."""
    sizes = [pod.composition.working_set_bytes for pod in snapshot.pods if pod.composition is not None]
    count = len(snapshot.pods)
    of = "" if count == 1 == len(sizes) else f" in each of {len(sizes)} pods, on average"
    of += f" ({count - len(sizes)} not measured)" if len(sizes) < count else ""
    amount = (
        f"{human_bytes(divided(sum(sizes), len(sizes)))} of working set{of}" if sizes else "no pod measured"
    )
    return ", ".join(filter(None, [amount, _rest(run.settling), _ready(run.startups)]))


def _rest(settling: Settling | None) -> str:
    waited = settling.waited_seconds if settling is not None and settling.settled else None
    return "" if waited is None else f"at rest after {waited:.0f} s"


def _ready(startups: Sequence[Startup]) -> str:
    seconds = [each for each in map(seen_seconds, startups) if each is not None]
    if not seconds:
        return ""
    slowest = f" (the slowest {max(seconds):.1f} s)" if len(seconds) > 1 else ""
    return f"ready after {percentile(seconds, 50):.1f} s{slowest}"
