"""The table of services: TOML, in the package and of users."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct, field

from memcollect.errors import DocumentError

MOST_ENTRIES = 500
RESERVED = frozenset({"other", "unlisted"})
_REMEDY = 'An entry is: [[service]] name = "Redis", programs = ["redis-server"].'


class Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """One service and how its processes are told: shell patterns of programs and of arguments."""

    name: str
    programs: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    supervises: bool = False
    """Whether it only starts others, which are then not of it."""
    switch: str = ""
    """What turns it off: an environment variable of the container, say."""


class _Table(Struct, frozen=True, forbid_unknown_fields=True):
    service: list[Entry] = field(default_factory=list)


def parse_table(text: bytes, source: str) -> list[Entry]:
    """Return the entries of a table; `source` is what messages call it. Raises DocumentError."""
    try:
        entries = msgspec.toml.decode(text, type=_Table).service
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DocumentError(f"{source} is no table of services: {error}.", _REMEDY) from error
    if len(entries) > MOST_ENTRIES:
        raise DocumentError(f"{source} has more than {MOST_ENTRIES} services.", "Leave some out.")
    for entry in entries:
        if not entry.name.strip() or not (entry.programs or entry.words):
            raise DocumentError(f"{source} has a service without a name, or that nothing matches.", _REMEDY)
        if entry.name in RESERVED:
            raise DocumentError(
                f'{source} calls a service "{entry.name}", which means what no entry matches.'
            )
    return entries


@cache
def default_table() -> tuple[Entry, ...]:
    """Return the entries that come with the package."""
    text = files("memcollect.services").joinpath("default.toml").read_bytes()
    return tuple(parse_table(text, "the package's default.toml"))
