import struct
import zlib

import pytest

from memcollect.testing import spdy


def test_the_dictionary_is_the_drafts() -> None:
    assert len(spdy.DICTIONARY) == 1423
    assert zlib.adler32(spdy.DICTIONARY) == 0xE3C6A7C2


def test_frames_survive_being_cut_anywhere() -> None:
    encoder = spdy.Encoder()
    sent = (
        encoder.syn_stream(1, {"streamtype": "error", "port": "80"})
        + encoder.syn_stream(3, {"streamtype": "data", "port": "80", "requestid": "ü"})
        + spdy.data(3, b"hello", spdy.FIN)
        + spdy.ping(7)
    )
    decoder = spdy.Decoder()
    frames = [frame for index in range(len(sent)) for frame in decoder.feed(sent[index : index + 1])]
    first, second, third, fourth = frames
    assert isinstance(first, spdy.Control)
    assert isinstance(second, spdy.Control)
    assert (first.kind, first.stream, second.stream) == (spdy.SYN_STREAM, 1, 3)
    assert decoder.headers(first) == {"streamtype": "error", "port": "80"}
    assert decoder.headers(second) == {"streamtype": "data", "port": "80", "requestid": "ü"}
    assert third == spdy.Data(3, spdy.FIN, b"hello")
    assert fourth == spdy.Control(spdy.PING, 0, struct.pack(">I", 7))


def test_another_version_is_an_error() -> None:
    with pytest.raises(spdy.SpdyError, match="version 2"):
        list(spdy.Decoder().feed(struct.pack(">HHI", 0x8002, 1, 0)))


@pytest.mark.parametrize("block", [b"", b"garbage", zlib.compress(b"\0\0\0\x09")])
def test_a_header_block_of_garbage_is_an_error(block: bytes) -> None:
    with pytest.raises(spdy.SpdyError, match="header block"):
        spdy.Decoder().headers(spdy.Control(spdy.SYN_STREAM, 0, bytes(10) + block))


def test_a_frame_too_short_to_name_its_stream_is_an_error() -> None:
    with pytest.raises(spdy.SpdyError, match="2 bytes"):
        _ = spdy.Control(spdy.PING, 0, b"ab").stream
