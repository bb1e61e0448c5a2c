"""What a page is made of, before any format: titles, sentences, lists, tables of values. Pure.

Nothing here is escaped; names from outside stand as they are, and each format makes them harmless.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

NO_INTERVAL = "—"
MISSING = "Missing"
"""The title of the section that tells what was asked for and is not there; a page may point to it."""


@dataclass(frozen=True)
class Bytes:
    """A size; `signed` shows a plus, too."""

    value: int | None
    signed: bool = False


@dataclass(frozen=True)
class Range:
    """Two sizes; both None where there is no interval."""

    low: int | None
    high: int | None
    signed: bool = False
    values: Sequence[int] = ()
    """The single values that lie between them, for formats that draw."""


Cell = str | Bytes | Range


@dataclass(frozen=True)
class Column:
    """A table's column; `wide` is left out where there is no room, a `foreign` title may be cut short."""

    title: str
    right: bool = True
    wide: bool = False
    foreign: bool = False


@dataclass(frozen=True)
class Timing:
    """What took how long, in seconds: each single one, and p50, p95 and p99 of them."""

    seconds: Sequence[float]
    percentiles: tuple[float, float, float] | None


@dataclass(frozen=True)
class Table:
    """Rows of as many cells as there are columns."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    timings: Sequence[Timing] = ()
    """One of each row where a format that draws should draw times."""


@dataclass(frozen=True)
class Bullet:
    """One item of a list, with items of its own."""

    text: str
    below: Sequence[str] = ()


@dataclass(frozen=True)
class Section:
    """A title and what stands below it."""

    title: str
    paragraphs: Sequence[str] = ()
    bullets: Sequence[Bullet] = ()
    table: Table | None = None
    folded: bool = False
    """Whether it is for whoever wants to check: where a format can fold things, only the title shows."""
    lengthy: bool = False
    """Whether it is left out where a format cannot fold things."""


@dataclass(frozen=True)
class Page:
    """The whole page; the verdict is its first sentence."""

    title: str
    verdict: str
    sections: Sequence[Section] = field(default_factory=list)
