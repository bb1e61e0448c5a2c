"""Release and reuse, round by round: what came back, and whether it is what was released."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from memcollect.errors import CollectorError
from memcollect.profile.actions import Operator, Outcome, marked, run_command
from memcollect.profile.measuring.gathering import Gathered, Gatherer
from memcollect.profile.plan.model import Reuse
from memcollect.profile.record import Record
from memcollect.profile.sandboxes.source import Sandbox, Source
from memcollect.profile.tools import Tools, Workshop
from memcollect.sources.deadline import Stopped, pause
from memcollect.sources.plain import plain


@dataclass(frozen=True)
class Round:
    """What came of one round; its `startups` are those of pods that were not there before it."""

    there: Gathered
    outcome: Outcome
    same_pod: bool | None
    """None where release and reuse did not both work: what is there then tells nothing of either."""


@dataclass(frozen=True, kw_only=True)
class Reuser:
    """Releases sandboxes and takes them again, by the source's requests or by a person's hand."""

    source: Source
    workshop: Workshop
    tools: Tools
    record: Record
    gatherer: Gatherer
    operator: Operator
    stopped: Stopped

    def round(self, phase: Reuse, there: Gathered) -> Round:
        """Release every sandbox, take it again, and run the phase's command in it."""
        old = {each.key: each.uid for each in there.ready}
        outcome, again = (
            self._by_request(phase, there) if self.source.releases else self._by_hand(phase, there)
        )
        if outcome.status == "ok" and again.missing:
            outcome = self._not_back(again)
        worked = outcome.status == "ok" and bool(again.ready)
        same = all(old[each.key] == each.uid for each in again.ready) if worked else None
        if outcome.status == "ok" and phase.command:
            outcome = run_command(phase, again.ready, self.workshop, self.stopped)
        return Round(_of_new_pods(again, old), outcome, same)

    def _by_hand(self, phase: Reuse, there: Gathered) -> tuple[Outcome, Gathered]:
        outcome = marked(self.operator, phase.ask, phase.time_limit, self.stopped)
        return outcome, self._seen_again(there.ready)

    def _by_request(self, phase: Reuse, there: Gathered) -> tuple[Outcome, Gathered]:
        outcome = self._released(there.ready)
        if outcome.status == "ok" and not pause(phase.idle, self.stopped):
            outcome = Outcome("interrupted", "Interrupted while the sandbox was released.")
        if outcome.status != "ok":
            return outcome, self._seen_again(there.ready)
        return outcome, _joined([self.gatherer.again(each) for each in there.ready])

    def _not_back(self, again: Gathered) -> Outcome:
        if self.stopped():
            # Which of the two came first cannot be told; done again, it is a result either way.
            return Outcome("interrupted", "Interrupted before the sandbox was back.", missing=again.missing)
        return Outcome("failed", again.missing[0].detail, missing=again.missing)

    def _released(self, sandboxes: Sequence[Sandbox]) -> Outcome:
        for each in sandboxes:
            self.record.event("releasing", name=each.key)
            try:
                self.source.release(self.tools, each)
            except CollectorError as error:
                return Outcome("failed", plain(str(error)))
        return Outcome()

    def _seen_again(self, sandboxes: Sequence[Sandbox]) -> Gathered:
        return _joined([self.gatherer.see(each) for each in sandboxes])


def _joined(parts: Sequence[Gathered]) -> Gathered:
    return Gathered(
        asked=[each for part in parts for each in part.asked],
        ready=[each for part in parts for each in part.ready],
        nodes={uid: node for part in parts for uid, node in part.nodes.items()},
        startups=[each for part in parts for each in part.startups],
        missing=[each for part in parts for each in part.missing],
    )


def _of_new_pods(there: Gathered, old: Mapping[str, str]) -> Gathered:
    """Return it with the startups of pods that are new: one that was there has not started again."""
    before = {*old.values(), ""}
    new = [row for row in there.startups if row.pod_uid not in before]
    return Gathered(
        asked=there.asked, ready=there.ready, nodes=there.nodes, startups=new, missing=there.missing
    )
