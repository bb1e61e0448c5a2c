import socket

from memcollect.testing.websocket import WebSocket, accept_key


def test_the_handshake_key_is_answered_as_in_the_standards_example() -> None:
    # RFC 6455, section 1.3
    assert accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_a_client_that_is_gone_ends_the_messages_and_is_no_error() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        theirs.close()
        server = WebSocket(ours)
        server.send(b"anybody?")
        assert server.receive() == []
        assert not server.open
        server.send(b"still nobody")
        server.close()


def test_a_frame_without_a_mask_closes_the_connection() -> None:
    # A client must mask what it sends (RFC 6455, section 5.1); 1002 is a protocol error.
    ours, theirs = socket.socketpair()
    with ours, theirs:
        server = WebSocket(ours)
        theirs.sendall(b"\x82\x05hello")
        assert server.receive() == []
        assert not server.open
        frame = theirs.recv(100)
        assert (frame[:1], frame[2:4]) == (b"\x88", b"\x03\xea")
