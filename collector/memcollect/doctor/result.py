"""What a diagnosis says: one line for each check. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct, field

SCHEMA_VERSION = 1

Status = Literal["ok", "warn", "fail", "skipped"]


class Item(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the many things a check looked at: a node, a right, a namespace."""

    name: str
    status: Status
    detail: str = ""


class Finding(Struct, frozen=True, kw_only=True):
    """A check's verdict."""

    status: Status
    sentence: str
    remedy: str = ""
    """What to do, as a sentence; where `commands` follow it ends in a colon."""
    commands: Sequence[str] = ()
    """To be pasted into a shell, in this order."""
    items: Sequence[Item] = ()
    """All that was looked at, however many; the sentence names a few."""
    blocks: bool | None = None
    """Whether what needs this check is skipped; None: exactly where it failed."""

    @property
    def is_blocking(self) -> bool:
        """Whether the checks that need this one cannot be made."""
        return self.status == "fail" if self.blocks is None else self.blocks


class Result(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the report."""

    check: str
    """The check's name: a word for programs, which does not change."""
    title: str
    status: Status
    sentence: str
    remedy: str = ""
    commands: list[str] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    because: str = ""
    """Of a skipped check: the name of the check whose failure is the reason."""


class Summary(Struct, frozen=True, kw_only=True):
    """How many checks ended how."""

    ok: int = 0
    warn: int = 0
    fail: int = 0
    skipped: int = 0


class Report(Struct, frozen=True, kw_only=True):
    """A whole diagnosis."""

    schema_version: int = SCHEMA_VERSION
    tool: str
    """This program and its version."""
    mode: Literal["cluster", "local"]
    checked_at: str
    """RFC 3339, on this machine's clock."""
    status: Status
    """The worst of all: "fail", "warn" or "ok"."""
    summary: Summary
    results: list[Result]
    redacted: bool = False
    """Whether its names were replaced by `memcollect redact`."""
