"""The text of a plan -> Plan, or every mistake in it, a sentence each, all at once. Pure."""

from __future__ import annotations

import tomllib
from collections import Counter
from typing import Any

import msgspec

from memcollect.errors import UsageError
from memcollect.profile.checks import check_plan
from memcollect.profile.plan import PHASES, SOURCES, Phase, Plan, Settle, Source
from memcollect.profile.tables import Mistakes, read_table, read_tagged
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
    settles_everywhere = False
    document = _toml(data, name, mistakes)
    if source is not None:
        replaced = _toml(source, "the source's file", mistakes)
        if document is not None and replaced is not None:
            document |= _replacing(replaced, mistakes)
            settles_everywhere = "settle" in replaced
    plan = None if document is None else _plan(document, mistakes)
    if plan is None or mistakes:
        raise PlanError(name, list(dict.fromkeys(mistakes)))
    if settles_everywhere:
        phases: list[Phase] = [msgspec.structs.replace(phase, settle=None) for phase in plan.phases]
        plan = msgspec.structs.replace(plan, phases=phases)
    return plan


def _toml(data: bytes, name: str, mistakes: Mistakes) -> dict[str, Any] | None:
    if len(data) > LARGEST_PLAN_BYTES:
        mistakes.append(f"{plain(name)} is larger than 1 MiB; that is no plan.")
        return None
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        mistakes.append(f"It is not UTF-8 at byte {error.start}; save it as UTF-8.")
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        mistakes.append(f"{plain(name)} is not TOML: {plain(str(error)).rstrip('.')}.")
    return None


def _replacing(replaced: dict[str, Any], mistakes: Mistakes) -> dict[str, Any]:
    known = ("source", "backend", "settle")
    mistakes += [
        f"The source's file has {plain(key, 60)!r}; it may hold [source], [settle] and backend."
        for key in sorted(set(replaced) - set(known))
    ]
    if "source" not in replaced:
        mistakes.append("The source's file has no [source] table; add one.")
    return {key: value for key, value in replaced.items() if key in known}


def _plan(document: dict[str, Any], mistakes: Mistakes) -> Plan | None:
    head: Any = read_table(_Shape, document, "", mistakes, ("settle", "source", "phases"))
    settle: Settle | None = Settle()
    if "settle" in document:
        settle = read_table(Settle, document["settle"], "settle.", mistakes)
    source: Source | None = None
    if "source" not in document:
        mistakes.append(
            'The plan has no [source]; add one with kind = "selector", "template" or "provisioner".'
        )
    else:
        source = read_tagged(SOURCES, "kind", document["source"], "source.", mistakes)
    phases = _phases(document.get("phases"), mistakes)
    check_plan(head, settle, source, phases, mistakes)
    if head is None or settle is None or source is None or mistakes:
        return None
    own = {name: getattr(head, name) for name in _Shape.__struct_fields__}
    return Plan(settle=settle, source=source, phases=[p for _, p in phases], **own)


def _phases(tables: Any, mistakes: Mistakes) -> list[tuple[str, Phase]]:
    """Return each phase that could be read, with what mistakes in it are to call it."""
    if not isinstance(tables, list) or not tables:
        mistakes.append("The plan has no phases; add at least one [[phases]] table.")
        return []
    names = [table.get("name") for table in tables if isinstance(table, dict)]
    for name, count in Counter(name for name in names if isinstance(name, str)).items():
        if count > 1:
            mistakes.append(f"{count} phases are called {plain(name, 60)!r}; give each a name of its own.")
    read: list[tuple[str, Phase]] = []
    for number, table in enumerate(tables, 1):
        called = table.get("name") if isinstance(table, dict) else None
        where = f"phase {number}" + (f" ({plain(called, 40)})" if isinstance(called, str) else "")
        phase = read_tagged(PHASES, "do", table, f"{where}: ", mistakes)
        read += [(where, phase)] if phase is not None else []
    return read


_Shape = msgspec.defstruct(
    "_Shape",
    [
        (each.name, each.type, each.default) if not each.required else (each.name, each.type)
        for each in msgspec.structs.fields(Plan)
        if each.name not in ("settle", "source", "phases")
    ],
    kw_only=True,
)
"""The plan's own keys, without its tables."""
