"""What `memcollect explain` asks on a terminal where no argument says it: which saved snapshot, which pod.

Ctrl-C and Ctrl-D end it as they end every command: click's Abort.
"""

from __future__ import annotations

import contextlib
import heapq
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
from msgspec import Struct

from memcollect.documents.files import STDIN, open_document
from memcollect.errors import DocumentError
from memcollect.reporters.escape import visible
from memcollect.reporters.sizes import size

if TYPE_CHECKING:
    from memcollect.documents.snapshot import Pod

MOST_SHOWN = 20
MOST_LOOKED_AT = 1000
"""Of a directory's files, the newest; each costs one short read."""
HEAD_BYTES = 8192
WIDEST_NAME = 44
"""Columns; what is longer loses its middle, so that a line fits into 80."""
ALL = "all"
_HEAD = re.compile(
    rb'\s*\{\s*"schema_version"\s*:\s*\d+\s*,\s*"tool"\s*:\s*\{[^{}]*"name"\s*:\s*"memcollect"'
)
_CAPTURED = re.compile(rb'"captured_at"\s*:\s*"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)')
_MODE = re.compile(rb'"mode"\s*:\s*"(cluster|local)"')
_CLUSTER = re.compile(rb'"cluster"\s*:\s*"([^"\\]+)"')
Choice = TypeVar("Choice")


class Saved(Struct, frozen=True):
    """A saved snapshot as its head tells it."""

    name: str
    when: str
    """In UTC, as the snapshot says it."""
    where: str


def can_ask() -> bool:
    """Return whether somebody is there to answer: all three streams are terminals."""
    return all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def saved_snapshots(directory: str = os.curdir) -> list[Saved]:
    """Return the newest saved snapshots in `directory`, newest first, and at most MOST_SHOWN.

    What cannot be read, and what begins as no snapshot does, is left out.
    """
    found: list[Saved] = []
    for name in _newest(directory):
        saved = _saved(directory, name)
        if saved is not None:
            found.append(saved)
        if len(found) == MOST_SHOWN:
            break
    return found


def choose_snapshot(found: Sequence[Saved]) -> str:
    """Return the name of the snapshot that the user chooses; Enter takes the newest."""
    click.echo("Saved snapshots here, newest first (times in UTC):", err=True)
    for number, saved in enumerate(found, 1):
        _line(number, saved.name, f"{saved.when}  {saved.where}")
    by_name = {saved.name: saved.name for saved in found}
    return _asked("Which snapshot", [saved.name for saved in found], by_name.get, first=1)


def choose_pod(pods: Sequence[Pod]) -> str | None:
    """Return how `explain` names the pod that the user chooses, of several; None for all of them.

    A name that several pods bear is no choice: it is asked again.
    """
    largest = heapq.nlargest(MOST_SHOWN, pods, key=_charged)
    names = [pod.full_name for pod in pods]
    click.echo("Its pods, the largest first:", err=True)
    _line(0, ALL, f"{len(pods)} pods")
    for number, pod in enumerate(largest, 1):
        _line(number, pod.full_name, size(pod.cgroup.current_bytes if pod.cgroup else None))
    if len(pods) > len(largest):
        click.echo(f"      and {len(pods) - len(largest)} more: type a name", err=True)

    def named(typed: str) -> str | None:
        meant = sum(typed in {pod.uid, pod.name, pod.full_name} for pod in pods)
        if meant > 1:
            raise click.UsageError(f"{meant} pods are called {visible(typed)}: type a number, or a UID.")
        return typed if meant else None

    choices = [ALL, *(pod.full_name if names.count(pod.full_name) == 1 else pod.uid for pod in largest)]
    chosen = _asked("Which pod", choices, lambda typed: ALL if typed == ALL else named(typed), first=0)
    return None if chosen == ALL else chosen


def _newest(directory: str) -> list[str]:
    """Return the names of the regular files that were changed last."""
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        newest = heapq.nlargest(MOST_LOOKED_AT, _dated(entries))
        return [name for _, name in newest]
    return []


def _dated(entries: Iterator[os.DirEntry[str]]) -> Iterator[tuple[int, str]]:
    for entry in entries:
        with contextlib.suppress(OSError):
            if entry.is_file() and entry.name != STDIN:
                yield entry.stat().st_mtime_ns, entry.name


def _saved(directory: str, name: str) -> Saved | None:
    try:
        with open_document(str(Path(directory) / name)) as stream:
            head = stream.read(HEAD_BYTES)
    except (DocumentError, OSError):
        return None
    captured, mode, cluster = (each.search(head) for each in (_CAPTURED, _MODE, _CLUSTER))
    if _HEAD.match(head) is None or captured is None or mode is None:
        return None
    where = "one machine" if mode[1] == b"local" else "a cluster"
    if cluster is not None:
        where = f"cluster {cluster[1].decode(errors='replace')}"
    return Saved(name, f"{captured[1].decode()} {captured[2].decode()}", where)


def _charged(pod: Pod) -> int:
    charged = pod.cgroup.current_bytes if pod.cgroup else None
    return -1 if charged is None else charged


def _line(number: int, name: str, fact: str) -> None:
    shown = visible(name)
    if len(shown) > WIDEST_NAME:
        half = (WIDEST_NAME - 1) // 2
        shown = f"{shown[:half]}~{shown[-half:]}"
    click.echo(f"  {number:3}  {shown:{WIDEST_NAME}}  {visible(fact)}".rstrip(), err=True)


def _asked(
    question: str, choices: Sequence[Choice], named: Callable[[str], Choice | None], *, first: int
) -> Choice:
    """Return the choice whose number, counted from `first`, or whose name is typed; Enter takes the first."""
    last = first + len(choices) - 1

    def read(typed: str) -> Choice:
        typed = typed.strip()
        if typed.isascii() and typed.isdigit() and len(typed) < 4 and first <= int(typed) <= last:
            return choices[int(typed) - first]
        chosen = named(typed)
        if chosen is None:
            raise click.UsageError(f"Type a number from {first} to {last}, or a name; Ctrl-C ends.")
        return chosen

    chosen: Choice = click.prompt(question, default=str(first), value_proc=read, err=True)
    return chosen
