import socket
import zlib

import msgspec
import pytest

from memcollect.sources.agent_http import AgentConversation, AgentFailure
from memcollect.sources.deadline import Deadline
from memcollect.sources.direct import DirectTransport
from memcollect.sources.transport import Endpoint, SocketStream, TransportError
from memcollect_agent.wire import NodeSample, SampleRequest
from worlds.tcp_agents import (
    Behaviour,
    answering,
    hanging,
    http_answer,
    listening,
    refusing_port,
    sample,
    saying,
    trickling,
)

GOOD = http_answer(msgspec.msgpack.encode(sample("n")))
ENDPOINT = Endpoint(pod="agent-1", port=7070)


def ask(port: int, timeout: float = 5.0, largest_bytes: int = 1 << 20) -> NodeSample:
    transport = DirectTransport(lambda _endpoint: ("127.0.0.1", port))
    with AgentConversation(transport, ENDPOINT, Deadline(timeout), largest_bytes=largest_bytes) as agent:
        return agent.ask("POST", "/v1/sample", NodeSample, SampleRequest(pod_uids=["u"]))


def failure(behaviour: Behaviour, timeout: float = 5.0, largest_bytes: int = 1 << 20) -> AgentFailure:
    with listening(behaviour) as port, pytest.raises(AgentFailure) as raised:
        ask(port, timeout, largest_bytes)
    assert "\n" not in str(raised.value)
    assert str(raised.value).endswith(".")
    return raised.value


def test_an_agent_answers_what_it_was_asked() -> None:
    with listening(answering("n")) as port:
        answer = ask(port)
    assert (answer.node.name, answer.agent_version) == ("n", "u")


def test_two_questions_share_a_connection_that_stays_open() -> None:
    with listening(answering("n")) as port:
        transport = DirectTransport(lambda _endpoint: ("127.0.0.1", port))
        with AgentConversation(transport, ENDPOINT, Deadline(60)) as agent:
            agent.ask("POST", "/v1/sample", NodeSample, SampleRequest())
            with pytest.raises(AgentFailure, match="ended the connection"):
                agent.ask("POST", "/v1/sample", NodeSample, SampleRequest())
            again = agent.ask("POST", "/v1/sample", NodeSample, SampleRequest())
    assert again.node.name == "n"


def test_chunks_are_put_together() -> None:
    body = msgspec.msgpack.encode(sample("n"))
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/msgpack\r\nMemcollect-Schema: 1\r\n"
    head += b"Transfer-Encoding: chunked\r\n\r\n"
    chunked = head + b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    with listening(saying(chunked + b"0\r\n\r\n")) as port:
        assert ask(port).node.name == "n"
    assert failure(saying(chunked)).reason == "broken-answer"


def test_a_port_where_nothing_listens() -> None:
    with pytest.raises(
        AgentFailure, match=r"Nothing listens on port 7070 of pod memcollect/agent-1\."
    ) as raised:
        ask(refusing_port())
    assert raised.value.reason == "agent-refused"


def test_an_agent_that_hangs_is_given_up_at_the_deadline() -> None:
    hung = failure(hanging, timeout=0.2)
    assert (hung.reason, str(hung)) == (
        "timeout",
        "The agent at port 7070 of pod memcollect/agent-1 did not answer in 0.2 s.",
    )


def test_an_agent_that_trickles_gains_no_time_by_it() -> None:
    assert failure(trickling(GOOD, 0.05), timeout=0.3).reason == "timeout"


def test_an_agent_that_is_slow_within_the_deadline_is_heard() -> None:
    with listening(trickling(GOOD, 0.001)) as port:
        assert ask(port).node.name == "n"


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (b"", "ended the connection without an answer"),
        (GOOD[:10], "does not speak HTTP"),
        (GOOD[:60], "no memcollect agent"),
        (GOOD[:-1], r"broke off in the middle of its answer \(1 bytes missing\)"),
        (b"\x00garbage\r\n\r\n", "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n", "does not speak HTTP"),
        (b"HTTP/1.1 200 " + b"x" * 100_000, "does not speak HTTP"),
        (http_answer(b"\xc1"), "is not a whole NodeSample"),
        (http_answer(b""), "is not a whole NodeSample"),
        (http_answer(msgspec.msgpack.encode({"node": 5})), "is not a whole NodeSample"),
        (http_answer(b"\xdd\xff\xff\xff\xff"), "is not a whole NodeSample"),
        (http_answer(b"\x91" * 100_000), "is not a whole NodeSample"),
        (http_answer(b"{}", kind="application/json"), "answered in application/json"),
        (http_answer(b"hello", schema=None), "no memcollect agent"),
    ],
)
def test_an_answer_that_is_broken_is_one_sentence(said: bytes, sentence: str) -> None:
    with listening(saying(said)) as port, pytest.raises(AgentFailure, match=sentence) as raised:
        ask(port)
    assert raised.value.reason == "broken-answer"


def test_the_end_of_an_answer_of_unknown_length_is_the_connections() -> None:
    head, _, body = GOOD.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
    without_length = b"\r\n".join([*lines, b"", b""])
    with listening(saying(without_length + body)) as port:
        assert ask(port).node.name == "n"
    half = failure(saying(without_length + body[: len(body) // 2]))
    assert (half.reason, "is not a whole NodeSample" in str(half)) == ("broken-answer", True)


def test_an_answer_that_is_announced_too_large_is_not_read() -> None:
    announced = b"HTTP/1.1 200 OK\r\nMemcollect-Schema: 1\r\nContent-Length: 99999999999\r\n\r\n"
    large = failure(saying(announced))
    assert (large.reason, "more than 1 MiB" in str(large)) == ("too-large", True)


def test_an_answer_that_grows_too_large_is_cut_off() -> None:
    endless = b"HTTP/1.1 200 OK\r\nMemcollect-Schema: 1\r\n\r\n" + b"x" * 3_000_000
    assert failure(saying(endless)).reason == "too-large"


@pytest.mark.parametrize("status", ["200 OK", "409 Conflict", "426 Upgrade Required"])
def test_an_agent_of_a_far_version_names_what_to_upgrade(status: str) -> None:
    newer = failure(saying(http_answer(b"\xff", status, schema="7")))
    assert newer.reason == "version"
    assert str(newer) == (
        "The agent at port 7070 of pod memcollect/agent-1 speaks schema 7, this memcollect 1: "
        "upgrade memcollect here to a release with schema 7."
    )


def test_an_agent_that_is_too_old_is_to_be_upgraded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memcollect.sources.agent_http.SCHEMA_VERSION", 5)
    assert "upgrade the agents to a release with schema 5" in str(failure(saying(GOOD)))


def test_a_neighbouring_version_is_understood() -> None:
    document = msgspec.msgpack.decode(msgspec.msgpack.encode(sample("n"))) | {"news": {"of": "version 2"}}
    with listening(saying(http_answer(msgspec.msgpack.encode(document), schema="2"))) as port:
        assert ask(port).node.name == "n"


@pytest.mark.parametrize("schema", ["", "one", "1.0", "-1", "9" * 400, "١"])
def test_a_version_that_is_none_is_one_sentence(schema: str) -> None:
    assert failure(saying(http_answer(b"", schema=schema).decode("utf-8").encode("utf-8"))).reason in (
        "version",
        "broken-answer",
    )


def test_an_agents_own_error_is_passed_on_without_its_control_characters() -> None:
    error = failure(saying(http_answer(b"no budget\x1b[2J\nleft", "503 Service Unavailable", "text/plain")))
    assert error.reason == "agent-error"
    assert str(error).endswith("answered HTTP 503: no budget\\x1b[2J left.")


def test_the_transports_own_words_explain_an_answer_that_broke_off_in_its_head() -> None:
    class Broken(SocketStream):
        def fault(self) -> TransportError:
            return TransportError("agent-unreachable", "The node says: gone.")

    class Transport:
        def connect(self, _endpoint: Endpoint, deadline: Deadline) -> Broken:
            return Broken(socket.create_connection(("127.0.0.1", port)), deadline)

        def close(self) -> None:
            pass

    with (
        listening(saying(GOOD[:60])) as port,
        AgentConversation(Transport(), ENDPOINT, Deadline(60)) as agent,
        pytest.raises(AgentFailure, match=r"The node says: gone\.") as raised,
    ):
        agent.ask("POST", "/v1/sample", NodeSample, SampleRequest())
    assert raised.value.reason == "agent-unreachable"


def in_coding(content: bytes, coding: str) -> bytes:
    head, _, body = http_answer(content).partition(b"\r\n\r\n")
    return head + f"\r\nContent-Encoding: {coding}\r\n\r\n".encode() + body


def test_an_answer_that_was_deflated_is_read_as_it_was_before() -> None:
    whole = msgspec.msgpack.encode(sample("n"))
    with listening(saying(in_coding(zlib.compress(whole, 1), "deflate"))) as port:
        assert ask(port).node.name == "n"


@pytest.mark.parametrize(
    ("content", "coding", "reason", "sentence"),
    [
        (zlib.compress(bytes(1 << 22)), "deflate", "too-large", "answered more than 1 MiB"),
        (zlib.compress(bytes(1 << 20))[:-9], "deflate", "broken-answer", "cut short"),
        (b"\x78\x01" + b"\xff" * 40, "deflate", "broken-answer", "deflated wrongly"),
        (b"\x78", "deflate", "broken-answer", "cut short"),
        (msgspec.msgpack.encode(sample("n")), "gzip", "broken-answer", "in the coding gzip"),
    ],
)
def test_what_was_deflated_wrongly_or_is_a_bomb_is_refused(
    content: bytes, coding: str, reason: str, sentence: str
) -> None:
    refused = failure(saying(in_coding(content, coding)), largest_bytes=1 << 20)
    assert refused.reason == reason
    assert sentence in str(refused)
