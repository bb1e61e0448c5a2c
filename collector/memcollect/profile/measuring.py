"""Measuring after a phase: settle, look at the nodes, take the snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from memcollect.errors import ClusterError
from memcollect.model import Missing
from memcollect.profile.actions import Stopped
from memcollect.profile.gathering import Gathered
from memcollect.profile.node_evidence import Nodes
from memcollect.profile.plan import Settle
from memcollect.profile.record import Record, snapshot_path
from memcollect.profile.sandboxes import Sandbox
from memcollect.profile.settling import Histories, wait_until_settled
from memcollect.profile.snapshots import encoded, images, take
from memcollect.profile.tools import Tools
from memcollect.run_model import NodeEvidence, PhaseRun
from memcollect.sources.agent_pods import Deployment
from memcollect.sources.agents import Limits


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

    def measure(self, run: PhaseRun, there: Gathered, rule: Settle) -> PhaseRun:
        """Return the phase's run with its settling, its snapshot and the evidence of its nodes."""
        histories = Histories(self.tools, self.deployment)
        settling = wait_until_settled(histories, there.nodes, rule, self.stopped)
        self.record.event("settled" if settling.settled else "did-not-settle", detail=settling.reason)
        run = msgspec.structs.replace(run, settling=settling)
        if run.status == "ok" and not settling.settled:
            run = msgspec.structs.replace(run, status="did-not-settle", reason=f"{settling.reason}.")
        if self.stopped():
            return msgspec.structs.replace(
                run, status="interrupted", reason="Ctrl-C came before its snapshot."
            )
        return self._snapshot(run, there)

    def look(self, there: Sequence[Sandbox], nodes: Sequence[str] | None = None) -> list[NodeEvidence]:
        """Return the evidence of the nodes before sandboxes are asked for, or at a step."""
        uids = [each.uid for each in there if each.uid]
        return self.nodes.look("step" if there else "before", nodes, uids, self.missing)

    def _snapshot(self, run: PhaseRun, there: Gathered) -> PhaseRun:
        nodes = self.look(there.ready, sorted(set(there.nodes.values())))
        try:
            snapshot = take(self.tools, there.ready, run.phase, self.deployment, self.limits, self.stopped)
        except ClusterError as error:
            lost = Missing(kind="snapshot", name=run.phase, reason="unavailable", detail=str(error))
            return msgspec.structs.replace(run, nodes=[*run.nodes, *nodes], missing=[*run.missing, lost])
        path = self.record.file(snapshot_path(run), encoded(snapshot))
        self.record.add_images(images(snapshot))
        return msgspec.structs.replace(
            run,
            nodes=[*run.nodes, *nodes],
            snapshots=[path],
            missing=[*run.missing, *snapshot.missing],
        )
