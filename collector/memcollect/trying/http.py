"""HTTP to a backend, whole answers of any size that a check needs, every fault an OperationError."""

from __future__ import annotations

import http.client
import secrets
import ssl
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Protocol

from memcollect.evidence.port import ErrorKind, HttpSeen, OperationError
from memcollect.sources.deadline import Deadline
from memcollect.sources.http_over_stream import StreamConnection
from memcollect.sources.plain import plain
from memcollect.sources.transport import Endpoint, SocketStream, Stream, TransportError, TransportFactory

LARGEST_ANSWER_BYTES = 160 << 20
_CHUNK = 1 << 18


class Sender(Protocol):
    """A way to an HTTP interface."""

    def send(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], seconds: float
    ) -> HttpSeen:
        """Return the answer, whatever its status. `path` is sent as it is. Raises OperationError."""

    def close(self) -> None:
        """Let go of what is held."""


class ForwardedSender:
    """To a port of a pod, by port-forward; each request has one of its own, so that threads may share it."""

    def __init__(self, transports: TransportFactory, endpoint: Endpoint) -> None:
        self._transports = transports
        self._endpoint = endpoint

    def send(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], seconds: float
    ) -> HttpSeen:
        """Return the answer."""
        deadline = Deadline(seconds)
        transport = self._transports()
        try:
            stream = transport.connect(self._endpoint, deadline)
            try:
                answer = self._exchange(stream, (method, path, body, headers), seconds)
            except OperationError:
                stream.close(broken=True)
                raise
            stream.close()
        except TransportError as error:
            kind: ErrorKind = "timeout" if error.reason == "timeout" else "transport"
            raise OperationError(kind, str(error)) from error
        except TimeoutError as error:
            raise _timeout(str(self._endpoint), seconds) from error
        finally:
            transport.close()
        return answer

    def _exchange(
        self, stream: Stream, request: tuple[str, str, bytes, Mapping[str, str]], seconds: float
    ) -> HttpSeen:
        method, path, body, headers = request
        try:
            return exchange(StreamConnection(stream), method, path, body, headers)
        except TimeoutError as error:
            raise _timeout(str(self._endpoint), seconds) from error
        except (http.client.HTTPException, OSError, ValueError) as error:
            fault = stream.fault()
            raise _broken(str(self._endpoint), fault or error) from error

    def close(self) -> None:
        """Nothing is held between requests."""


class UrlSender:
    """To a URL. Proxies of the environment are not used, and nothing is redirected."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        parts = urllib.parse.urlsplit(url)
        self._authority = parts.netloc
        self._where = f"{parts.scheme}://{parts.netloc}"
        self._tls = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port
        self._base = parts.path.rstrip("/")
        self._headers = dict(headers or {})

    def send(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], seconds: float
    ) -> HttpSeen:
        """Return the answer."""
        deadline = Deadline(seconds)
        connection = self._connection(seconds)
        try:
            connection.connect()
            over = StreamConnection(SocketStream(connection.sock, deadline), self._authority)
            return exchange(over, method, self._base + path, body, {**self._headers, **headers})
        except TimeoutError as error:
            raise _timeout(self._where, seconds) from error
        except (http.client.HTTPException, OSError, ValueError) as error:
            raise _broken(self._where, error) from error
        finally:
            connection.close()

    def _connection(self, seconds: float) -> http.client.HTTPConnection:
        if self._tls:
            return http.client.HTTPSConnection(
                self._host, self._port, timeout=min(10.0, seconds), context=ssl.create_default_context()
            )
        return http.client.HTTPConnection(self._host, self._port, timeout=min(10.0, seconds))

    def close(self) -> None:
        """Nothing is held between requests."""


def exchange(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes, headers: Mapping[str, str]
) -> HttpSeen:
    """Ask and return the whole answer. Raises what http.client raises, ValueError for too large an answer."""
    connection.request(method, path, body=body or None, headers={"Connection": "close", **headers})
    response = connection.getresponse()
    found = bytearray()
    while chunk := response.read(_CHUNK):
        found += chunk
        if len(found) > LARGEST_ANSWER_BYTES:
            raise ValueError(f"an answer of more than {LARGEST_ANSWER_BYTES >> 20} MiB")
    if response.length:
        # Read piece by piece, http.client does not mind an end before its time.
        raise http.client.IncompleteRead(b"", response.length)
    return HttpSeen(
        status=response.status,
        headers={name.lower(): value for name, value in response.getheaders()},
        body=bytes(found),
    )


def multipart(fields: Mapping[str, str], files: Sequence[tuple[str, str, bytes]]) -> tuple[bytes, str]:
    """Return a body of multipart/form-data and its content type; a file is (field, name, bytes)."""
    boundary = f"memcollect-{secrets.token_hex(12)}"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for field, name, data in files:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{quoted}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        parts += [head.encode(), data, b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"


def _timeout(where: str, seconds: float) -> OperationError:
    return OperationError("timeout", f"{where} did not answer within {round(seconds, 1):g} s")


def _broken(where: str, error: BaseException) -> OperationError:
    if isinstance(error, http.client.IncompleteRead):
        more = f", {error.expected} bytes before its end" if error.expected else ""
        return OperationError("transport", f"{where}: the connection ended in the middle of the answer{more}")
    return OperationError("transport", f"{where}: {plain(str(error)) or type(error).__name__}")
