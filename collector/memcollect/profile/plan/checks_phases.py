"""What a phase of a plan may not say although its values can be read. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from memcollect.evidence.catalogue import NAMES
from memcollect.profile.plan.checks_sources import CONTENT_TYPE
from memcollect.profile.plan.model import (
    MOST_SANDBOXES,
    Evidence,
    Exec,
    Http,
    Mark,
    Nothing,
    Reuse,
    Scale,
    Wait,
)
from memcollect.profile.plan.rules import NAME, NAME_RULE, Rule, between, filled, fitting, positive
from memcollect.profile.plan.shown import shown

Entries = Sequence[tuple[int, int]]


def _words(where: str, words: Sequence[tuple[int, str]]) -> Iterator[str]:
    for number, word in words:
        if number == 1 and not word:
            yield f"{where}command, entry 1, is empty; write the program to run."
        if "\0" in word:
            yield f"{where}command, entry {number}, has a NUL byte; no program can be given one, remove it."


def _path(where: str, path: str) -> Iterator[str]:
    if not path.startswith("/") or any(c.isspace() or not c.isprintable() for c in path):
        yield f"{where}path is {shown(path)}; it must begin with / and hold no spaces."
    elif not path.isascii():
        yield f"{where}path is {shown(path)}; write what is not ASCII as %XX."


def _statuses(where: str, entries: Entries) -> Iterator[str]:
    for number, status in entries:
        if not 100 <= status <= 599:
            yield f"{where}expect, entry {number}, is {shown(status)}; HTTP statuses are from 100 to 599."


def _steps(where: str, entries: Entries) -> Iterator[str]:
    for number, step in entries:
        if not 1 <= step <= MOST_SANDBOXES:
            yield f"{where}steps, entry {number}, is {shown(step)}; it must be from 1 to {MOST_SANDBOXES}."


def _twice(where: str, entries: Entries) -> Iterator[str]:
    for step, times in Counter(step for _, step in entries).items():
        if times > 1:
            yield f"{where}steps has {shown(step)} more than once; use repeats to do a step again."


def _rows(where: str, entries: Sequence[tuple[int, str]]) -> Iterator[str]:
    for number, name in entries:
        if name not in NAMES:
            yield f"{where}rows, entry {number}, is {shown(name)}; there are {', '.join(NAMES)}."


_COMMON = (fitting("name", NAME.fullmatch, NAME_RULE),)
_LIMITED = (*_COMMON, positive("time_limit", "write how long it may take"))
_COMMAND = Rule(("command[]",), _words)

PHASE_RULES: Mapping[type, Sequence[Rule]] = {
    Nothing: _COMMON,
    Wait: _COMMON,
    Mark: (*_LIMITED, filled("ask", "write what the person is to do")),
    Exec: (*_LIMITED, filled("command", 'write it as a list, for example ["sh", "-c", "true"]'), _COMMAND),
    Http: (
        *_LIMITED,
        between("port", 1, 65535),
        Rule(("path",), _path),
        CONTENT_TYPE,
        filled("expect", "list the good HTTP statuses, for example [200]"),
        Rule(("expect[]",), _statuses),
    ),
    Reuse: (*_LIMITED, between("cycles", 1, 1000), _COMMAND),
    Scale: (
        *_LIMITED,
        filled("steps", "list numbers of sandboxes, for example [10, 50, 100]"),
        Rule(("steps[]",), _steps),
        Rule(("steps[]",), _twice),
        _COMMAND,
    ),
    Evidence: (*_COMMON, Rule(("rows[]",), _rows)),
}
