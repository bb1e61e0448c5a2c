"""The frames of SPDY/3.1 that Kubernetes streams use (draft-mbelshe-httpbis-spdy-00).

A pure codec: bytes to frames and back. Header blocks of one direction share one compression state, so a
connection has one Decoder and one Encoder.
"""

import dataclasses
import struct
import zlib
from collections.abc import Iterator, Mapping

SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY = 1, 2, 3, 4, 6, 7
FIN = 1
_VERSION = 3
_CONTROL = 0x8000
_HEADER_BYTES = 8

_WORDS = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges "
    "age allow authorization cache-control connection content-base content-encoding content-language "
    "content-length content-location content-md5 content-range content-type date etag expect expires from "
    "host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location "
    "max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer "
    "transfer-encoding upgrade user-agent vary via warning www-authenticate method get status"
)
_PHRASES = ("200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin")
_TAIL = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized"
    "403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,"
    "text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)

# The dictionary of section 2.6.10.1: 1423 bytes whose Adler-32, 0xe3c6a7c2, opens every header block.
DICTIONARY = (
    b"".join(struct.pack(">I", len(word)) + word.encode() for word in (*_WORDS.split(), *_PHRASES))
    + _TAIL.encode()
)


class SpdyError(Exception):
    """The peer sent what is not SPDY/3.1."""


@dataclasses.dataclass(frozen=True, slots=True)
class Control:
    """A control frame; `payload` is what follows its eight bytes of header."""

    kind: int
    flags: int
    payload: bytes

    @property
    def stream(self) -> int:
        """The stream (or ping) number that the frame opens with."""
        if len(self.payload) < 4:
            raise SpdyError(f"a control frame of kind {self.kind} with {len(self.payload)} bytes")
        return int.from_bytes(self.payload[:4]) & 0x7FFFFFFF


@dataclasses.dataclass(frozen=True, slots=True)
class Data:
    """A data frame."""

    stream: int
    flags: int
    payload: bytes


class Decoder:
    """Frames of a byte stream that arrives in pieces."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)

    def feed(self, data: bytes) -> Iterator[Control | Data]:
        """Take more bytes and yield the frames that are whole. Raises SpdyError."""
        self._buffer += data
        while len(self._buffer) >= _HEADER_BYTES:
            first, flags_length = struct.unpack_from(">II", self._buffer)
            _check_version(first)
            length = flags_length & 0xFFFFFF
            if len(self._buffer) < _HEADER_BYTES + length:
                return
            payload = bytes(self._buffer[_HEADER_BYTES : _HEADER_BYTES + length])
            del self._buffer[: _HEADER_BYTES + length]
            yield _frame(first, flags_length >> 24, payload)

    def headers(self, frame: Control) -> dict[str, str]:
        """Return the header block of a SYN_STREAM; call it once for each, in order. Raises SpdyError."""
        try:
            return _parse_headers(self._inflate.decompress(frame.payload[10:]))
        except (zlib.error, struct.error, UnicodeDecodeError) as error:
            raise SpdyError(f"a header block that cannot be read: {error}") from error


def _check_version(first: int) -> None:
    if first >> 31 and first >> 16 != _CONTROL | _VERSION:
        raise SpdyError(f"SPDY version {first >> 16 & 0x7FFF}, not {_VERSION}")


def _frame(first: int, flags: int, payload: bytes) -> Control | Data:
    if not first >> 31:
        return Data(first, flags, payload)
    return Control(first & 0xFFFF, flags, payload)


def _parse_headers(block: bytes) -> dict[str, str]:
    (count,) = struct.unpack_from(">I", block)
    offset, parts = 4, []
    for _ in range(2 * count):
        (length,) = struct.unpack_from(">I", block, offset)
        offset += 4 + length
        parts.append(block[offset - length : offset].decode())
    return dict(zip(parts[::2], parts[1::2], strict=True))


class Encoder:
    """Frames to bytes."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(zdict=DICTIONARY)

    def syn_stream(self, stream: int, headers: Mapping[str, str], flags: int = 0) -> bytes:
        """Return the frame that opens a stream."""
        return _control(SYN_STREAM, flags, struct.pack(">IIH", stream, 0, 0) + self._headers(headers))

    def syn_reply(self, stream: int, headers: Mapping[str, str]) -> bytes:
        """Return the frame that accepts a stream."""
        return _control(SYN_REPLY, 0, struct.pack(">I", stream) + self._headers(headers))

    def _headers(self, headers: Mapping[str, str]) -> bytes:
        block = struct.pack(">I", len(headers))
        for part in (part for pair in headers.items() for part in pair):
            block += struct.pack(">I", len(part.encode())) + part.encode()
        return self._deflate.compress(block) + self._deflate.flush(zlib.Z_SYNC_FLUSH)


def data(stream: int, payload: bytes, flags: int = 0) -> bytes:
    """Return a data frame."""
    return struct.pack(">II", stream, flags << 24 | len(payload)) + payload


def ping(number: int) -> bytes:
    """Return a ping, or the answer to one, which is the same frame."""
    return _control(PING, 0, struct.pack(">I", number))


def _control(kind: int, flags: int, payload: bytes) -> bytes:
    return struct.pack(">HHI", _CONTROL | _VERSION, kind, flags << 24 | len(payload)) + payload
