"""One connection's requests: read, held against the faults, answered, logged."""

import gzip
import http.server
import ssl
import urllib.parse
import uuid
from http import HTTPMethod
from typing import TYPE_CHECKING, Any

from memcollect.testing import api, exec, port_forward, watching  # noqa: A004 - Kubernetes' own word
from memcollect.testing.exchange import Answer, Request, failed
from memcollect.testing.failures import ApiError
from memcollect.testing.faults import Fault
from memcollect.testing.request_log import LoggedRequest
from memcollect.testing.target import Target

if TYPE_CHECKING:
    import threading

    from memcollect.testing.cluster import Cluster

# An API server compresses answers from this size on (its own constant), for clients that take gzip.
_COMPRESS_FROM_BYTES = 128 * 1024
_HANDSHAKE_SECONDS = 10.0
_SLICE_SECONDS = 0.05
_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Expired",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


class DroppedError(OSError):
    """The connection is to end now, with nothing more said."""


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves one connection; the server it belongs to has `cluster` and `stopping`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    cluster: "Cluster"
    stopping: "threading.Event"
    address: str

    def setup(self) -> None:
        """Finish a TLS handshake, in this thread and not for ever."""
        server: Any = self.server
        self.cluster, self.stopping = server.cluster, server.stopping
        self.address = f"127.0.0.1:{server.server_port}"
        if isinstance(self.request, ssl.SSLSocket):
            self.request.settimeout(_HANDSHAKE_SECONDS)
            self.request.do_handshake()
            self.request.settimeout(None)
        super().setup()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Say nothing on stderr: requests are in the cluster's log."""

    def _serve(self) -> None:
        request = self._read()
        entry = LoggedRequest(request.method, request.path, request.query, request.user_agent, request.accept)
        self.cluster.requests.add(entry)
        fault = self.cluster.faults.take(request.method, request.path)
        try:
            if fault is not None:
                self._suffer(fault)
            if fault is None or not fault.scripts_the_answer:
                wanted = port_forward.wanted(self.cluster, request)
                if wanted is not None:
                    self._forward(wanted, request, entry, fault)
                    return
                watched = watching.wanted(self.cluster, request)
                if watched is not None:
                    self._watch(watched, request, entry)
                    return
                target = exec.wanted(self.cluster, request)
                if target is not None:
                    self._exec(target, request, entry, fault)
                    return
            self._send(self._answer(request, fault), entry, fault)
        except DroppedError:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815 - http.server's names

    def _read(self) -> Request:
        parts = urllib.parse.urlsplit(self.path)
        return Request(
            self.command,
            urllib.parse.unquote(parts.path),
            urllib.parse.parse_qs(parts.query, keep_blank_values=True),
            self.headers.get("Accept", ""),
            self.headers.get("User-Agent", ""),
            self.headers.get("Authorization"),
            self._body(),
            self.address,
            self.headers.get("Content-Type", ""),
        )

    def _body(self) -> bytes:
        """Read what was sent, by its length or in chunks, as kubectl sends what it has from its stdin."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            length = self.headers.get("Content-Length", "0")
            return self.rfile.read(int(length)) if length.isdecimal() else b""
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def _suffer(self, fault: Fault) -> None:
        if self.stopping.wait(fault.delay_seconds if not fault.hang else None) or fault.drop:
            raise DroppedError
        if fault.expire_lists:
            self.cluster.store.compact()

    def _answer(self, request: Request, fault: Fault | None) -> Answer:
        if fault is not None and fault.body is not None:
            return Answer(fault.status or 200, fault.body)
        if fault is None or fault.status is None:
            return api.answer(self.cluster, request)
        return scripted_failure(fault.status, fault.retry_after_seconds, request)

    def _send(self, answer: Answer, entry: LoggedRequest, fault: Fault | None) -> None:
        body = answer.body
        compressed = len(body) >= _COMPRESS_FROM_BYTES and "gzip" in self.headers.get("Accept-Encoding", "")
        if compressed:
            body = gzip.compress(body, compresslevel=1)
        self.send_response_only(answer.status)
        self._send_headers(answer, len(body), compressed=compressed)
        if fault is not None and fault.retry_after_seconds is not None:
            self.send_header("Retry-After", str(fault.retry_after_seconds))
        if self.command == HTTPMethod.HEAD:
            body = b""
        whole = body
        if fault is not None and fault.truncate_after_bytes is not None:
            body = body[: fault.truncate_after_bytes]
        entry.status, entry.bytes_sent = answer.status, len(body)
        self.end_headers()
        self._send_body(body, fault.bytes_per_second if fault is not None else None)
        if len(body) < len(whole):
            raise DroppedError

    def _send_headers(self, answer: Answer, length: int, *, compressed: bool) -> None:
        self.send_header("Audit-Id", str(uuid.uuid4()))
        self.send_header("Cache-Control", "no-cache, private")
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Date", self.date_time_string())
        if compressed:
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Vary", "Accept-Encoding")
        self.send_header("Content-Length", str(length))

    def _send_body(self, body: bytes, bytes_per_second: int | None) -> None:
        if bytes_per_second is None:
            self.wfile.write(body)
            return
        step = max(1, int(bytes_per_second * _SLICE_SECONDS))
        for start in range(0, len(body), step):
            self.wfile.write(body[start : start + step])
            if self.stopping.wait(_SLICE_SECONDS):
                raise DroppedError

    def _forward(
        self, wanted: port_forward.Wanted, request: Request, entry: LoggedRequest, fault: Fault | None
    ) -> None:
        self.close_connection = True
        try:
            accepted = port_forward.accept(self.cluster, wanted, request, self.headers)
        except ApiError as failure:
            self._send(failed(failure, request), entry, None)
            return
        self._switch_protocols(accepted.headers, entry)
        if not port_forward.serve(self.cluster, accepted, self.connection, entry, fault):
            raise DroppedError

    def _watch(self, target: Target, request: Request, entry: LoggedRequest) -> None:
        try:
            lines = watching.accept(self.cluster, target, request)
        except ApiError as failure:
            self._send(failed(failure, request), entry, None)
            return
        entry.status = 200
        self.send_response_only(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in lines:
            if self.stopping.is_set():
                raise DroppedError
            if line:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                entry.bytes_sent += len(line)
        self.wfile.write(b"0\r\n\r\n")

    def _exec(self, target: Target, request: Request, entry: LoggedRequest, fault: Fault | None) -> None:
        self.close_connection = True
        try:
            accepted = exec.accept(self.cluster, target, request, self.headers)
        except ApiError as failure:
            self._send(failed(failure, request), entry, None)
            return
        self._switch_protocols(accepted.headers, entry)
        if not exec.serve(self.cluster, accepted, self.connection, fault):
            raise DroppedError

    def _switch_protocols(self, headers: tuple[tuple[str, str], ...], entry: LoggedRequest) -> None:
        self.send_response_only(101)
        for name, value in headers:
            self.send_header(name, value)
        entry.status = 101
        self.end_headers()


def scripted_failure(status: int, retry_after_seconds: int | None, request: Request) -> Answer:
    """Return the answer of an API server that fails with `status`.

    A 429 for want of a free slot is plain text, as API priority and fairness writes it.
    """
    if status == 429:
        text = b"Too many requests, please try again later.\n"
        return Answer(status, text, "text/plain; charset=utf-8")
    if status == 401:
        return failed(ApiError(status, "Unauthorized", "Unauthorized"), request)
    details = {"retryAfterSeconds": retry_after_seconds} if retry_after_seconds is not None else None
    message = f"the stand-in was told to answer {status}"
    if status == 500:
        message = f"Internal error occurred: {message}"
    return failed(ApiError(status, _REASONS.get(status, "Unknown"), message, details), request)
