"""A saved snapshot read pod by pod: one of a large cluster need not stand in memory.

`snapshot --format json` writes each pod as a line of its own. A document that something else has laid out
anew (`jq .`) says the same and is read whole.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import msgspec

from memcollect.documents.files import (
    MAX_DOCUMENT_BYTES,
    READ_BYTES,
    STDIN,
    decode_snapshot,
    open_document,
    reading,
    shown,
    too_large,
)
from memcollect.documents.snapshot import Pod, Snapshot
from memcollect.documents.summaries import restored
from memcollect.errors import DocumentError

MAX_LINE_BYTES = 64 << 20
"""Of a pod; the largest that we know of has 2 MB, with five hundred files and a hundred processes."""
MAX_WHOLE_BYTES = 1 << 30
"""Of a document that is not a pod a line, and so must be held whole."""
_BEGIN = b'  "pods": [\n'
_END = b"  ],\n"
_EMPTY = b'  "pods": [],\n'
_POD = msgspec.json.Decoder(Pod)


@dataclass(frozen=True)
class Stored:
    """A saved snapshot, looked through once."""

    name: str
    """As messages call it."""
    sha256: str
    """Of the file's bytes, as `sha256sum` says it."""
    size_bytes: int
    rest: Snapshot
    """Everything but its pods."""
    pods: Iterator[Pod]
    """Each once, in the file's order; a DocumentError where a line is no pod."""


@contextmanager
def open_snapshot(name: str) -> Iterator[Stored]:
    """Give the snapshot saved in the file `name`, or on standard input for "-".

    Raises DocumentError (SchemaError: of another version) where it cannot be read, before a pod is handed on.
    """
    called = shown(name)
    with open_document(name) as document, ExitStack() as stack:
        with reading(called):
            stream = stack.enter_context(_spooled(document, called)) if name == STDIN else document
            digest, size_bytes = _hashed(stream)
            parts = _parts(stream)
        if parts is None:
            whole = _whole(stream, size_bytes, called)
            rest, pods = msgspec.structs.replace(whole, pods=[]), iter(whole.pods)
        else:
            rest, pods = decode_snapshot(parts.rest, called), _pods(stream, parts, called)
        yield Stored(called, digest, size_bytes, rest, pods)


@contextmanager
def _spooled(document: BinaryIO, called: str) -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as spool:
        while piece := document.read(READ_BYTES):
            _keep(piece, spool, called)
            if spool.tell() > MAX_DOCUMENT_BYTES:
                raise too_large(called, MAX_DOCUMENT_BYTES, "snapshot")
        spool.seek(0)
        yield spool


def _keep(piece: bytes, spool: BinaryIO, called: str) -> None:
    try:
        spool.write(piece)
        spool.flush()
    except OSError as error:
        raise DocumentError(
            f"{called} could not be kept in {tempfile.gettempdir()} while it is read: {error.strerror}.",
            "Free some space there, or name another place in TMPDIR.",
        ) from error


def _hashed(stream: BinaryIO) -> tuple[str, int]:
    digest = hashlib.sha256()
    while piece := stream.read(READ_BYTES):
        digest.update(piece)
    return digest.hexdigest(), stream.tell()


@dataclass(frozen=True)
class _Parts:
    """Where the pods are in a document of one pod a line, and all that stands around them."""

    rest: bytes
    begin: int
    pods: int
    lines_before: int


def _parts(stream: BinaryIO) -> _Parts | None:
    """Return how the document is laid out; None where not as ours are."""
    stream.seek(0)
    around: list[bytes] = []
    begin = pods = lines_before = around_bytes = 0
    within = False
    while line := stream.readline(MAX_LINE_BYTES):
        if not within:
            within = line == _BEGIN and not begin
            around.append(_EMPTY if within else line)
            around_bytes += len(line)
            if within:
                begin, lines_before = stream.tell(), len(around)
            if around_bytes > MAX_WHOLE_BYTES:
                return None
        elif line == _END:
            within = False
        elif line.startswith(b"    {") and line.rstrip(b",\n").endswith(b"}"):
            pods += 1
        else:
            return None
    # Without a pod there is no such line, and the whole is small.
    return _Parts(b"".join(around), begin, pods, lines_before) if begin else None


def _pods(stream: BinaryIO, parts: _Parts, called: str) -> Iterator[Pod]:
    stream.seek(parts.begin)
    for number in range(parts.lines_before + 1, parts.lines_before + 1 + parts.pods):
        with reading(called):
            line = stream.readline(MAX_LINE_BYTES)
        try:
            pod = _POD.decode(line.strip().rstrip(b","))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise DocumentError(
                f"{called} is damaged: line {number} is no pod of a snapshot ({error}).",
                "Take it from where it was saved first, or take a new snapshot.",
            ) from error
        yield restored(pod)


def _whole(stream: BinaryIO, size_bytes: int, called: str) -> Snapshot:
    if size_bytes > MAX_WHOLE_BYTES:
        raise DocumentError(
            f"{called} has {size_bytes >> 20} MiB, and is cut short or not a pod a line as we write it.",
            "Name the file that `memcollect snapshot --format json` wrote.",
        )
    with reading(called):
        stream.seek(0)
        data = stream.read(MAX_WHOLE_BYTES)
    return decode_snapshot(data, called)
