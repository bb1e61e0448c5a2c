"""GET /metrics: a request's head -> the answer's bytes. Nothing else is answered here."""

from collections.abc import Callable, Mapping
from typing import Protocol

MAX_REQUEST_BYTES = 8192
"""Prometheus sends about 300."""

_HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{encoding}"
    "Vary: Accept, Accept-Encoding\r\nConnection: close\r\n\r\n"
)
_REFUSED = "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_GZIP = "Content-Encoding: gzip\r\n"

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Pages(Protocol):
    """What makes the page."""

    def get(self, *, openmetrics: bool, compressed: bool) -> bytes:
        """Return the page's bytes in that form."""


def answering(pages: Pages) -> Callable[[bytes], tuple[bytes, ...]]:
    """Return what answers requests with `pages`."""

    def answer(request: bytes) -> tuple[bytes, ...]:
        head, end, _ = request.partition(b"\r\n\r\n")
        if not end:
            return (_refused("431 Request Header Fields Too Large"),)
        line, *headers = head.decode("latin-1").split("\r\n")
        status = _status(line)
        if status is not None:
            return (_refused(status),)
        return _page(pages, _named(headers))

    return answer


def _page(pages: Pages, headers: Mapping[str, str]) -> tuple[bytes, bytes]:
    openmetrics = _accepts(headers.get("accept", ""), "application/openmetrics-text")
    compressed = _accepts(headers.get("accept-encoding", ""), "gzip")
    body = pages.get(openmetrics=openmetrics, compressed=compressed)
    head = _HEAD.format(
        kind=OPENMETRICS if openmetrics else TEXT, length=len(body), encoding=_GZIP if compressed else ""
    )
    return head.encode("ascii"), body


def _status(line: str) -> str | None:
    """Return the refusal for a request line, None for one that is served."""
    method, _, rest = line.partition(" ")
    target, _, version = rest.rpartition(" ")
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        return "400 Bad Request"
    if target.partition("?")[0] != "/metrics":
        return "404 Not Found"
    return None if method == "GET" else "405 Method Not Allowed\r\nAllow: GET"


def _refused(status: str) -> bytes:
    return _REFUSED.format(status=status).encode("ascii")


def _named(headers: list[str]) -> dict[str, str]:
    named: dict[str, str] = {}
    for header in headers:
        name, _, value = header.partition(":")
        key = name.strip().lower()
        named[key] = f"{named[key]},{value}" if key in named else value
    return named


def _accepts(header: str, kind: str) -> bool:
    """Whether `header` names `kind`, and not with the weight 0."""
    for part in header.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if name == kind:
            return not any(parameter in ("q=0", "q=0.0", "q=0.00", "q=0.000") for parameter in parameters)
    return False
