"""A plan in words, before anything is done. Pure."""

from __future__ import annotations

from memcollect.evidence.catalogue import rows_named
from memcollect.evidence.telling import counted
from memcollect.profile.plan.model import (
    Evidence,
    Exec,
    Mark,
    Phase,
    Plan,
    Reuse,
    Scale,
    Settle,
    Wait,
    is_seen,
)
from memcollect.profile.plan.workload import workload_of
from memcollect.sources.plain import plain
from memcollect.units import human_bytes


def description(plan: Plan) -> str:
    """Return what the plan would do, a line for each phase with the beginning of its workload's hash."""
    kind = type(plan.source).__struct_config__.tag
    version = f" {plain(plan.version, 40)}" if plan.version else ""
    place = f"of namespace {plan.source.namespace} " if is_seen(plan.source) else ""
    where = f"sandboxes {place}by {kind}"
    lines = [
        f"{plan.name}{version}: {counted(plan.repeats, 'repeat')}, {where}",
        *(_line(phase, plan) for phase in plan.phases),
    ]
    if is_seen(plan.source):
        lines.append(f"Settled: {_at_rest(plan.settle)}{_own_rests(plan)}.")
    return "\n".join(lines)


def _at_rest(rule: Settle) -> str:
    return (
        f"a change of less than {human_bytes(rule.within)} in {rule.over:g} s, "
        f"waited for at most {rule.at_most:g} s"
    )


def _own_rests(plan: Plan) -> str:
    """Return by which other rules phases come to rest; "" where none has one of its own."""
    by_rule: dict[str, list[str]] = {}
    for phase in plan.phases:
        if phase.settle is not None and phase.settle != plan.settle:
            by_rule.setdefault(_at_rest(phase.settle), []).append(phase.name)
    return "".join(f"; {' and '.join(names)}: {rule}" for rule, names in by_rule.items())


def left_out(plan: Plan) -> str:
    """Return which phases are left out, and what to do; "" where none is."""
    if not plan.left_out:
        return ""
    names = f"{' and '.join(plan.left_out)} {'is' if len(plan.left_out) == 1 else 'are'}"
    return (
        f"{names} left out, since the source has no release; "
        'add ask = "Release the sandbox and take it again" to do it by hand.'
    )


def _line(phase: Phase, plan: Plan) -> str:
    workload = workload_of(phase, plan)
    digest = f" [{workload.sha256[:12]}]" if workload else ""
    return f"  {phase.name}: {_what(phase)}{digest}"


def _what(phase: Phase) -> str:
    if isinstance(phase, Evidence):
        rows = rows_named(phase.rows)
        return f"{sum(len(row.checks) for row in rows)} checks of {', '.join(row.name for row in rows)}"
    if isinstance(phase, Mark):
        return f"ask: {plain(phase.ask, 60)}"
    return _work(phase)


def _work(phase: Phase) -> str:
    if isinstance(phase, Exec):
        return f"exec {plain(' '.join(phase.command), 60)}"
    if isinstance(phase, Scale):
        one = phase.steps == [1]
        return f"{', '.join(map(str, phase.steps))} fresh sandbox{'' if one else 'es'} at once"
    if isinstance(phase, Reuse):
        return f"release and reuse, {counted(phase.cycles, 'cycle')}"
    if isinstance(phase, Wait):
        return f"wait {phase.time:g} s"
    return str(type(phase).__struct_config__.tag)
