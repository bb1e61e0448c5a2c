"""The text of a plan -> Plan, or every mistake in it, a sentence each, all at once. Pure."""

from __future__ import annotations

import tomllib
from typing import Any

import msgspec

from memcollect.errors import UsageError
from memcollect.profile.plan.checks import check_head, check_names, check_phase, check_table, driver_mistakes
from memcollect.profile.plan.model import (
    PHASES,
    SOURCES,
    DeerFlow,
    E2b,
    Evidence,
    OpenSandbox,
    Packaged,
    Phase,
    Plan,
    Reuse,
    Settle,
    Trying,
    can_release,
    driver_of,
)
from memcollect.profile.plan.tables import Mistakes, Table, read_table, read_tagged, spelt
from memcollect.sources.plain import plain

LARGEST_PLAN_BYTES = 1 << 20
MOST_MISTAKES = 50
"""As many are told; who made more reads the first ones first anyway."""


class PlanError(UsageError):
    """A plan with mistakes; `mistakes` has a sentence for each."""

    def __init__(self, name: str, mistakes: Mistakes) -> None:
        shown = mistakes[:MOST_MISTAKES]
        more = [f"… and {len(mistakes) - len(shown)} more."] if len(mistakes) > len(shown) else []
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        super().__init__(f"{plain(name)} has {count}:", details=[*shown, *more])
        self.mistakes = mistakes


def parse_plan(data: bytes, name: str = "the plan", source: bytes | None = None) -> Plan:
    """Return the plan that `data` is the TOML of; `source`, another TOML, replaces its [source].

    Where that brings a [settle], it holds for every phase: how long numbers take to come is the source's.
    Raises PlanError, which tells every mistake.
    """
    mistakes: Mistakes = []
    document = _toml(data, name, mistakes)
    replaced = None if source is None else _replacing(source, mistakes)
    plan = None
    if document is not None:
        document = spelt(document, [*_OWN, *_TABLES], "", mistakes)
        plan = _plan(document if replaced is None else document | replaced, mistakes)
    if plan is not None and not _within_reach(plan).phases:
        mistakes.append(f"every phase releases sandboxes, and the source cannot; {_ASK}.")
    if plan is not None:
        plan = _made_by_its_driver(plan)
        mistakes += driver_mistakes(plan)
    if plan is None or mistakes:
        raise PlanError(name, list(dict.fromkeys(mistakes)))
    plan = _within_reach(plan)
    return _settled_by_source(plan) if replaced and "settle" in replaced else plan


def _made_by_its_driver(plan: Plan) -> Plan:
    """Return a plan that only tries what a package makes with that as its source: it needs no cluster."""
    drivers = {driver_of(plan, each) if isinstance(each, Evidence) else None for each in plan.phases}
    kind = next((each for each in (DeerFlow, E2b, OpenSandbox) if drivers == {each.package}), None)
    if kind is None or isinstance(plan.source, Packaged):
        return plan
    return msgspec.structs.replace(plan, source=kind())


def _toml(data: bytes, name: str, mistakes: Mistakes) -> dict[str, Any] | None:
    if len(data) > LARGEST_PLAN_BYTES:
        mistakes.append(f"{plain(name)} is larger than 1 MiB; that is no plan.")
        return None
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        mistakes.append(f"{plain(name)} is not UTF-8 at byte {error.start}; save it as UTF-8.")
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        mistakes.append(f"{plain(name)} is not TOML: {plain(str(error)).rstrip('.')}; mend that first.")
    return None


def _replacing(source: bytes, mistakes: Mistakes) -> dict[str, Any]:
    """Return what a source's file replaces; its [source] is None where it has none that could be read."""
    document = _toml(source, "the source's file", mistakes)
    if document is None:
        return {"source": None}
    found = spelt(document, ("source", "backend", "settle", "evidence"), "the source's file", mistakes)
    if "source" not in found:
        mistakes.append(f"the source's file has no [source] table; {_ADD_SOURCE}.")
    return {"source": None, **found}


def _within_reach(plan: Plan) -> Plan:
    """Return the plan without the phases that its source cannot do, which it names instead."""
    out = tuple(
        each.name
        for each in plan.phases
        if isinstance(each, Reuse) and not each.ask and not can_release(plan.source)
    )
    phases = [each for each in plan.phases if each.name not in out]
    return msgspec.structs.replace(plan, phases=phases, left_out=out)


def _settled_by_source(plan: Plan) -> Plan:
    phases: list[Phase] = [msgspec.structs.replace(phase, settle=None) for phase in plan.phases]
    return msgspec.structs.replace(plan, phases=phases, settle_is_the_sources=True)


def _plan(document: dict[str, Any], mistakes: Mistakes) -> Plan | None:
    """Read and check it from the top to the bottom, which is the order that mistakes are told in."""
    own = {key: value for key, value in document.items() if key in _OWN}
    head = read_table(_Shape, own, "", mistakes)
    check_head(head, mistakes)
    settle = read_table(Settle, document.get("settle", {}), "settle.", mistakes)
    check_table(settle, mistakes)
    source = _source(document, mistakes)
    check_table(source, mistakes)
    evidence = read_table(Trying, document.get("evidence", {}), "evidence.", mistakes)
    check_table(evidence, mistakes)
    phases = _phases(document.get("phases"), source, mistakes)
    if mistakes:
        return None
    values = {name: head.values[name] for name in _OWN}
    made: list[Phase] = [phase.made() for phase in phases]
    return Plan(settle=settle.made(), source=source.made(), evidence=evidence.made(), phases=made, **values)


def _source(document: dict[str, Any], mistakes: Mistakes) -> Table:
    if "source" not in document:
        mistakes.append(f"the plan has no [source]; {_ADD_SOURCE}.")
    elif document["source"] is not None:
        return read_tagged(SOURCES, "kind", document["source"], "source.", mistakes)
    return Table(where="source.", kinds=SOURCES)


def _phases(tables: Any, source: Table, mistakes: Mistakes) -> list[Table]:
    if isinstance(tables, dict):
        mistakes.append("phases is a single table; write [[phases]], in double brackets, above each phase.")
        tables = [tables]
    if not isinstance(tables, list) or not tables:
        mistakes.append("the plan has no phases; add at least one [[phases]] table.")
        return []
    read = []
    for number, table in enumerate(tables, 1):
        called = table.get("name") if isinstance(table, dict) else None
        where = f"phase {number}" + (f" ({plain(called, 40)})" if isinstance(called, str) else "")
        phase = read_tagged(PHASES, "do", table, f"{where}: ", mistakes)
        check_phase(phase, source, mistakes)
        read.append(phase)
    check_names(read, mistakes)
    return read


_NOT_WRITTEN = ("settle_is_the_sources", "left_out")
_TABLES = ("settle", "source", "evidence", "phases")
_ASK = 'use a provisioner that can, or add ask = "Release the sandbox and take it again"'
_ADD_SOURCE = (
    'add one with kind = "selector", "template", "provisioner", "deerflow", "e2b", "opensandbox" or '
    '"agent-sandbox"'
)
_SHAPE_FIELDS = [each for each in msgspec.structs.fields(Plan) if each.name not in (*_TABLES, *_NOT_WRITTEN)]
_OWN = [each.name for each in _SHAPE_FIELDS]
_Shape = msgspec.defstruct(
    "_Shape",
    [
        (each.name, each.type, each.default) if not each.required else (each.name, each.type)
        for each in _SHAPE_FIELDS
    ],
    kw_only=True,
)
"""The plan's own keys, without its tables."""
