"""What came of a step, whole: what the judging reads. Documents keep a bounded part of it. Pure."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct, field

from memcollect.evidence.exits import Exit
from memcollect.evidence.port import ErrorKind, Level, Match

Came: TypeAlias = Literal["answer", "error", "not-offered", "not-tried"]
"""not-offered: the backend has no such operation; not-tried: we did not ask, `why` says why not."""


class Seen(Struct, frozen=True, kw_only=True):
    """One step's outcome."""

    label: str
    came: Came = "answer"
    kind: ErrorKind | None = None
    why: str = ""
    """A sentence, where it is no answer."""
    exit: Exit | None = None
    data: bytes = b""
    """stdout, a file's bytes, or an answer's body."""
    stderr: bytes | None = None
    paths: list[str] | None = None
    matches: list[Match] | None = None
    truncated: bool | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    facts: dict[str, bool | int | str | list[str]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    waited: dict[str, float] = field(default_factory=dict)
    """By fact: the seconds after which it was gone, or for which it was looked for."""
    seconds: float = 0.0
    level: Level | None = None

    @property
    def both(self) -> bytes:
        """Everything a command wrote, wherever the backend puts it."""
        return self.data + (self.stderr or b"")
