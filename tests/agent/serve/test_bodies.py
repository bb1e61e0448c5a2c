from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect_agent.serve import bodies
from memcollect_agent.serve.answers import JSON, MESSAGE_PACK, Refusal
from memcollect_agent.wire import HistoryRequest, SampleRequest

REQUEST = SampleRequest(pod_uids=["a"], process_limit=3, history=True)


def refused(body: bytes, content_type: str = JSON, *, lenient: bool = False) -> Refusal:
    with pytest.raises(Refusal) as caught:
        bodies.decode(body, content_type, SampleRequest, lenient=lenient)
    return caught.value


@pytest.mark.parametrize(
    ("content_type", "encode"),
    [
        (JSON, msgspec.json.encode),
        ("Application/JSON; charset=utf-8", msgspec.json.encode),
        (MESSAGE_PACK, msgspec.msgpack.encode),
    ],
)
def test_both_forms_say_the_same(content_type: str, encode: Any) -> None:
    assert bodies.decode(encode(REQUEST), content_type, SampleRequest, lenient=False) == (REQUEST, [])


def test_an_empty_object_asks_for_the_defaults() -> None:
    assert bodies.decode(b"{}", JSON, HistoryRequest, lenient=False) == (HistoryRequest(), [])


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "json"])
def test_a_body_of_another_kind_is_unsupported(content_type: str) -> None:
    refusal = refused(b"{}", content_type)
    assert refusal.status == 415
    assert "application/msgpack or application/json" in refusal.sentence


def test_a_misspelt_field_of_a_person_is_refused_and_named() -> None:
    refusal = refused(b'{"proces_limit": 3}')
    assert (refusal.status, refusal.sentence) == (
        400,
        "Bad request: SampleRequest has no field 'proces_limit'.",
    )


def test_a_newer_collectors_field_is_answered_around_and_reported() -> None:
    request, problems = bodies.decode(b'{"process_limit": 3, "depth": 9}', JSON, SampleRequest, lenient=True)
    assert request == SampleRequest(process_limit=3)
    assert [(problem.kind, problem.name, problem.reason) for problem in problems] == [
        ("request", "depth", "unsupported")
    ]
    assert "upgrade the agent" in problems[0].detail


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the body is no application/json object"),
        (b"[]", "the body is no application/json object"),
        (b'{"pod_uids": ["a"', "the body is no application/json object"),
        (b"\xff\xfe", "the body is no application/json object"),
        (b"[" * 5000, "the body is no application/json object"),
        (b'{"pod_uids": "a"}', "this is no SampleRequest"),
        (b'{"pod_uids": [1]}', "this is no SampleRequest"),
        (b'{"pod_uids": [""]}', "an entry of pod_uids is empty or longer than"),
        (b'{"process_limit": -1}', "process_limit must be from 0 to"),
        (b'{"process_limit": 10001}', "process_limit must be from 0 to"),
        (b'{"time_budget_seconds": -0.1}', "time_budget_seconds must be from 0 to"),
        (b'{"time_budget_seconds": 1e300}', "time_budget_seconds must be from 0 to"),
        (b'{"process_ceiling_bytes": -1}', "process_ceiling_bytes must be from 0 to"),
    ],
)
def test_a_bad_request_is_one_printable_sentence(body: bytes, said: str) -> None:
    refusal = refused(body)
    assert refusal.status == 400
    assert said in refusal.sentence
    assert refusal.sentence.isprintable()
    assert refusal.sentence.endswith(".")


def test_a_budget_that_is_no_number_is_refused() -> None:
    body = msgspec.msgpack.encode({"time_budget_seconds": float("nan")})
    assert "time_budget_seconds" in refused(body, MESSAGE_PACK).sentence


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"pod_uids": ["a"] * (bodies.MAX_UIDS + 1)}, "pod_uids has 4097 entries"),
        ({"units": ["a"] * (bodies.MAX_PATTERNS + 1)}, "units has 65 entries"),
        ({"keeper_ids": ["a"] * (bodies.MAX_KEEPER_IDS + 1)}, "keeper_ids has 1025 entries"),
        ({"units": ["a" * 254]}, "an entry of units is empty or longer"),
    ],
)
def test_lists_are_bounded(fields: dict[str, object], said: str) -> None:
    assert said in refused(msgspec.json.encode(fields)).sentence


def test_a_body_that_is_too_large_is_not_looked_at() -> None:
    assert refused(b"x" * (bodies.MAX_BODY_BYTES + 1)).status == 413


def test_what_a_client_sent_is_never_echoed_raw() -> None:
    refusal = refused(msgspec.json.encode({"\x1b[2J" + "x" * 1000: 1}))
    assert refusal.sentence == "Bad request: SampleRequest has no field '\\x1b[2J" + "x" * 36 + "'."


@given(st.binary(max_size=200), st.sampled_from([JSON, MESSAGE_PACK]), st.booleans())
def test_no_bytes_raise_anything_but_a_refusal(body: bytes, content_type: str, lenient: bool) -> None:  # noqa: FBT001 - hypothesis
    try:
        request, _ = bodies.decode(body, content_type, SampleRequest, lenient=lenient)
    except Refusal:
        return
    assert isinstance(request, SampleRequest)
