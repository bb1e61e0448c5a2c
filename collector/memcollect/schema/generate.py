"""The schema of one kind of document, made from its structs. For the repository: it reads our own source.

msgspec says what is required and of which type; a field's description is its docstring, which Python itself
does not keep, or the word of its name. A number's unit stands in the annotation "x-unit", too.
"""

from __future__ import annotations

import ast
import functools
import inspect
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.inspect import StructType, Type, type_info

from memcollect.schema.kinds import KINDS, Kind
from memcollect.schema.units import unit_of
from memcollect.schema.words import WORDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NUMBERS = frozenset({"integer", "number"})


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the kind of document called `name`."""
    kind = KINDS[name]
    (root,), parts = msgspec.json.schema_components([kind.struct], ref_template="#/$defs/{name}")
    for key, struct in _named(parts, structs(kind.struct)).items():
        _describe(parts[key], struct)
    document = parts.pop(root["$ref"].rpartition("/")[2])
    for property_, keywords in kind.narrowed.items():
        document["properties"][property_].update(keywords)
    return {
        "$schema": DIALECT,
        "$id": f"urn:memcollect:schema:{name}:{kind.version}",
        **document,
        "title": f"memcollect {name}",
        "description": _about(kind),
        "$defs": dict(sorted(parts.items())),
    }


def text(name: str) -> bytes:
    """Return the same as the bytes of a file."""
    return msgspec.json.format(msgspec.json.encode(schema(name)), indent=2) + b"\n"


def described(struct: type[Struct]) -> dict[str, str]:
    """Return what is said of each field that something is said of, by its name in Python."""
    own = _docstrings(sys.modules[struct.__module__]).get(struct.__name__, {})
    found = {}
    for name in struct.__struct_fields__:
        words = own.get(name) or WORDS.get(f"{struct.__name__}.{name}") or WORDS.get(name)
        if words:
            found[name] = " ".join(words.split())
    return found


def structs(root: type[Struct]) -> list[type[Struct]]:
    """Return every struct that a document of `root` is made of, itself first."""
    found: dict[type[Struct], None] = {}
    waiting: list[Type] = [type_info(root)]
    while waiting:
        each = waiting.pop()
        if isinstance(each, StructType):
            if each.cls in found:
                continue
            found[each.cls] = None
        waiting += _inner(each)
    return list(found)


def _inner(each: Any) -> Iterator[Type]:
    """Yield the types that a type is made of."""
    for name in each.__struct_fields__:
        value = getattr(each, name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Type):
                yield part
            elif isinstance(part, msgspec.inspect.Field):
                yield part.type


def _named(parts: dict[str, Any], found: list[type[Struct]]) -> dict[str, type[Struct]]:
    """Return the struct of each part; where two have one name, msgspec gives them their modules' too."""
    by_name = {each.__name__: each for each in found}
    by_name |= {f"{each.__module__}.{each.__qualname__}": each for each in found}
    return {key: by_name[key] for key in parts}


def _describe(part: dict[str, Any], struct: type[Struct]) -> None:
    if "description" in part:
        part["description"] = inspect.cleandoc(part["description"])
    tag = struct.__struct_config__.tag_field
    if tag is not None:
        part["properties"][tag]["description"] = "Which of several it is."
    words = described(struct)
    for name, encoded in zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True):
        property_ = part["properties"][encoded]
        unit = unit_of(name) if _is_a_number(property_) else ""
        says = words.get(name, "")
        property_ |= {"description": f"{says} In {unit}." if unit and unit not in says else says}
        property_ |= {"x-unit": unit} if unit else {}


def _is_a_number(property_: dict[str, Any]) -> bool:
    """Return whether it is one, may be one, or holds some."""
    several = [*property_.get("anyOf", []), *property_.get("prefixItems", [])]
    one = [property_.get("items"), property_.get("additionalProperties")]
    inner = [each for each in (*several, *one) if isinstance(each, dict)]
    return property_.get("type") in NUMBERS or any(_is_a_number(each) for each in inner)


def _about(kind: Kind) -> str:
    return (
        f"Written by {kind.written_by}. Sizes are bytes and times seconds since the Unix epoch, unless a "
        "description says otherwise; null means not known, and never 0. New fields may be added: a reader "
        "passes over those it does not know. No field changes its meaning or its unit within a version."
    )


@functools.cache
def _docstrings(module: ModuleType) -> dict[str, dict[str, str]]:
    """Return the docstrings below the fields of a module's classes, by class and field."""
    return {
        node.name: dict(_of_fields(node))
        for node in ast.parse(inspect.getsource(module)).body
        if isinstance(node, ast.ClassDef)
    }


def _of_fields(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in zip(node.body, node.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                yield name, words
