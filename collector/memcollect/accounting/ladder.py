"""The ladder: from what `ps` adds up to what `kubectl top` shows, one explained step at a time. Pure.

    rss -> pss -> [pod_current ->] current -> working_set -> [working_set_at_sample ->] top

Every rung is a number that a person can see somewhere. Every step is a list of terms which, with the
residual, sum to the gap between its two rungs. The rung `pod_current` stands in a pod's ladder only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from memcollect.accounting.facts import Facts
from memcollect.accounting.rules import Bound, TermRule, charge_bound, evaluate, residual_of
from memcollect.accounting.steps import dead, drift, processes, reclaimable
from memcollect.documents.snapshot import Ladder, Rung, Step, Top

BoundOf = Callable[[Facts], Bound]


@dataclass(frozen=True)
class StepRules:
    """The rules that own one gap, and the bound of what they leave."""

    from_rung: str
    to_rung: str
    rules: Sequence[TermRule]
    bound: BoundOf


PROCESS_STEP = StepRules("rss", "pss", processes.DOUBLE_COUNTING, processes.no_bound)
CHARGE_STEP = StepRules("pss", "current", processes.CHARGING, charge_bound)
POD_CHARGE_STEP = StepRules("pss", "pod_current", processes.CHARGING, charge_bound)
POD_STEP = StepRules("pod_current", "current", dead.RULES, dead.bound)
INACTIVE_STEP = StepRules("current", "working_set", reclaimable.RULES, reclaimable.bound)
DRIFT_STEP = StepRules("working_set", "working_set_at_sample", drift.DRIFT, drift.no_bound)
TOP_STEP = StepRules("working_set_at_sample", "top", drift.DISPLAY, drift.sample_bound)
UNALIGNED_TOP_STEP = StepRules("working_set", "top", drift.UNALIGNED, drift.sample_bound)

SOURCES = {
    "rss": "Σ RSS of the processes, as ps adds up",
    "pss": "Σ PSS of the processes (smaps_rollup)",
    "current": "memory.current",
    "pod_current": "memory.current of the pod's cgroup",
    "working_set": "memory.current − inactive_file, now",
    "working_set_at_sample": "the same at the metrics sample's time (the agent's history)",
    "top": "kubectl top",
}


def climb(rungs: Sequence[Rung], steps: Sequence[tuple[StepRules, Facts]]) -> Ladder:
    """Return the ladder over `rungs`, with a step wherever both its rungs are known.

    A rung without a number stays in the ladder with its reason, and its steps are left out.
    """
    known = {rung.rung: rung.bytes for rung in rungs if rung.bytes is not None}
    return Ladder(
        rungs=list(rungs),
        steps=[
            take_step(rules, facts, known[rules.to_rung] - known[rules.from_rung])
            for rules, facts in steps
            if rules.from_rung in known and rules.to_rung in known
        ],
    )


def take_step(step: StepRules, facts: Facts, gap_bytes: int) -> Step:
    """Return one step, explained by its rules."""
    terms, undecided = evaluate(step.rules, facts)
    residual = residual_of(gap_bytes, terms, facts[step.bound])
    return Step(
        from_rung=step.from_rung,
        to_rung=step.to_rung,
        gap_bytes=gap_bytes,
        terms=terms,
        residual=residual,
        undecided=undecided,
        closed=residual.within_bound and not undecided,
    )


def rung(name: str, facts: Facts, fact: str, source: str = "") -> Rung:
    """Return the rung whose number is the fact `fact`, or its reason for having none."""
    source = source or SOURCES[name]
    if fact in facts:
        return Rung(rung=name, bytes=facts[fact], source=source)
    return Rung(rung=name, bytes=None, source=source, reason=facts.reason(fact))


def process_rungs(facts: Facts) -> list[Rung]:
    """Return the two sums over processes; of those that could not be read RSS alone is known."""
    unread = facts.get("procs.unread", 0)
    note = f", without {unread} that could not be read" if unread else ""
    of_all = note if "procs.unread_rss" not in facts else ""
    return [
        rung("rss", facts, "seen_rss", SOURCES["rss"] + of_all),
        rung("pss", facts, "procs.pss", SOURCES["pss"] + note),
    ]


def top_rungs(facts: Facts, top: Top | None) -> list[Rung]:
    """Return the rungs from the working set upwards; `top` is None where nobody was asked."""
    rungs = [rung("working_set", facts, "working_set")]
    if top is None:
        return rungs
    if "working_set_at_sample" in facts:
        rungs.append(rung("working_set_at_sample", facts, "working_set_at_sample"))
    source = SOURCES["top"] if top.source == "metrics.k8s.io" else f"kubectl top ({top.source})"
    rungs.append(rung("top", facts, "top", source))
    return rungs


def top_steps(facts: Facts) -> list[tuple[StepRules, Facts]]:
    """Return the steps between those rungs."""
    if "working_set_at_sample" in facts:
        return [(DRIFT_STEP, facts), (TOP_STEP, facts)]
    return [(UNALIGNED_TOP_STEP, facts)]


def container_ladder(facts: Facts, top: Top | None, *, steps: bool = True) -> Ladder:
    """Return one container's ladder; `facts` are the container's (memcollect.accounting.scopes).

    Without `steps` its rungs alone.
    """
    rungs = [*process_rungs(facts), rung("current", facts, "current")]
    rungs += top_rungs(facts, top)
    if not steps:
        return Ladder(rungs=rungs)
    below = [(PROCESS_STEP, facts), (CHARGE_STEP, facts), (INACTIVE_STEP, facts)]
    return climb(rungs, below + top_steps(facts))


def pod_ladder(facts: Facts, containers: Facts, top: Top | None, *, steps: bool = True) -> Ladder:
    """Return a pod's ladder: its own cgroup's facts up to `pod_current`, its containers' sums above.

    Without `steps` its rungs alone.
    """
    rungs = [
        *process_rungs(facts),
        rung("pod_current", facts, "current"),
        rung("current", containers, "current", "Σ memory.current of the app containers"),
    ]
    rungs += top_rungs(containers, top)
    if not steps:
        return Ladder(rungs=rungs)
    below = [
        (PROCESS_STEP, facts),
        (POD_CHARGE_STEP, facts),
        (POD_STEP, facts),
        (INACTIVE_STEP, containers),
    ]
    return climb(rungs, below + top_steps(containers))
