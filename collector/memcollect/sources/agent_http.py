"""HTTP/1.1 with an agent, over whatever stream leads to it.

Every fault ends in an AgentFailure: a word for `missing` and a sentence. Nothing that the other end says
is believed before it is checked: length, content type, schema version, shape.
"""

import http.client
import zlib
from collections.abc import Callable
from typing import Literal, Self, TypeVar

import msgspec

from memcollect.sources.deadline import Deadline, asked_pause
from memcollect.sources.http_over_stream import StreamConnection
from memcollect.sources.plain import plain
from memcollect.sources.transport import Endpoint, Stream, Transport, TransportError, TransportReason
from memcollect.sources.unpacking import MOST_DECODED_BYTES, grows_too_large
from memcollect_agent.wire import SCHEMA_VERSION

SCHEMA_HEADER = "Memcollect-Schema"
"""Both sides say which version of the wire structs they speak."""
MESSAGE_PACK = "application/msgpack"
DEFLATE = "deflate"
_CODINGS = frozenset({"", "identity", DEFLATE})
_ZLIB = b"\x78"
"""What a stream of zlib begins with (RFC 1950), and no MessagePack of a struct, which is a map."""
LARGEST_BYTES = 32 << 20
"""Of one answer; 30 pods with full process lists are a few hundred KiB."""

FailureReason = (
    TransportReason
    | Literal["no-agent", "agent-not-ready", "version", "broken-answer", "too-large", "agent-error"]
)
T = TypeVar("T")

_CHUNK = 1 << 18
_VERSION_STATUSES = frozenset(
    {http.client.CONFLICT, http.client.UPGRADE_REQUIRED, http.client.NOT_ACCEPTABLE}
)


class AgentFailure(Exception):  # noqa: N818 # a value of the result as much as an error
    """An agent that gave no numbers: `reason` is a word, the text a sentence.

    `again_seconds` is after how long a busy one asks to be asked again; None of any other fault.
    """

    def __init__(self, reason: FailureReason, sentence: str, *, again_seconds: float | None = None) -> None:
        super().__init__(sentence)
        self.reason: FailureReason = reason
        self.again_seconds = again_seconds


_EXPECTED = (TransportError, AgentFailure, OSError, http.client.HTTPException, ValueError)
"""What a stream, its other end and HTTP over it raise."""


class AgentConversation:
    """Questions to one agent, over one stream as long as it lasts, all within one deadline."""

    def __init__(
        self,
        transport: Transport,
        endpoint: Endpoint,
        deadline: Deadline,
        *,
        largest_bytes: int = LARGEST_BYTES,
    ) -> None:
        self._transport = transport
        self._endpoint = endpoint
        self._deadline = deadline
        self._largest_bytes = largest_bytes
        self._stream: Stream | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end(broken=False)

    def ask(
        self,
        method: str,
        path: str,
        answer: type[T],
        body: msgspec.Struct | None = None,
    ) -> T:
        """Return the agent's answer, decoded as `answer`. Raises AgentFailure."""
        return self._asked(
            method,
            path,
            body,
            lambda content: decoded(content, answer, self._endpoint, largest_bytes=self._largest_bytes),
        )

    def fetch(self, method: str, path: str, body: msgspec.Struct | None = None) -> bytes:
        """Return the agent's answer as it came, for `decoded`: whole, and of a version that is understood.

        Raises AgentFailure. Decoded it takes several times the memory.
        """
        return self._asked(method, path, body, lambda content: content)

    def _asked(self, method: str, path: str, body: msgspec.Struct | None, made_of: Callable[[bytes], T]) -> T:
        try:
            response = self._request(method, path, body)
            content = self._read(response)
            self._check(response, content)
            made = made_of(content)
        except _EXPECTED as error:
            failure = self._explained(error)
            self._end(broken=True)
            raise failure from error
        except BaseException:
            self._end(broken=True)
            raise
        if response.will_close:
            self._end(broken=False)
        return made

    @property
    def _who(self) -> str:
        return _who(self._endpoint)

    def _request(self, method: str, path: str, body: msgspec.Struct | None) -> http.client.HTTPResponse:
        if self._stream is None:
            self._stream = self._transport.connect(self._endpoint, self._deadline)
        connection = StreamConnection(self._stream)
        headers = {"Accept": MESSAGE_PACK, "Accept-Encoding": DEFLATE, SCHEMA_HEADER: str(SCHEMA_VERSION)}
        if body is not None:
            headers["Content-Type"] = MESSAGE_PACK
        content = None if body is None else msgspec.msgpack.encode(body)
        connection.request(method, path, body=content, headers=headers)
        return connection.getresponse()

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        announced = response.length
        if announced is not None and announced > self._largest_bytes:
            raise self._too_large()
        if announced is not None:
            whole = response.read(announced)
            if len(whole) < announced:
                raise http.client.IncompleteRead(b"", announced - len(whole))
            return whole
        content = bytearray()
        while chunk := response.read(_CHUNK):
            content += chunk
            if len(content) > self._largest_bytes:
                raise self._too_large()
        return bytes(content)

    def _check(self, response: http.client.HTTPResponse, content: bytes) -> None:
        """Refuse what is not a good answer of an agent whose version is understood."""
        theirs = response.getheader(SCHEMA_HEADER)
        if theirs is None:
            what = f"what listens at {self._endpoint} is no memcollect agent, or broke off before it said so"
            raise _failure("broken-answer", what)
        if response.status in _VERSION_STATUSES or not _understood(theirs):
            raise _failure("version", _version_problem(theirs, self._who))
        if response.status != http.client.OK:
            said = plain(content[:2000].decode("utf-8", "replace")) or response.reason
            failure = _failure("agent-error", f"{self._who} answered HTTP {response.status}: {said}")
            if response.status == http.client.SERVICE_UNAVAILABLE:
                failure.again_seconds = asked_pause(response.getheader("Retry-After"))
            raise failure
        kind = (response.getheader("Content-Type") or "").partition(";")[0].strip().lower()
        if kind != MESSAGE_PACK:
            raise _failure("broken-answer", f"{self._who} answered in {plain(kind, 60) or 'no known form'}")
        coding = (response.getheader("Content-Encoding") or "").strip().lower()
        if coding not in _CODINGS:
            raise _failure("broken-answer", f"{self._who} answered in the coding {plain(coding, 60)}")

    def _explained(self, error: Exception) -> AgentFailure:
        """Say what went wrong; the transport may know more of an answer that broke off."""
        if isinstance(error, TransportError):
            return AgentFailure(error.reason, str(error))
        fault = self._stream.fault() if self._stream is not None else None
        if fault is not None and not (isinstance(error, AgentFailure) and error.reason != "broken-answer"):
            return AgentFailure(fault.reason, str(fault))
        if isinstance(error, AgentFailure):
            return AgentFailure(error.reason, str(error), again_seconds=error.again_seconds)
        return self._broken(error)

    def _broken(self, error: Exception) -> AgentFailure:
        if isinstance(error, TimeoutError):
            return _failure("timeout", f"{self._who} did not answer in {self._deadline.seconds:g} s")
        if isinstance(error, (http.client.RemoteDisconnected, BrokenPipeError, ConnectionError)):
            return _failure("broken-answer", f"{self._who} ended the connection without an answer")
        if isinstance(error, http.client.IncompleteRead):
            missing = f" ({error.expected} bytes missing)" if error.expected else ""
            return _failure("broken-answer", f"{self._who} broke off in the middle of its answer{missing}")
        problem = plain(str(error)) or type(error).__name__
        return _failure("broken-answer", f"{self._who} does not speak HTTP ({problem})")

    def _too_large(self) -> AgentFailure:
        limit = f"{self._largest_bytes >> 20} MiB"
        return _failure("too-large", f"{self._who} answered more than {limit}")

    def _end(self, *, broken: bool) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close(broken=broken)


def decoded(content: bytes, answer: type[T], endpoint: Endpoint, *, largest_bytes: int = LARGEST_BYTES) -> T:
    """Return an answer of the agent at `endpoint` that was fetched. Raises AgentFailure."""
    content = _inflated(content, endpoint, largest_bytes)
    if grows_too_large(content):
        limit = f"{MOST_DECODED_BYTES >> 20} MiB"
        raise _failure("too-large", f"{_who(endpoint)} answered what would take more than {limit} of memory")
    try:
        return msgspec.msgpack.decode(content, type=answer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        problem = f"is not a whole {answer.__name__} ({plain(str(error))})"
        raise _failure("broken-answer", f"what {_who(endpoint)} answered {problem}") from error


def _inflated(content: bytes, endpoint: Endpoint, largest_bytes: int) -> bytes:
    """Return what was deflated as it was before; never more than `largest_bytes`, whatever it holds."""
    if not content.startswith(_ZLIB):
        return content
    inflating = zlib.decompressobj()
    try:
        whole = inflating.decompress(content, largest_bytes)
    except zlib.error as error:
        raise _failure("broken-answer", f"what {_who(endpoint)} answered is deflated wrongly") from error
    if inflating.eof:
        return whole
    if inflating.unconsumed_tail or len(whole) >= largest_bytes:
        raise _failure("too-large", f"{_who(endpoint)} answered more than {largest_bytes >> 20} MiB")
    raise _failure("broken-answer", f"what {_who(endpoint)} answered is deflated and cut short")


def _who(endpoint: Endpoint) -> str:
    return f"the agent at {endpoint}"


def _failure(reason: FailureReason, text: str) -> AgentFailure:
    return AgentFailure(reason, f"{text[:1].upper()}{text[1:].rstrip('.')}.")


def _understood(theirs: str) -> bool:
    """Tell whether answers of that version can be read: one's own, and those of both neighbours.

    Fields are only ever added, with defaults, so a neighbour's answer lacks or has a few more of them.
    """
    return theirs.isascii() and theirs.isdecimal() and abs(int(theirs[:9]) - SCHEMA_VERSION) <= 1


def _version_problem(theirs: str, who: str) -> str:
    if not (theirs.isascii() and theirs.isdecimal()):
        return f"{who} names no version of its schema that can be read ({plain(theirs, 40)!r})"
    number = int(theirs[:9])
    older, newer = ("memcollect here", number) if number > SCHEMA_VERSION else ("the agents", SCHEMA_VERSION)
    return (
        f"{who} speaks schema {number}, this memcollect {SCHEMA_VERSION}: "
        f"upgrade {older} to a release with schema {newer}"
    )
