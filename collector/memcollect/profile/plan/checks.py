"""What a plan may not say although its values can be read: a table of rules for each of its tables. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from memcollect.profile.plan.checks_phases import PHASE_RULES
from memcollect.profile.plan.checks_sources import NO_COMMAND, SOURCE_RULES
from memcollect.profile.plan.model import (
    PLAN_SCHEMA,
    PROGRAMS,
    Evidence,
    Plan,
    Scale,
    Seconds,
    Selected,
    Settle,
    driver_of,
    is_seen,
    package_of,
)
from memcollect.profile.plan.rules import NAME, NAME_RULE, Rule, between, fitting, hold_to, positive
from memcollect.profile.plan.shown import shown
from memcollect.profile.plan.tables import Mistakes, Table
from memcollect.sources.plain import plain

_SHORTEST_INTERVAL = 0.5
"""Between two points of an agent's history: none is asked for more often."""


def _schema(where: str, schema: int) -> Iterator[str]:
    if schema != PLAN_SCHEMA:
        yield f"{where}schema is {shown(schema)}; write {PLAN_SCHEMA}, which is what this memcollect reads."


def _poll(where: str, poll: Seconds) -> Iterator[str]:
    if not 0.05 <= poll <= 10:
        yield f'{where}poll is {poll:g}s; it must be from "50ms" to "10s".'


def _at_most(where: str, over: Seconds, at_most: Seconds) -> Iterator[str]:
    if at_most < over:
        why = f"is shorter than {where}over ({over:g}s)"
    elif at_most < over + _SHORTEST_INTERVAL:
        why = f"leaves no time beside {where}over ({over:g}s) for the agents' interval (2s unless set)"
    else:
        return
    yield f"{where}at_most ({at_most:g}s) {why}, so it could never settle; make it longer."


HEAD_RULES = (
    Rule(("schema",), _schema),
    fitting("name", NAME.fullmatch, NAME_RULE),
    fitting("backend", lambda text: not text or NAME.fullmatch(text), NAME_RULE),
    between("repeats", 1, 1000, " (3 or more to compare)"),
    Rule(("poll",), _poll),
)
SETTLE_RULES = (
    positive("within", 'nothing changes by less than that, write for example "1Mi"'),
    positive("over", 'write over how long it must be quiet, for example "20s"'),
    Rule(("over", "at_most"), _at_most),
)
_RULES: Mapping[type, Sequence[Rule]] = {Settle: SETTLE_RULES, **SOURCE_RULES, **PHASE_RULES}
ALL_RULES = frozenset([*HEAD_RULES, *(rule for rules in _RULES.values() for rule in rules)])


def check_head(head: Table, mistakes: Mistakes) -> None:
    """Add a sentence for each of the plan's own keys that makes no sense."""
    hold_to(head, HEAD_RULES, mistakes)


def check_table(table: Table, mistakes: Mistakes) -> None:
    """Add a sentence for each thing in a table, and in those within it, that makes no sense.

    Where it may be of several kinds, only what is forbidden in all of them is.
    """
    first, *others = (_RULES.get(kind, ()) for kind in table.kinds)
    hold_to(table, [rule for rule in first if all(rule in rules for rules in others)], mistakes)
    for value in table.values.values():
        if isinstance(value, Table):
            check_table(value, mistakes)


def check_phase(phase: Table, source: Table, mistakes: Mistakes) -> None:
    """Do the same for a phase, and say whether the source cannot do what it needs."""
    check_table(phase, mistakes)
    if list(phase.kinds) == [Scale] and list(source.kinds) == [Selected]:
        mistakes.append(
            f'{phase.where}do = "scale" makes sandboxes, and source.kind = "selector" cannot; '
            'use "template" or "provisioner", or remove the phase.'
        )


_FROM: Mapping[str, str] = {
    "opensandbox": 'the image that the sandboxes are made from, for example "python:3.13"',
    "agent-sandbox": "the SandboxWarmPool that the sandboxes are claimed from",
}


def driver_mistakes(plan: Plan) -> Iterator[str]:
    """Yield a sentence for each way to sandboxes that the source's package, or a driver, does not have."""
    package = package_of(plan.source)
    drivers = {driver_of(plan, phase) for phase in plan.phases if isinstance(phase, Evidence)}
    if "deerflow" in drivers | {package} and not plan.evidence.command:
        yield f"evidence.{NO_COMMAND}"
    if package is None:
        return
    for phase in plan.phases:
        driver = driver_of(plan, phase) if isinstance(phase, Evidence) else package
        if driver in PROGRAMS - {package} or (driver != package and not is_seen(plan.source)):
            yield (
                f'{plain(phase.name, 40)} is to be tried by driver = "{driver}", and sandboxes of '
                f'source.kind = "{package}" are spoken to by its own package; leave the driver out.'
            )
    if package in _FROM and not plan.evidence.template:
        yield f"evidence.template is missing; write {_FROM[package]}."


def check_names(phases: Sequence[Table], mistakes: Mistakes) -> None:
    """Add a sentence for each name that several phases bear."""
    names = [phase.values["name"] for phase in phases if "name" in phase.values]
    for name, count in Counter(names).items():
        if count > 1:
            mistakes.append(f"{count} phases are called {plain(name, 60)!r}; give each a name of its own.")
