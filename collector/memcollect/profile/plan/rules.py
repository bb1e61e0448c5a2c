"""A rule of what a table may not say: which values it is about, and the sentences they give. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from memcollect.profile.plan.shown import shown
from memcollect.profile.plan.tables import Mistakes, Table

NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?", re.ASCII)
NAME_RULE = "use a-z, 0-9 and '-', at most 50 characters"


@dataclass(frozen=True)
class Rule:
    """`tell` gets a table's place and the values of `about`; where one could not be read it is not asked."""

    about: tuple[str, ...]
    """Paths as Table.find takes them."""
    tell: Callable[..., Iterator[str]]


def hold_to(table: Table, rules: Iterable[Rule], mistakes: Mistakes) -> None:
    """Add the sentences of each rule that is about nothing but what could be read."""
    for rule in rules:
        try:
            values = [table.find(path) for path in rule.about]
        except KeyError:
            continue
        mistakes += rule.tell(table.where, *values)


def between(key: str, least: int, most: int, why: str = "") -> Rule:
    """Return the rule that a number lies between two others."""

    def tell(where: str, value: Any) -> Iterator[str]:
        if not least <= value <= most:
            yield f"{where}{key} is {shown(value)}; it must be from {least} to {most}{why}."

    return Rule((key,), tell)


def positive(key: str, remedy: str) -> Rule:
    """Return the rule that a length or a size is more than 0."""

    def tell(where: str, value: Any) -> Iterator[str]:
        if value <= 0:
            yield f"{where}{key} is 0; {remedy}."

    return Rule((key,), tell)


def fitting(key: str, fits: Callable[[str], object], remedy: str) -> Rule:
    """Return the rule that a text is of some form."""

    def tell(where: str, value: str) -> Iterator[str]:
        if not fits(value):
            yield f"{where}{key} is {shown(value)}; {remedy}."

    return Rule((key,), tell)


def filled(key: str, remedy: str) -> Rule:
    """Return the rule that a text or a list is not empty."""

    def tell(where: str, value: Any) -> Iterator[str]:
        if not (value.strip() if isinstance(value, str) else value):
            yield f"{where}{key} is empty; {remedy}."

    return Rule((key,), tell)
