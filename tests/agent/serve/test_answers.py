from http import HTTPStatus

import pytest

from memcollect_agent.serve.answers import JSON, MESSAGE_PACK, Refusal, form_of


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", MESSAGE_PACK),
        ("*/*", MESSAGE_PACK),
        ("application/msgpack", MESSAGE_PACK),
        ("application/json", JSON),
        ("Application/JSON; q=0.5", JSON),
        ("text/html, application/json", JSON),
        ("application/json, application/msgpack", MESSAGE_PACK),
    ],
)
def test_the_form_is_messagepack_unless_only_json_is_named(accept: str, form: str) -> None:
    assert form_of(accept) == form


def test_a_refusal_is_its_sentence_in_plain_text() -> None:
    answer = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "Busy.", Retry_After="5").answer()
    assert (answer.status, answer.body, answer.content_type) == (503, b"Busy.\n", "text/plain; charset=utf-8")
    assert answer.headers == {"Retry-After": "5"}
