"""Structs of a plan as the tables that they would have been read from."""

from typing import Any

import msgspec

from memcollect.profile.plan.checks import check_head, check_phase, check_table
from memcollect.profile.plan.model import Phase, Plan, Source
from memcollect.profile.plan.tables import Mistakes, Table


def table_of(struct: msgspec.Struct, where: str) -> Table:
    """Return the table that `struct` is read from without a mistake."""
    values: dict[str, Any] = {}
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        values[name] = table_of(value, f"{where}{name}.") if isinstance(value, msgspec.Struct) else value
        if isinstance(value, list | dict):
            values[f"{name}[]"] = list(value.items() if isinstance(value, dict) else enumerate(value, 1))
    return Table(where=where, kinds=[type(struct)], values=values)


def head_mistakes(plan: Plan) -> Mistakes:
    """Return what the checks say of a plan's own keys and its [settle]."""
    mistakes: Mistakes = []
    head = table_of(plan, "")
    check_head(head, mistakes)
    check_table(head.values["settle"], mistakes)
    return mistakes


def source_mistakes(source: Source) -> Mistakes:
    """Return what the checks say of a source."""
    mistakes: Mistakes = []
    check_table(table_of(source, "source."), mistakes)
    return mistakes


def phase_mistakes(phase: Phase, source: Source) -> Mistakes:
    """Return what the checks say of the first phase, where sandboxes come from `source`."""
    mistakes: Mistakes = []
    check_phase(table_of(phase, "phase 1: "), table_of(source, "source."), mistakes)
    return mistakes
