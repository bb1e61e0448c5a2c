"""What is known, and what is shown of it at one moment. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from msgspec import Struct

from memcollect.documents.snapshot import Missing
from memcollect.live.nodes import NodeView
from memcollect.live.rows import Row
from memcollect.live.totals import Totals

Sort = Literal["working-set", "growth", "limit-share", "name"]


class Departed(Struct, frozen=True, kw_only=True):
    """A pod that was listed once and is no more. `noticed`: seconds on the watcher's clock."""

    name: str
    noticed: float
    working_set_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class World:
    """All that is known."""

    nodes: Mapping[str | None, NodeView] = field(default_factory=dict)
    problems: tuple[Missing, ...] = ()
    """Of the last round, beside those of the nodes."""
    departed: tuple[Departed, ...] = ()
    notes: tuple[str, ...] = ()
    with_top: bool = True
    """Whether kubectl top is asked at all."""


class Shown(Struct, frozen=True, kw_only=True):
    """A row with its ages, in seconds."""

    row: Row
    age_seconds: float | None = None
    """Of its numbers."""
    top_age_seconds: float | None = None
    stale: bool = False


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What is shown."""

    rows: tuple[Shown, ...] = ()
    more: Totals | None = None
    """Of the rows beyond the limit; None where there are none."""
    total: Totals
    missing: tuple[Missing, ...] = ()
    stale_nodes: int = 0
    nodes: int = 0
    finished: tuple[str, ...] = ()
    left_out: int = 0
    """How many pods are not shown and in no sum, since they were not wanted."""
    departed: tuple[Departed, ...] = ()
    notes: tuple[str, ...] = ()
    with_top: bool = True
    now: float = 0.0

    @property
    def is_complete(self) -> bool:
        """Whether everything that was asked for is there, and of this round."""
        return not self.missing
