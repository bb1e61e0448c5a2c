"""The run: block by block, each phase a result whatever comes of it, everything deleted at the end."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from memcollect.documents.run import NodeEvidence, PhaseRun, PhaseStatus
from memcollect.documents.snapshot import Missing
from memcollect.profile.actions import Operator, Outcome, act
from memcollect.profile.evidence.trying import Trier
from memcollect.profile.measuring.gathering import Gathered, Gatherer
from memcollect.profile.measuring.measurer import Measurer
from memcollect.profile.node_evidence import Nodes
from memcollect.profile.plan.blocks import Block, blocks
from memcollect.profile.plan.model import UNSEEN, Evidence, Nothing, Phase, Plan, Reuse, is_seen
from memcollect.profile.record import Record
from memcollect.profile.reuse import Reuser
from memcollect.profile.sandboxes.cleanup import Cleaner, leftovers
from memcollect.profile.sandboxes.source import Source
from memcollect.profile.tools import Workshop
from memcollect.sources.deadline import Stopped

Say = Callable[[str], None]
MOST_UIDS = 4000
"""An agent takes 4096 in one question."""


@dataclass(kw_only=True)
class Run:
    """One run of a plan, or the rest of one."""

    plan: Plan
    source: Source
    ordinary: int
    """How many sandboxes the phases without steps have."""
    workshop: Workshop
    record: Record
    gatherer: Gatherer
    measurer: Measurer
    cleaner: Cleaner
    nodes: Nodes
    operator: Operator
    reuser: Reuser
    trier: Trier
    stopped: Stopped
    say: Say
    missing: list[Missing] = field(default_factory=list)

    def run(self) -> bool:
        """Do every block that is not done yet; return whether all are. What was made is deleted even so."""
        seen = is_seen(self.plan.source)
        if seen and not any(each.moment == "before" for each in self.record.manifest.nodes):
            self.record.add_nodes(self.measurer.look([]))
        for block in blocks(self.plan):
            if block.is_done(self.record.manifest.phases):
                continue
            self.record.reopen_block(block)
            if isinstance(phase := block.phases[0], Evidence):
                self._try(phase)
            elif seen:
                self._block(block)
            else:
                self._out_of_sight(block)
            if self.stopped():
                self.record.event("interrupted")
                self.record.save()
                return False
        if seen:
            self.record.add_nodes(self._left(self._deleted()))
        self.record.finish()
        return True

    def _block(self, block: Block) -> None:
        count = self.ordinary if block.step is None else block.step
        self.say(
            f"repeat {block.repeat} of {self.plan.repeats}: {count} sandbox{'' if count == 1 else 'es'} for "
            + ", ".join(phase.name for phase in block.phases)
        )
        before = self.measurer.look([])
        keys = self._keys(count)
        deleted: list[NodeEvidence] = []
        try:
            self._phases(block, self.gatherer.gather(keys), before)
        finally:
            deleted = self._delete(keys)
            self.record.close_block(block, deleted)

    def _out_of_sight(self, block: Block) -> None:
        """Skip what would be measured where nobody could measure it; nothing is made for it."""
        for phase in block.phases:
            lost = Missing(kind="sandbox", name=phase.name, reason="not-seen", detail=UNSEEN)
            run = PhaseRun(
                phase=phase.name,
                repeat=block.repeat,
                step=block.step,
                status="skipped",
                reason=f"Not measured: {UNSEEN}.",
                started_at=time.time(),
                missing=[lost],
            )
            self._end(run)

    def _try(self, phase: Evidence) -> None:
        self.say(f"{phase.name}: trying what the backend does, in sandboxes of its own")
        began = PhaseRun(phase=phase.name, status="ok", started_at=time.time(), workload=phase.name)
        self.record.event("phase-started", phase=phase.name, repeat=1)
        self._end(_with(began, self.trier.try_(phase)))

    def _keys(self, count: int) -> list[str]:
        batch = f"mc-{self.record.manifest.run_id}-{secrets.token_hex(2)}"
        return [f"{batch}-{number}" for number in range(1, count + 1)]

    def _delete(self, keys: Sequence[str]) -> list[NodeEvidence]:
        if not self.source.makes:
            return []
        uids = {key: self.gatherer.uids.get(key, []) for key in keys}
        last = {key: found[-1] if found else "" for key, found in uids.items()}
        places = [msgspec.structs.replace(self.source.place(key), uid=uid) for key, uid in last.items()]
        self.missing += self.cleaner.delete(places)
        # A sandbox may have had several pods, and each of them may have left something.
        ever = [uid for found in uids.values() for uid in found][-MOST_UIDS:]
        return self._left(ever)

    def _left(self, uids: Sequence[str]) -> list[NodeEvidence]:
        return leftovers(self.nodes, self._node_names(), uids, self.missing, self.say)

    def _deleted(self) -> list[str]:
        """Return the UIDs of the pods that the run has made, the latest, as many as an agent can be asked."""
        if not self.source.makes:
            return []
        earlier = (row.pod_uid for run in self.record.manifest.phases for row in run.startups)
        own = (uid for found in self.gatherer.uids.values() for uid in found)
        return [uid for uid in dict.fromkeys([*earlier, *own]) if uid][-MOST_UIDS:]

    def _node_names(self) -> list[str]:
        return sorted({each.node for each in self.record.manifest.nodes})

    def _phases(self, block: Block, there: Gathered, before: Sequence[NodeEvidence]) -> None:
        for number, phase in enumerate(block.phases):
            if self.stopped() and number:
                return
            first = number == 0
            run = PhaseRun(
                phase=phase.name,
                repeat=block.repeat,
                step=block.step,
                status="ok",
                started_at=time.time(),
                workload=None if isinstance(phase, Nothing) else phase.name,
                startups=there.startups if first else [],
                nodes=list(before),
                missing=there.missing if first else [],
            )
            self.record.event("phase-started", phase=phase.name, repeat=block.repeat)
            if not there.ready:
                self._end(_without_sandboxes(run, there, first=first, stopped=self.stopped()))
            elif isinstance(phase, Reuse):
                there = self._reuse(phase, run, there)
            else:
                outcome = act(phase, there.ready, self.workshop, self.operator, self.stopped)
                self._end(*self._measured(_with(run, outcome), phase, there))

    def _measured(self, run: PhaseRun, phase: Phase, there: Gathered) -> tuple[PhaseRun, str]:
        if run.status == "interrupted":
            return run, ""
        if run.status == "ok" and there.missing and run.startups:
            count = f"{len(there.missing)} of {len(there.asked)} sandboxes were not ready"
            run = _ended_as(run, "failed", f"{count}: {there.missing[0].detail}")
        return self.measurer.measure(run, there, phase.settle or self.plan.settle)

    def _reuse(self, phase: Reuse, run: PhaseRun, there: Gathered) -> Gathered:
        for cycle in range(1, phase.cycles + 1):
            began = msgspec.structs.replace(run, cycle=cycle, started_at=time.time())
            done = self.reuser.round(phase, there)
            there = done.there
            startups = [*began.startups, *there.startups]
            ended = msgspec.structs.replace(
                _with(began, done.outcome), same_pod=done.same_pod, startups=startups
            )
            self._end(*self._measured(ended, phase, there) if there.ready else (ended, ""))
            if self.stopped() or not there.ready:
                break
            # What came of the asking for the sandbox belongs to the first round alone.
            run = msgspec.structs.replace(run, startups=[], missing=[])
        return there

    def _end(self, run: PhaseRun, words: str = "") -> None:
        ended = msgspec.structs.replace(run, finished_at=time.time())
        self.record.add(ended)
        self.record.event("phase-ended", phase=run.phase, repeat=run.repeat, detail=run.status)
        cycle = f", cycle {run.cycle}" if run.cycle is not None else ""
        step = f" x {run.step}" if run.step is not None else ""
        told = ": ".join(filter(None, [run.status, run.reason.rstrip(".")]))
        self.say(f"{run.phase}{step}{cycle}: {'; '.join(filter(None, [told, words]))}")


def _without_sandboxes(run: PhaseRun, there: Gathered, *, first: bool, stopped: bool) -> PhaseRun:
    if stopped:
        return _ended_as(run, "interrupted", "Interrupted before a sandbox was ready.")
    if first:
        why = there.missing[0].detail if there.missing else "nothing was asked for"
        return _ended_as(run, "failed", f"No sandbox became ready: {why}")
    return _ended_as(run, "skipped", "No sandbox became ready.")


def _with(run: PhaseRun, outcome: Outcome) -> PhaseRun:
    return msgspec.structs.replace(
        run,
        status=outcome.status,
        reason=outcome.reason,
        exit_code=outcome.exit_code,
        missing=[*run.missing, *outcome.missing],
    )


def _ended_as(run: PhaseRun, status: PhaseStatus, reason: str) -> PhaseRun:
    return msgspec.structs.replace(run, status=status, reason=reason)
