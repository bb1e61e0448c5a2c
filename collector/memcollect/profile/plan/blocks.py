"""In which order a plan is run: blocks, each with sandboxes of its own, done whole or not at all. Pure.

A repeat's phases share their sandboxes, since a phase is about what the earlier ones left in them; so a
run that was broken off goes on with the first block that is not complete, from that block's beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from memcollect.documents.run import PhaseRun
from memcollect.profile.plan.model import Evidence, Phase, Plan, Reuse, Scale

_ENDED = frozenset({"failed", "timed-out", "skipped"})


@dataclass(frozen=True)
class Block:
    """Phases that are run one after the other in the same sandboxes."""

    repeat: int
    phases: tuple[Phase, ...]
    step: int | None = None
    """How many sandboxes; None: as many as the source gives for ordinary phases."""

    def holds(self, run: PhaseRun) -> bool:
        """Return whether that phase's run belongs to this block."""
        names = {phase.name for phase in self.phases}
        return run.repeat == self.repeat and run.step == self.step and run.phase in names

    def is_done(self, runs: Iterable[PhaseRun]) -> bool:
        """Return whether every phase has come to its end, whatever that was."""
        own = [run for run in runs if self.holds(run)]
        if any(run.status == "interrupted" for run in own):
            return False
        return all(_complete(phase, [run for run in own if run.phase == phase.name]) for phase in self.phases)


def blocks(plan: Plan) -> Iterator[Block]:
    """Yield the blocks of a plan, repeat by repeat; evidence is tried once, when all memory is measured."""
    for repeat in range(1, plan.repeats + 1):
        together: list[Phase] = []
        for phase in (each for each in plan.phases if not isinstance(each, Evidence)):
            if not isinstance(phase, Scale):
                together.append(phase)
                continue
            if together:
                yield Block(repeat, tuple(together))
                together = []
            yield from (Block(repeat, (phase,), step) for step in phase.steps)
        if together:
            yield Block(repeat, tuple(together))
    yield from (Block(1, (phase,)) for phase in plan.phases if isinstance(phase, Evidence))


def _complete(phase: Phase, runs: list[PhaseRun]) -> bool:
    if isinstance(phase, Reuse):
        # A cycle after which there was no sandbox, and so nothing to measure, is the last one.
        return len(runs) == phase.cycles or (
            bool(runs) and runs[-1].status in _ENDED and runs[-1].settling is None
        )
    return bool(runs)
