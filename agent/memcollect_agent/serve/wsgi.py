"""HTTP around the service: paths, methods, headers, and a line on stderr for what was refused."""

import ipaddress
import logging
import traceback
import zlib
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

import memcollect_agent
from memcollect_agent.redact import visible
from memcollect_agent.serve import bodies, schema
from memcollect_agent.serve.allocator import TRIMMED_FROM_BYTES, give_back
from memcollect_agent.serve.answers import Answer, Refusal, form_of
from memcollect_agent.serve.held import Held
from memcollect_agent.serve.seldom import Seldom
from memcollect_agent.serve.service import Service
from memcollect_agent.wire import SCHEMA_VERSION

_log = logging.getLogger(__name__)

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

AGENT_HEADER = "Memcollect-Agent"
DEFLATE = "deflate"
"""HTTP's name of zlib's own format (RFC 9110, 8.4.1.2): cgroups have the same names over and over."""
DEFLATED_FROM_BYTES = 4 << 10
QUICKLY = 1
"""zlib's quickest level: a few milliseconds for the answer of a full node."""


class Health(Struct, frozen=True):
    """How the agent is."""

    degraded: Callable[[], str]
    left_out: Callable[[], str]

    def answer(self) -> Answer:
        """Return it in a line."""
        if trouble := self.degraded():
            return Answer(status=HTTPStatus.SERVICE_UNAVAILABLE, body=f"degraded: {trouble}\n".encode())
        left_out = self.left_out()
        return Answer(body=f"ok, but {left_out}\n".encode() if left_out else b"ok\n")


def application(
    service: Service, degraded: Callable[[], str] = lambda: "", left_out: Callable[[], str] = lambda: ""
) -> Application:
    """Return the WSGI application that serves `service`.

    `degraded` tells what keeps it from its work, `left_out` what hangs while all else goes on; "": nothing.
    """
    health = Health(degraded, left_out)
    refusals = Seldom()

    def serve(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        try:
            answer = _answer(service, environ, health)
        except Refusal as refusal:
            _log_refusal(environ, refusal, refusals)
            answer = refusal.answer()
        except Exception as error:  # noqa: BLE001 - a client is owed an answer, and no traceback
            fault = _fault(error)
            _log_refusal(environ, fault, refusals)
            answer = fault.answer()
        if len(answer.body) >= TRIMMED_FROM_BYTES:
            give_back()
        if len(answer.body) >= DEFLATED_FROM_BYTES and _takes_deflated(environ):
            answer = _deflated(answer, service.held)
        start_response(f"{answer.status.value} {answer.status.phrase}", _headers(answer))
        file = service.held.file(answer.body)
        if file is None:
            return [answer.body]
        wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](file)
        return wrapped

    return serve


def _takes_deflated(environ: Environ) -> bool:
    asked = environ.get("HTTP_ACCEPT_ENCODING", "")
    return DEFLATE in {part.partition(";")[0].strip().lower() for part in asked.split(",")}


def _deflated(answer: Answer, held: Held) -> Answer:
    """Return the answer with a smaller body; the other one is held no longer than it takes to make it."""
    whole = held.file(answer.body)
    try:
        body = held.made(zlib.compress(answer.body, QUICKLY))
    finally:
        if whole is not None:
            whole.close()
    return replace(answer, body=body, headers={**answer.headers, "Content-Encoding": DEFLATE})


def _answer(service: Service, environ: Environ, health: Health) -> Answer:
    path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
    if path == "/healthz":
        _require(method, "GET")
        return health.answer()
    question = {"/v1/sample": service.sample, "/v1/history": service.history}.get(path)
    if question is None:
        raise Refusal(
            HTTPStatus.NOT_FOUND, "There is nothing here; the agent answers /v1/sample and /v1/history."
        )
    _require(method, "POST")
    _require_no_browser(environ)
    spoken = environ.get("HTTP_MEMCOLLECT_SCHEMA")
    if spoken is not None:
        schema.check(spoken)
    form = form_of(environ.get("HTTP_ACCEPT", ""))
    return question(_body(environ), environ.get("CONTENT_TYPE", ""), form, lenient=spoken is not None)


def _require(method: str, allowed: str) -> None:
    if method != allowed:
        raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"Only {allowed} is answered here.", Allow=allowed)


def _require_no_browser(environ: Environ) -> None:
    # A page may reach a port that somebody forwards to their own machine; browsers say so themselves.
    if "HTTP_ORIGIN" in environ:
        raise Refusal(HTTPStatus.FORBIDDEN, "The agent does not answer web pages.")
    # A page whose own name was made to mean this address afterwards (DNS rebinding) is of the same origin, so
    # it sends no Origin with a GET, and may leave it out; but the name it asks for is its own.
    if not _is_local(environ.get("HTTP_HOST", "localhost")):
        raise Refusal(
            HTTPStatus.FORBIDDEN, "The agent answers to localhost and to addresses, not to other names."
        )


def _is_local(host: str) -> bool:
    name = host.strip().lower()
    name = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]
    if name == "localhost":
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _body(environ: Environ) -> bytes:
    # waitress has read the body and counted it, chunked or not, before the application is called.
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > bodies.MAX_BODY_BYTES:
        raise bodies.too_large()
    body: bytes = environ["wsgi.input"].read(length)
    return body


def _headers(answer: Answer) -> list[tuple[str, str]]:
    return [
        (schema.HEADER, str(SCHEMA_VERSION)),
        (AGENT_HEADER, memcollect_agent.__version__),
        ("Content-Type", answer.content_type),
        ("Content-Length", str(len(answer.body))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        *answer.headers.items(),
    ]


def _fault(error: Exception) -> Refusal:
    """Return the refusal for a fault of the agent's own; where it happened goes to the log alone."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    _log.error("%s at %s:%s: %s", type(error).__name__, frame.name, frame.lineno, visible(str(error))[:300])
    name = type(error).__name__
    return Refusal(
        HTTPStatus.INTERNAL_SERVER_ERROR, f"The agent failed ({name}); its log says where: please report it."
    )


def _log_refusal(environ: Environ, refusal: Refusal, refusals: Seldom) -> None:
    may_write, left_out = refusals.may_write()
    if not may_write:
        return
    if left_out:
        _log.warning("refused %d requests that have no line here", left_out)
    asked = visible(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"[:120])
    _log.warning("refused %s: %d %s", asked, refusal.status, visible(refusal.sentence))
