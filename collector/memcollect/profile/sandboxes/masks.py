"""A Pod manifest as a bundle may hold it, which people share: without what may be secret in it. Pure.

Names stay and values go: of literal environment variables, of annotations, of the headers of HTTP probes,
and of arguments that look like credentials. What is only a reference (a Secret's name) stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memcollect_agent.redact import command_line, masked

MASK = "(not kept)"
_NAMED_VALUES = frozenset({"env", "httpHeaders"})
_ARGUMENTS = frozenset({"command", "args"})


def without_secrets(value: Any) -> Any:
    """Return a manifest, or a part of one, with MASK in place of every value that may be secret."""
    if isinstance(value, Mapping):
        return {key: _masked(key, each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(each) for each in value]
    return value


def lacks_values(value: Any) -> bool:
    """Return whether anything in it was masked, so that no pod can be made of it alone."""
    if isinstance(value, Mapping):
        return any(lacks_values(each) for each in value.values())
    if isinstance(value, list | tuple):
        return any(lacks_values(each) for each in value)
    return isinstance(value, str) and value == MASK


def _masked(key: Any, value: Any) -> Any:
    if key == "annotations" and isinstance(value, Mapping):
        return dict.fromkeys(value, MASK)
    if key in _NAMED_VALUES and isinstance(value, list):
        return [_without_value(each) for each in value]
    if key in _ARGUMENTS and isinstance(value, list):
        words = [str(each) for each in value]
        return [
            MASK if _is_telling(words, number) else without_secrets(each) for number, each in enumerate(value)
        ]
    return without_secrets(value)


def _without_value(entry: Any) -> Any:
    """Return an entry by name without its value; an empty one hides nothing."""
    if not isinstance(entry, Mapping) or entry.get("value") in {None, ""}:
        return without_secrets(entry)
    return {**without_secrets(entry), "value": MASK}


def _is_telling(words: list[str], number: int) -> bool:
    """Return whether an argument looks like a credential, or follows an option that is named like one."""
    word = words[number]
    if masked(word) != word:
        return True
    pair = words[number - 1 : number + 1] if number else []
    return bool(pair) and command_line(pair).endswith(" ***") and not word.startswith("-")
