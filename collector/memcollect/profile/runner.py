"""The run: block by block, each phase a result whatever comes of it, everything deleted at the end."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from memcollect.errors import CollectorError
from memcollect.model import Missing
from memcollect.profile.actions import Operator, Outcome, Stopped, act, marked, pause, run_command
from memcollect.profile.blocks import Block, blocks
from memcollect.profile.cleanup import Cleaner, leftovers
from memcollect.profile.gathering import Gathered, Gatherer
from memcollect.profile.measuring import Measurer
from memcollect.profile.node_evidence import Nodes
from memcollect.profile.plan import Nothing, Phase, Plan, Reuse
from memcollect.profile.record import Record
from memcollect.profile.sandboxes import Sandbox, Source
from memcollect.profile.tools import Workshop
from memcollect.run_model import NodeEvidence, PhaseRun, PhaseStatus
from memcollect.sources.plain import plain

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
    stopped: Stopped
    say: Say
    missing: list[Missing] = field(default_factory=list)

    def run(self) -> bool:
        """Do every block that is not done yet; return whether all are. What was made is deleted even so."""
        if not any(each.moment == "before" for each in self.record.manifest.nodes):
            self.record.add_nodes(self.measurer.look([]))
        for block in blocks(self.plan):
            if block.is_done(self.record.manifest.phases):
                continue
            self.record.reopen_block(block)
            self._block(block)
            if self.stopped():
                self.record.event("interrupted")
                return False
        self.record.add_nodes(leftovers(self.nodes, self._node_names(), self._deleted(), self.missing))
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
        asked: Sequence[Sandbox] = [self.source.place(key) for key in keys]
        deleted: list[NodeEvidence] = []
        try:
            there = self.gatherer.gather(keys)
            asked = there.asked
            self._phases(block, there, before)
        finally:
            deleted = self._delete(asked)
            self.record.close_block(block, deleted)

    def _keys(self, count: int) -> list[str]:
        batch = f"mc-{self.record.manifest.run_id}-{secrets.token_hex(2)}"
        return [f"{batch}-{number}" for number in range(1, count + 1)]

    def _delete(self, asked: Sequence[Sandbox]) -> list[NodeEvidence]:
        if not self.source.makes:
            return []
        self.missing += self.cleaner.delete(asked)
        uids = [each.uid for each in asked if each.uid]
        return leftovers(self.nodes, self._node_names(), uids, self.missing)

    def _deleted(self) -> list[str]:
        """Return the UIDs of the pods that the run has made, the latest, as many as an agent can be asked."""
        rows = (row for run in self.record.manifest.phases for row in run.startups)
        return [row.pod_uid for row in rows if row.pod_uid][-MOST_UIDS:]

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
        if not self.source.releases and not phase.ask:
            why = "The source has no release, and the phase asks nobody for one."
            self._end(_ended_as(run, "skipped", why))
            return there
        for cycle in range(1, phase.cycles + 1):
            began = msgspec.structs.replace(run, cycle=cycle, started_at=time.time())
            there, outcome, same = self._cycle(phase, there)
            ended = msgspec.structs.replace(_with(began, outcome), same_pod=same)
            self._end(*self._measured(ended, phase, there) if there.ready else (ended, ""))
            if self.stopped() or not there.ready:
                break
        return there

    def _cycle(self, phase: Reuse, there: Gathered) -> tuple[Gathered, Outcome, bool | None]:
        """Release every sandbox, take it again, and run the phase's command in it."""
        old = {each.key: each.uid for each in there.ready}
        if not self.source.releases:
            outcome = marked(self.operator, phase.ask, phase.time_limit, self.stopped)
            again = self._seen_again(there.ready)
        else:
            outcome = self._released(there.ready)
            if outcome.status == "ok" and not pause(phase.idle, self.stopped):
                outcome = Outcome("interrupted", "Ctrl-C came while the sandbox was released.")
            again = self._seen_again(there.ready) if outcome.status != "ok" else self._taken(there.ready)
        if outcome.status == "ok" and again.missing:
            outcome = Outcome("failed", again.missing[0].detail, missing=again.missing)
        same = all(old[each.key] == each.uid for each in again.ready) if again.ready else None
        if outcome.status == "ok" and phase.command:
            outcome = run_command(phase, again.ready, self.workshop, self.stopped)
        return again, outcome, same

    def _released(self, sandboxes: Sequence[Sandbox]) -> Outcome:
        for each in sandboxes:
            self.record.event("releasing", name=each.key)
            try:
                self.source.release(self.measurer.tools, each)
            except CollectorError as error:
                return Outcome("failed", plain(str(error)))
        return Outcome()

    def _taken(self, sandboxes: Sequence[Sandbox]) -> Gathered:
        return _joined([self.gatherer.again(each) for each in sandboxes])

    def _seen_again(self, sandboxes: Sequence[Sandbox]) -> Gathered:
        return _joined([self.gatherer.see(each) for each in sandboxes])

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
        return _ended_as(run, "interrupted", "Ctrl-C came before a sandbox was ready.")
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


def _joined(parts: Sequence[Gathered]) -> Gathered:
    return Gathered(
        asked=[each for part in parts for each in part.asked],
        ready=[each for part in parts for each in part.ready],
        nodes={uid: node for part in parts for uid, node in part.nodes.items()},
        missing=[each for part in parts for each in part.missing],
    )
