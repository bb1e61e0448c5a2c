"""The body of a request -> its struct, with every number and list bounded."""

from http import HTTPStatus
from typing import Any, TypeVar

import msgspec

from memcollect_agent.redact import visible
from memcollect_agent.serve.answers import JSON, MESSAGE_PACK, Refusal
from memcollect_agent.wire import HistoryRequest, Problem, SampleRequest

MAX_BODY_BYTES = 256 << 10
MAX_UIDS = 4096
"""A kubelet runs 110 pods unless told otherwise, and some hundreds at most."""
MAX_PATTERNS = 64
MAX_KEEPER_IDS = 1024
MAX_NAME = 253
"""Characters of a UID or a pattern; Kubernetes' longest names have as many."""
MAX_PROCESSES = 10_000
MAX_FILES = 10_000
MAX_SECONDS = 86_400.0
MAX_BYTES = 1 << 62

T = TypeVar("T", SampleRequest, HistoryRequest)


def decode(body: bytes, content_type: str, kind: type[T], *, lenient: bool) -> tuple[T, list[Problem]]:
    """Return the request, and a problem for each field that this agent does not know.

    `lenient`: the client is a program that said which schema it speaks, so a field that is not known
    here is one of a newer release. From anybody else it is a misspelling and refused.
    Raises Refusal: 400, 413 or 415.
    """
    if len(body) > MAX_BODY_BYTES:
        raise too_large()
    fields = _fields(body, content_type)
    unknown = sorted(set(fields) - set(kind.__struct_fields__))
    if unknown and not lenient:
        raise _bad(f"{kind.__name__} has no field '{_shown(unknown[0])}'")
    try:
        request = msgspec.convert({name: fields[name] for name in fields if name not in unknown}, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise _bad(f"this is no {kind.__name__}: {_shown(str(error), 200)}") from error
    _bound(request)
    return request, [_not_known(name) for name in unknown[:10]]


def too_large() -> Refusal:
    """Return the refusal of a body that is too long."""
    return Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The body is larger than {MAX_BODY_BYTES >> 10} KiB: ask for fewer pods.",
    )


def _fields(body: bytes, content_type: str) -> dict[str, Any]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in (JSON, MESSAGE_PACK):
        raise Refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"The body must be {MESSAGE_PACK} or {JSON}, and Content-Type must say which.",
        )
    decode_body = msgspec.json.decode if kind == JSON else msgspec.msgpack.decode
    try:
        fields = decode_body(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise _bad(f"the body is no {kind} object: {_shown(str(error), 200)}") from error
    return fields


def _bound(request: SampleRequest | HistoryRequest) -> None:
    _check_names("pod_uids", request.pod_uids, MAX_UIDS)
    if isinstance(request, SampleRequest):
        _check_names("units", request.units, MAX_PATTERNS)
        _check_names("keeper_ids", request.keeper_ids, MAX_KEEPER_IDS)
        _check_number("time_budget_seconds", request.time_budget_seconds, MAX_SECONDS)
        _check_number("process_limit", request.process_limit, MAX_PROCESSES)
        _check_number("file_limit", request.file_limit, MAX_FILES)
        _check_number("process_ceiling_bytes", request.process_ceiling_bytes, MAX_BYTES)


def _check_names(field: str, names: list[str] | None, most: int) -> None:
    if names is None:
        return
    if len(names) > most:
        raise _bad(f"{field} has {len(names)} entries, and at most {most} are allowed")
    if any(not name or len(name) > MAX_NAME for name in names):
        raise _bad(f"an entry of {field} is empty or longer than {MAX_NAME} characters")


def _check_number(field: str, value: float, most: float) -> None:
    # Written so that NaN, which MessagePack can carry, is refused too.
    if not 0 <= value <= most:
        raise _bad(f"{field} must be from 0 to {most:g}")


def _not_known(name: str) -> Problem:
    shown = _shown(name)
    return Problem(
        kind="request",
        name=shown,
        reason="unsupported",
        detail=f"this agent is older than the field '{shown}' and answered without it: upgrade the agent",
    )


def _bad(sentence: str) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, f"Bad request: {sentence}.")


def _shown(text: str, length: int = 40) -> str:
    return visible(text[:length])
