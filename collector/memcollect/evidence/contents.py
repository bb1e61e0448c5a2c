"""Bytes for files of the run: made from a few words, so that nothing large stands in the catalogue. Pure."""

from __future__ import annotations

import hashlib
from typing import TypeAlias

from msgspec import Struct

EVERY_BYTE_REPEATS = 4


class Text(Struct, frozen=True, tag="text", tag_field="content"):
    """These words, in UTF-8; "{canary}" and the other names are filled in."""

    text: str


class EveryByte(Struct, frozen=True, tag="every-byte", tag_field="content"):
    """1,024 bytes in which every value occurs four times."""


class Bulk(Struct, frozen=True, tag="bulk", tag_field="content"):
    """So many bytes that no compression makes small: SHA-256 of a counter, again and again."""

    size_bytes: int


class Lines(Struct, frozen=True, tag="lines", tag_field="content"):
    """The numbers from 0 on, six digits and a line break each, as `seq -f %06g` prints them."""

    count: int


Material: TypeAlias = Text | EveryByte | Bulk | Lines


def made(material: Material) -> bytes:
    """Return the bytes."""
    match material:
        case Text(text):
            return text.encode()
        case EveryByte():
            return bytes(range(256)) * EVERY_BYTE_REPEATS
        case Lines(count):
            return b"".join(b"%06d\n" % number for number in range(count))
    return _bulk(material.size_bytes)


def _bulk(size_bytes: int) -> bytes:
    """Repeat 64 KiB of digests with a counter in each block, so that swapped or lost blocks show."""
    block = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(2048))
    whole = bytearray()
    number = 0
    while len(whole) < size_bytes:
        whole += b"%016d" % number + block[16:]
        number += 1
    return bytes(whole[:size_bytes])
