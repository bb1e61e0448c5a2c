"""An HTTP request to a port of a pod, through whatever stream leads there."""

import http.client

from msgspec import Struct

from memcollect.sources.deadline import Deadline
from memcollect.sources.http_over_stream import StreamConnection
from memcollect.sources.plain import plain
from memcollect.sources.transport import Endpoint, Stream, Transport, TransportError

LARGEST_ANSWER_BYTES = 1 << 20
_CHUNK = 1 << 16


class HttpRequest(Struct, frozen=True, kw_only=True):
    """What is asked."""

    method: str = "GET"
    path: str = "/"
    body: bytes = b""
    content_type: str = "application/json"


class HttpAnswer(Struct, frozen=True, kw_only=True):
    """What came back; of a body only the beginning is kept."""

    status: int
    body: bytes = b""


def call(transport: Transport, endpoint: Endpoint, request: HttpRequest, deadline: Deadline) -> HttpAnswer:
    """Return the answer of `endpoint`, whatever its status. Raises TransportError, TimeoutError."""
    stream = transport.connect(endpoint, deadline)
    whole = False
    try:
        answer = _exchange(stream, request)
        whole = True
    except (http.client.HTTPException, OSError, ValueError) as error:
        fault = stream.fault()
        if fault is not None:
            raise fault from error
        if isinstance(error, TimeoutError):
            raise
        raise TransportError(
            "agent-unreachable",
            f"{endpoint} gave no HTTP answer: {plain(str(error)) or type(error).__name__}.",
        ) from error
    finally:
        stream.close(broken=not whole)
    return answer


def _exchange(stream: Stream, request: HttpRequest) -> HttpAnswer:
    connection = StreamConnection(stream)
    headers = {"Connection": "close"}
    if request.body:
        headers["Content-Type"] = request.content_type
    connection.request(request.method, request.path, body=request.body or None, headers=headers)
    response = connection.getresponse()
    kept = bytearray()
    while chunk := response.read(_CHUNK):
        kept += chunk[: LARGEST_ANSWER_BYTES - len(kept)]
    return HttpAnswer(status=response.status, body=bytes(kept))
