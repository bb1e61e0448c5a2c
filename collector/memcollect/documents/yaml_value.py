"""YAML that a person names, with bounds on what it becomes: a few lines of aliases stand for gigabytes.

Counted are the nodes with every alias and merge written out, before anything is made of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

from memcollect.errors import DocumentError

MOST_NODES = 100_000
"""A pod's manifest has some hundred, and Kubernetes takes no object of more than 1.5 MiB."""
DEEPEST = 100
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SIMPLE = (str, bool, int, float, type(None))


def yaml_value(text: bytes, shown_name: str) -> Any:
    """Return what YAML (or JSON) says, as JSON could: mappings with names as keys, lists and simple values.

    Raises DocumentError where it is none, where it holds something that JSON has not, such as a date, or
    where it is too much, too deep or contains itself. `shown_name` is what messages call it.
    """
    value = _loaded(text, shown_name, lambda loader, node: loader.construct_document(node))
    _check_plain(value, shown_name)
    return value


def check_yaml(text: bytes, shown_name: str) -> None:
    """Raise DocumentError where it is no YAML, or too much, too deep or in itself: for what others load."""
    _loaded(text, shown_name, lambda _loader, _node: None)


def _loaded(text: bytes, shown_name: str, construct: Callable[[Any, Any], Any]) -> Any:
    try:
        _check_events(text, shown_name)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _size(node, shown_name, {})
            return construct(loader, node)
        finally:
            loader.dispose()
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError, OverflowError) as error:
        raise DocumentError(f"{shown_name} is neither YAML nor JSON: {_where(error)}.") from error


def _check_events(text: bytes, shown_name: str) -> None:
    """Look at the nesting before anything recurses into it."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=_Loader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise DocumentError(f"{shown_name} is nested deeper than {DEEPEST} levels: no manifest is.")
        if count > 2 * MOST_NODES:
            raise _too_much(shown_name)


def _size(node: Any, shown_name: str, known: dict[int, int | None]) -> int:
    """Return how many nodes it is, aliases written out."""
    if id(node) in known:
        found = known[id(node)]
        if found is None:
            raise DocumentError(f"{shown_name} contains itself: an alias stands within what it names.")
        return found
    known[id(node)] = None
    total = 1
    if not isinstance(node, yaml.ScalarNode):
        for each in node.value:
            total += sum(
                _size(part, shown_name, known) for part in (each if isinstance(each, tuple) else (each,))
            )
            if total > MOST_NODES:
                raise _too_much(shown_name)
    known[id(node)] = total
    return total


def _too_much(shown_name: str) -> DocumentError:
    return DocumentError(
        f"{shown_name} has more than {MOST_NODES:,} values, aliases written out: no manifest has.",
        "Write out what is meant, without aliases (& and *).",
    )


def _check_plain(value: Any, shown_name: str) -> None:
    if isinstance(value, dict):
        for key, each in value.items():
            if not isinstance(key, str):
                raise DocumentError(f"{shown_name} has a {type(key).__name__} as a key.", "Quote it.")
            _check_plain(each, shown_name)
    elif isinstance(value, list):
        for each in value:
            _check_plain(each, shown_name)
    elif not isinstance(value, _SIMPLE):
        raise DocumentError(f"{shown_name} has a value of the kind {type(value).__name__}.", "Quote it.")
    elif isinstance(value, float) and value - value != 0:
        raise DocumentError(f"{shown_name} has the number {value}, which JSON has not.", "Quote it.")


def _where(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}, {error.problem or 'not understood'}"
    return (
        "it is nested too deep" if isinstance(error, RecursionError) else str(error).partition("\n")[0][:120]
    )
