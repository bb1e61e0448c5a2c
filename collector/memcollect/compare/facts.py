"""A fact about either side of a pair, or the reason why it is not known. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Unknown:
    """A fact that the documents do not hold, and why."""

    reason: str


Fact = Any
"""A value, or Unknown. Facts about sameness are frozensets: every value that occurs on that side."""


@dataclass(frozen=True)
class Facts:
    """Facts by name, such as "baseline.kernel", "candidate.kernel" and "difference"."""

    values: dict[str, Fact] = field(default_factory=dict)

    def lacking(self, names: Iterable[str]) -> list[tuple[str, str]]:
        """Return those of `names` that are not known, each with the reason."""
        return [(name, self._reason(name)) for name in names if isinstance(self._get(name), Unknown)]

    def __getitem__(self, name: str) -> Fact:
        value = self._get(name)
        if isinstance(value, Unknown):
            raise KeyError(name)
        return value

    def _get(self, name: str) -> Fact:
        return self.values.get(name, Unknown("nothing says"))

    def _reason(self, name: str) -> str:
        value = self._get(name)
        return value.reason if isinstance(value, Unknown) else ""
