"""A request as the API sees it and the answer to it, and how answers are encoded."""

import dataclasses
from collections.abc import Mapping, Sequence

import msgspec

from memcollect.testing.failures import ApiError


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived; `query` keeps repeated parameters."""

    method: str
    path: str
    query: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    accept: str = ""
    user_agent: str = ""
    authorization: str | None = None
    body: bytes = b""
    address: str = ""
    content_type: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back; the body is whole and not yet compressed."""

    status: int
    body: bytes
    content_type: str = "application/json"


def failed(failure: ApiError, request: Request) -> Answer:
    """Return the answer that says why not."""
    return Answer(failure.code, encoded(failure.status, request))


def encoded(document: object, request: Request) -> bytes:
    """Return JSON, indented for people: an API server takes curl and browsers for such."""
    raw = msgspec.json.encode(document)
    asked = request.query.get("pretty", ("",))[-1]
    person = request.user_agent.startswith(("curl", "Wget", "Mozilla/5.0"))
    if asked in ("true", "1") or (person and asked not in ("false", "0")):
        return msgspec.json.format(raw, indent=2)
    return raw + b"\n"
