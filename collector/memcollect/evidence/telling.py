"""What was seen, in a sentence short enough for a cell. Pure."""

from __future__ import annotations

import hashlib
from math import ceil

from memcollect.evidence.exits import told
from memcollect.evidence.seen import Seen
from memcollect.units import human_bytes

LONGEST = 160


def words(data: bytes, longest: int = LONGEST) -> str:
    """Return bytes as text on one line, with what cannot be printed escaped, and cut."""
    text = data[: longest * 4].decode("utf-8", "backslashreplace")
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    if len(plain) > longest or len(data) > longest * 4:
        return f"“{plain[: longest - 1]}…” ({human_bytes(len(data))})"
    return f"“{plain}”"


def shown(seen: Seen) -> str:
    """Return what came of a step."""
    if seen.came != "answer":
        return words(seen.why.encode(), 300).strip("“”")
    parts = [told(seen.exit)] if seen.exit is not None else []
    if seen.status is not None:
        parts.append(f"HTTP {seen.status}")
    if seen.paths is not None:
        more = {True: ", says there are more", False: ", says that is all", None: ""}[seen.truncated]
        parts.append(f"{counted(len(seen.paths), 'path')}{more}")
    elif seen.matches is not None:
        parts.append(counted(len(seen.matches), "match", "matches"))
    elif seen.facts:
        parts.append(facts_in_words(seen))
    elif seen.data or seen.exit is not None:
        parts.append(words(seen.data))
    if seen.stderr:
        parts.append(f"stderr {words(seen.stderr)}")
    return ", ".join(parts) or "no error, and nothing else"


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def facts_in_words(seen: Seen, names: tuple[str, ...] = ()) -> str:
    """Return facts by name; those that are not known with the reason."""
    chosen = names or tuple(seen.facts)
    parts = []
    for name in chosen:
        label = name.replace("_", " ")
        if name in seen.facts:
            parts.append(f"{label}: {_value(name, seen.facts[name])}{_waited(name, seen)}")
        elif name in seen.absent:
            parts.append(f"{label}: not known ({seen.absent[name]})")
    return "; ".join(parts)


def _waited(name: str, seen: Seen) -> str:
    if name not in seen.waited:
        return ""
    seconds = ceil(seen.waited[name])
    return f" (still there {seconds} s later)" if seen.facts[name] else f" (gone within {seconds} s)"


def _value(name: str, value: bool | int | str | list[str]) -> str:  # noqa: FBT001 # a fact's value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return human_bytes(value) if isinstance(value, int) and name.endswith("_bytes") else str(value)


def fingerprint(data: bytes) -> str:
    """Return by what two contents are told apart at a glance."""
    return f"{human_bytes(len(data))}, SHA-256 {hashlib.sha256(data).hexdigest()[:12]}"
