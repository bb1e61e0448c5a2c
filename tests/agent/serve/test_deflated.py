"""Answers made smaller for clients that say they take them so."""

import zlib

import msgspec
import pytest

from memcollect_agent.serve.wsgi import DEFLATED_FROM_BYTES
from memcollect_agent.wire import NodeSample
from worlds.served_agents import ask, sample_of, service_of, serving


@pytest.mark.parametrize("pods", [30, 300])
def test_a_large_answer_comes_deflated_where_that_is_asked_for_and_is_the_same(pods: int) -> None:
    made = service_of(pods)
    with serving(made) as port:
        plain = ask(port, body=b"{}", Memcollect_Schema="1")
        small = ask(port, body=b"{}", Memcollect_Schema="1", Accept_Encoding="gzip, Deflate;q=1")
        assert plain.headers["Content-Encoding"] is None
        assert small.headers["Content-Encoding"] == "deflate"
        assert zlib.decompress(small.body) == plain.body
        assert int(small.headers["Content-Length"]) == len(small.body) < len(plain.body) / 4
        assert msgspec.msgpack.decode(plain.body, type=NodeSample) == sample_of(pods)
    assert made.held.size_bytes() == 0


@pytest.mark.parametrize("asked", ["gzip", "identity", "", "deflated"])
def test_nobody_gets_it_who_did_not_ask(asked: str) -> None:
    with serving(service_of(30)) as port:
        reply = ask(port, body=b"{}", Memcollect_Schema="1", Accept_Encoding=asked)
    assert reply.headers["Content-Encoding"] is None
    assert len(msgspec.msgpack.decode(reply.body, type=NodeSample).pods) == 30


def test_a_small_answer_and_a_refusal_come_as_they_are() -> None:
    with serving(service_of(0)) as port:
        reply = ask(port, body=b"{}", Memcollect_Schema="1", Accept_Encoding="deflate")
        refusal = ask(port, body=b"{]", Memcollect_Schema="1", Accept_Encoding="deflate")
    assert len(reply.body) < DEFLATED_FROM_BYTES
    assert reply.headers["Content-Encoding"] is None
    assert (refusal.status, refusal.headers["Content-Encoding"]) == (400, None)
