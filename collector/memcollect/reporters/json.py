"""The snapshot document itself: everything, for programs and for later.

In pieces, so that a document of ten thousand pods need not stand in memory, neither as pods nor as text.
Each pod is one line, which tools that work by lines like, and a third of the size; `jq .` unfolds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any

import msgspec

from memcollect.documents.snapshot import Pod, Snapshot

OPENING = ("schema_version", "tool", "sample", "captured_at", "mode", "cluster", "cluster_uid", "scope")
CLOSING = ("finished_at", "nodes", "accounts", "missing", "summary", "notes", "depth", "redacted")
"""Known only when the last pod has been measured."""


def render(snapshot: Snapshot) -> str:
    """Return the document as JSON, a pod a line, with a last newline; `memcollect explain` reads it."""
    return b"".join(pieces(lambda: snapshot, snapshot.pods, lambda: snapshot)).decode()


def pieces(
    opening: Callable[[], Snapshot], pods: Iterable[Pod | msgspec.Raw], closing: Callable[[], Snapshot]
) -> Iterator[bytes]:
    """Yield the same text bit by bit; of what `opening` and `closing` return all but the pods is used.

    `opening` is called once the first pod is there, for how many they are decides how they are told;
    `closing` once they are through, for what came beside.
    """
    rows = iter(pods)
    first = list(islice(rows, 1))
    begun = opening()
    yield b"{\n"
    for name in OPENING:
        yield _member(name, getattr(begun, name))
    yield b'  "pods": ['
    separator = b"\n    "
    for pod in chain(first, rows):
        yield separator + msgspec.json.encode(pod)
        separator = b",\n    "
    yield b"],\n" if separator == b"\n    " else b"\n  ],\n"
    ended = closing()
    for name in CLOSING:
        yield _member(name, getattr(ended, name), last=name == CLOSING[-1])
    yield b"}\n"


def _member(name: str, value: Any, *, last: bool = False) -> bytes:
    return b'  "%s": %s%s\n' % (name.encode(), _indented(value, 2), b"" if last else b",")


def _indented(value: Any, columns: int) -> bytes:
    # A newline inside a string is written as \n, so every real one is the formatter's.
    text = msgspec.json.format(msgspec.json.encode(value), indent=2)
    return text.replace(b"\n", b"\n" + b" " * columns)
