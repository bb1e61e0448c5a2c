"""A TOML table as a struct, with every mistake in it told and not only the first. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo

from memcollect.profile.shown import shown
from memcollect.profile.values import leaf
from memcollect.sources.plain import plain

Mistakes = list[str]
"""Whole sentences: where, what, and what to do."""


def read_table(kind: type, table: Any, where: str, mistakes: Mistakes, known: Iterable[str] = ()) -> Any:
    """Return `table` as a `kind`; None where it has mistakes, which are added. `known` keys are skipped."""
    if not isinstance(table, dict):
        mistakes.append(f"{_place(where)} must be a table of keys, not {_kind(table)}.")
        return None
    fields = {each.name: each for each in msgspec.structs.fields(kind)}
    before = len(mistakes)
    for key in table:
        if key not in fields and key not in known:
            mistakes.append(_unknown(where, key, [*fields, *known]))
    values = {}
    for name, each in fields.items():
        if name in table:
            values[name] = _value(each, table[name], f"{where}{name}", mistakes)
        elif each.required:
            mistakes.append(f"{_place(where)} has no {name}; add `{name} = {_example(each.type)}`.")
    return kind(**values) if len(mistakes) == before else None


def read_tagged(kinds: Iterable[type], key: str, table: Any, where: str, mistakes: Mistakes) -> Any:
    """Return `table` as the one of `kinds` whose tag its `key` names; None where it has mistakes."""
    by_tag = {kind.__struct_config__.tag: kind for kind in kinds}  # type: ignore[attr-defined]
    if not isinstance(table, dict):
        mistakes.append(f"{_place(where)} must be a table of keys, not {_kind(table)}.")
        return None
    choices = ", ".join(f'"{tag}"' for tag in by_tag)
    tag = table.get(key)
    if tag is None:
        mistakes.append(f"{_place(where)} has no {key}; add `{key} = …`, one of {choices}.")
        return None
    if not isinstance(tag, str) or tag not in by_tag:
        mistakes.append(f"{where}{key} is {shown(tag)}; it must be one of {choices}{_near(tag, by_tag)}.")
        return None
    return read_table(by_tag[tag], table, where, mistakes, (key,))


def _value(each: FieldInfo, value: Any, where: str, mistakes: Mistakes) -> Any:
    struct = _struct(each.type)
    if struct is not None:
        return read_table(struct, value, f"{where}.", mistakes)
    try:
        return msgspec.convert(value, each.type, dec_hook=leaf)
    except msgspec.ValidationError as error:
        mistakes.append(f"{where} is {shown(value)}: {_reason(error)}.")
    except (RecursionError, OverflowError):
        mistakes.append(f"{where} is nothing that can be read.")
    return None


def _struct(kind: Any) -> type | None:
    options = [kind, *get_args(kind)] if get_origin(kind) is not dict else []
    return next((o for o in options if isinstance(o, type) and issubclass(o, msgspec.Struct)), None)


def _reason(error: msgspec.ValidationError) -> str:
    said = str(error)
    for theirs, ours in (
        ("Expected `str`", "it must be text in quotes"),
        ("Expected `int`", "it must be a whole number"),
        ("Expected `array`", "it must be a list in brackets"),
        ("Expected `object`", "it must be a table of keys"),
    ):
        if said.startswith(theirs):
            entry = "each entry of " if "$[" in said else ""
            return f"{entry}{ours}"
    return "it " + plain(said) if said.startswith(("is ", "must ")) else plain(said).rstrip(".")


def _unknown(where: str, key: str, names: list[str]) -> str:
    return f"{_place(where)} has no key {plain(key, 60)!r}{_near(key, names) or '; remove it'}."


def _place(where: str) -> str:
    return where.rstrip(".: ") or "the plan"


def _near(word: Any, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(names), n=1) if isinstance(word, str) else []
    return f" (did you mean {close[0]!r}?)" if close else ""


def _kind(value: Any) -> str:
    return {str: "text", list: "a list", bool: "true or false"}.get(type(value), "a value")


def _example(kind: Any) -> str:
    if kind is str:
        return '"…"'
    if _struct(kind) is not None:
        return "{ … }"
    return "[…]" if get_origin(kind) is list else "…"
