"""A TOML table as far as it can be read, with every mistake in it told and not only the first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args, get_origin

from msgspec import NODEFAULT
from msgspec.structs import FieldInfo, fields

from memcollect.profile.plan.shown import nearest, shown
from memcollect.profile.plan.values import example, leaf, struct_of
from memcollect.sources.plain import plain

Mistakes = list[str]
"""Whole sentences: where, what, and what to do."""
_NO_TABLE = "it must be a table of keys"
_UNREAD = object()


@dataclass(frozen=True, kw_only=True)
class Table:
    """What could be read of a table, for checks that need not know whether the rest of it could."""

    where: str
    """What sentences about its keys begin with: "settle.", "phase 1 (a): "."""
    kinds: Sequence[type]
    """The struct it is; more of them where its tag does not tell which one."""
    values: dict[str, Any] = field(default_factory=dict)
    """By key, with the defaults of those not written. A key that could not be read is not there.

    Of a list or a table of entries "KEY[]" has (what the entry is called, its value) for each that could.
    """

    def find(self, path: str) -> Any:
        """Return the value at `path`, "KEY" or "KEY.KEY". Raises KeyError where it could not be read."""
        key, _, rest = path.partition(".")
        value = self.values[key]
        if not rest:
            return value
        if not isinstance(value, Table):
            raise KeyError(path)
        return value.find(rest)

    def made(self) -> Any:
        """Return the struct; only of a table without mistakes."""
        (kind,) = self.kinds
        values = {each.name: self.values[each.name] for each in fields(kind)}
        return kind(**{name: v.made() if isinstance(v, Table) else v for name, v in values.items()})


def place(where: str) -> str:
    """Return what a sentence calls the table itself."""
    return where.rstrip(".: ") or "the plan"


def spelt(table: Mapping[str, Any], names: Iterable[str], where: str, mistakes: Mistakes) -> dict[str, Any]:
    """Return what `table` has of `names`; what a misspelt key has is that of the name it is like."""
    known = list(names)
    found = {key: value for key, value in table.items() if key in known}
    for key, value in table.items():
        if key not in known:
            meant = nearest(key, [name for name in known if name not in found])
            hint = f" (did you mean {meant!r}?)" if meant else f"; remove it (there are {', '.join(known)})"
            mistakes.append(f"{place(where)} has no key {plain(key, 60)!r}{hint}.")
            if meant:
                found[meant] = value
    return found


def read_table(kind: type, table: Any, where: str, mistakes: Mistakes) -> Table:
    """Return what could be read of `table` as a `kind`; what could not is a sentence each in `mistakes`."""
    read = _keys_of(table, where, mistakes)
    if read is None:
        return Table(where=where, kinds=[kind])
    found = spelt(read, [each.name for each in fields(kind)], where, mistakes)
    return Table(where=where, kinds=[kind], values=_read(fields(kind), found, where, mistakes))


def read_tagged(kinds: Sequence[type], key: str, table: Any, where: str, mistakes: Mistakes) -> Table:
    """Read `table` as the one of `kinds` whose tag its `key` names.

    Where it names none that is like one, what all of them have in common is read.
    """
    read = _keys_of(table, where, mistakes)
    if read is None:
        return Table(where=where, kinds=kinds)
    # A misspelt key may be that of any kind until the tag is known, and so may the key of the tag itself.
    tag_told: Mistakes = []
    tag = read.get(key, spelt(read, _keys(kinds, key), where, tag_told).get(key))
    meant = _meant(kinds, key, tag, where, mistakes)
    found = spelt(read, _keys(meant, key), where, mistakes)
    common = [each for each in fields(meant[0]) if all(_has(kind, each) for kind in meant)]
    return Table(where=where, kinds=meant, values=_read(common, found, where, mistakes))


def _meant(kinds: Sequence[type], key: str, tag: Any, where: str, mistakes: Mistakes) -> Sequence[type]:
    """Return the kind that `tag` names, or is like; all of them where it is like none."""
    by_tag = {str(kind.__struct_config__.tag): kind for kind in kinds}  # type: ignore[attr-defined]
    if isinstance(tag, str) and tag in by_tag:
        return [by_tag[tag]]
    choices = ", ".join(by_tag)
    if tag is None:
        mistakes.append(f'{place(where)} has no {key}; add `{key} = "…"`, one of {choices}.')
        return kinds
    like = nearest(tag, by_tag)
    hint = f" (did you mean {like!r}?)" if like else ""
    mistakes.append(f"{where}{key} is {shown(tag)}; it must be one of {choices}{hint}.")
    return [by_tag[like]] if like else kinds


def _keys(kinds: Iterable[type], key: str) -> list[str]:
    return list(dict.fromkeys([key, *(each.name for kind in kinds for each in fields(kind))]))


def _has(kind: type, wanted: FieldInfo) -> bool:
    return any(each.name == wanted.name and each.type == wanted.type for each in fields(kind))


def _keys_of(value: Any, where: str, mistakes: Mistakes) -> dict[str, Any] | None:
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        mistakes.append(f"{place(where)} is a list of tables; write it once, in single brackets.")
        return value[0]
    mistakes.append(f"{place(where)} is {shown(value)}; {_NO_TABLE}.")
    return None


def _read(
    wanted: Iterable[FieldInfo], table: Mapping[str, Any], where: str, mistakes: Mistakes
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for each in wanted:
        if each.name in table:
            found = _value(each.type, table[each.name], f"{where}{each.name}", mistakes)
        elif each.required:
            found = {}
            mistakes.append(f"{place(where)} has no {each.name}; add `{each.name} = {example(each.type)}`.")
        else:
            found = _split(each.default if each.default is not NODEFAULT else each.default_factory())
        values |= {f"{each.name}{suffix}": value for suffix, value in found.items()}
    return values


def _value(kind: Any, value: Any, where: str, mistakes: Mistakes) -> dict[str, Any]:
    """Return what could be read: "" -> all of it, "[]" -> its entries."""
    struct = struct_of(kind)
    if struct is not None:
        return {"": read_table(struct, value, f"{where}.", mistakes)}
    container = get_origin(kind)
    if container in (list, dict):
        return _entries(container, get_args(kind)[-1], value, where, mistakes)
    read = _leaf(kind, value, where, mistakes)
    return {} if read is _UNREAD else {"": read}


def _entries(container: Any, kind: Any, value: Any, where: str, mistakes: Mistakes) -> dict[str, Any]:
    if not isinstance(value, container):
        must = f"it must be a list in brackets, as {example(list[kind])}" if container is list else _NO_TABLE
        mistakes.append(f"{where} is {shown(value)}; {must}.")
        return {}
    read: list[tuple[Any, Any]] = []
    for name, entry in _split(value)["[]"]:
        found = _leaf(kind, entry, f"{where}{entry_of(name)}", mistakes)
        read += [(name, found)] if found is not _UNREAD else []
    return {"[]": read} if len(read) < len(value) else {"": value, "[]": read}


def entry_of(name: Any) -> str:
    """Return how a sentence goes on, after a list or table of entries, to the entry of it called `name`."""
    return f".{plain(name, 60)}" if isinstance(name, str) else f", entry {name},"


def _split(value: Any) -> dict[str, Any]:
    """Return a value whole and, where it has entries, each of them with what it is called."""
    if isinstance(value, list | dict):
        return {"": value, "[]": list(value.items() if isinstance(value, dict) else enumerate(value, 1))}
    return {"": value}


def _leaf(kind: Any, value: Any, where: str, mistakes: Mistakes) -> Any:
    try:
        return leaf(kind, value)
    except ValueError as error:
        mistakes.append(f"{where} is {shown(value)}; {error}.")
    return _UNREAD
