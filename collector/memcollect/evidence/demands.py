"""What must be so of what was seen: demands as data, part of the catalogue's hash. Pure.

`of` is a step's label. `otherwise` is the verdict where a demand does not hold: "fails" where something is
lost, wrong or given away, "differs" where the backend does another thing and says so. `means` is the
sentence that the page then prints, before what was seen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from memcollect.evidence.contents import Material
from memcollect.evidence.exits import Exit
from memcollect.evidence.port import ErrorKind

Otherwise: TypeAlias = Literal["fails", "differs"]
Where: TypeAlias = Literal["stdout", "stderr", "both"]


class _Demand(Struct, frozen=True, kw_only=True, tag_field="demand", omit_defaults=True):
    of: str
    otherwise: Otherwise = "fails"
    means: str = ""


class Ends(_Demand, frozen=True, kw_only=True, tag="ends"):
    """The command ended in one of these ways; an exit that is not told differs."""

    ways: tuple[Exit, ...]


class Says(_Demand, frozen=True, kw_only=True, tag="says"):
    """The text is, holds or lacks something. `exactly` allows for a line break more or less at the end."""

    where: Where = "stdout"
    exactly: str | None = None
    holds: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


class Holds(_Demand, frozen=True, kw_only=True, tag="holds"):
    """The bytes are those of the material."""

    material: Material


class HoldsOrSays(_Demand, frozen=True, kw_only=True, tag="holds-or-says"):
    """The bytes are the material's, or a beginning (or both ends) of them with a word that it was cut."""

    material: Material


class Bytes(_Demand, frozen=True, kw_only=True, tag="bytes"):
    """The bytes in hexadecimal are one of these."""

    any_of: tuple[str, ...]


class Same(_Demand, frozen=True, kw_only=True, tag="same"):
    """The bytes are those of another step, with line breaks at the end left out."""

    other: str
    differ: bool = False
    """Ask for the opposite."""


class Took(_Demand, frozen=True, kw_only=True, tag="took"):
    """It took so long."""

    least_seconds: float = 0.0
    most_seconds: float


class Refused(_Demand, frozen=True, kw_only=True, tag="refused"):
    """It is an error, told as one: not a text that begins with "Error:", and not silence."""

    kinds: tuple[ErrorKind, ...] = ()
    """Empty: of any kind that is an answer."""


class Answered(_Demand, frozen=True, kw_only=True, tag="answered"):
    """It is no error."""


class Finds(_Demand, frozen=True, kw_only=True, tag="finds"):
    """The list holds paths that end so, lacks others, has so many, and says whether there are more."""

    holds: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    count: int | None = None
    at_most: int | None = None
    truncated: bool | None = None


class Matched(_Demand, frozen=True, kw_only=True, tag="matched"):
    """The search found exactly these lines: (end of the path, number, line)."""

    lines: tuple[tuple[str, int, str], ...] = ()
    count: int | None = None
    truncated: bool | None = None


class Status(_Demand, frozen=True, kw_only=True, tag="status"):
    """The HTTP status is one of these."""

    any_of: tuple[int, ...]


class Header(_Demand, frozen=True, kw_only=True, tag="header"):
    """A header of the answer holds a word."""

    name: str
    holds: str


class Fact(_Demand, frozen=True, kw_only=True, tag="fact"):
    """A fact has a value, or is at most so much; one that is not known leaves the check untried."""

    name: str
    equals: bool | int | str | None = None
    at_most: int | None = None


class OomIsTold(_Demand, frozen=True, kw_only=True, tag="oom-is-told"):
    """Where the kernel killed for memory between `before` and `after`, the command's end says so."""

    before: str
    after: str


class Recorded(_Demand, frozen=True, kw_only=True, tag="recorded"):
    """Whatever it is, it is written down: there is no right or wrong of it."""

    facts: tuple[str, ...] = ()
    """Names of facts to show; empty: the text."""


Demand: TypeAlias = (
    Ends
    | Says
    | Holds
    | HoldsOrSays
    | Bytes
    | Same
    | Took
    | Refused
    | Answered
    | Finds
    | Matched
    | Status
    | Header
    | Fact
    | OomIsTold
    | Recorded
)


def named(demand: Demand, names: Mapping[str, str]) -> Demand:
    """Return the demand with the names in all of its texts filled in."""
    text = msgspec.json.encode(demand).decode()
    for name, word in names.items():
        text = text.replace(f"{{{name}}}", json.dumps(word, ensure_ascii=False)[1:-1])
    return msgspec.json.decode(text, type=type(demand))
