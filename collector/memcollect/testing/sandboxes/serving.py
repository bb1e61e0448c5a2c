"""HTTP for the stand-ins of others' interfaces: a whole request in, a whole answer out."""

import contextlib
import http.server
import json
import re
import socketserver
import threading
import urllib.parse
from collections.abc import Mapping
from typing import Any, Protocol, Self

from msgspec import Struct, field


class Request(Struct, frozen=True, kw_only=True):
    """What was asked."""

    method: str
    path: str
    """Without its query, and decoded."""
    query: dict[str, str]
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes = b""

    def json(self) -> Any:
        """Return the body's document."""
        return json.loads(self.body or b"{}")

    def files(self) -> list[tuple[str, str, bytes]]:
        """Return the parts of a multipart body: the field's name, the file's name, its bytes."""
        boundary = self.headers.get("content-type", "").partition("boundary=")[2].strip('"').encode()
        found = []
        for part in self.body.split(b"--" + boundary)[1:-1] if boundary else []:
            head, _, content = part.partition(b"\r\n\r\n")
            name = re.search(rb'\bname="((?:[^"\\]|\\.)*)"', head)
            file = re.search(rb'filename="((?:[^"\\]|\\.)*)"', head)
            found.append((_text(name), _text(file), content[:-2]))
        return found


class Answer(Struct, frozen=True, kw_only=True):
    """What is answered."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def of_json(document: Any, status: int = 200) -> Answer:
    """Return a document as an answer."""
    return Answer(status=status, body=json.dumps(document).encode())


class Interface(Protocol):
    """What is served."""

    def answer(self, request: Request) -> Answer:
        """Return the answer; called from many threads."""


class Served:
    """An interface on the loopback, while it is entered."""

    def __init__(self, interface: Interface) -> None:
        handler = type("Handler", (_Handler,), {"interface": interface})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64


class _Handler(http.server.BaseHTTPRequestHandler):
    interface: Interface
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""

    def _serve(self) -> None:
        parts = urllib.parse.urlsplit(self.path)
        answer = self.interface.answer(
            Request(
                method=self.command,
                path=urllib.parse.unquote(parts.path),
                query=dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True)),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self._body(),
            )
        )
        self.send_response(answer.status)
        self._headers(answer.headers | {"Content-Type": answer.content_type})
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        with contextlib.suppress(ConnectionError):  # who asked may have given up
            self.end_headers()
            self.wfile.write(answer.body)

    def _headers(self, headers: Mapping[str, str]) -> None:
        for name, value in headers.items():
            self.send_header(name, value)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815 - http.server's names


def _text(found: re.Match[bytes] | None) -> str:
    return found[1].decode("utf-8", "replace") if found is not None else ""
