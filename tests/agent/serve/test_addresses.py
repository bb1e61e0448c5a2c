import pytest

from memcollect_agent.errors import ListenError
from memcollect_agent.serve import addresses
from memcollect_agent.serve.addresses import Address


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:7070", "127.0.0.1", 7070),
        ("[::1]:0", "::1", 0),
        ("198.51.100.1:65535", "198.51.100.1", 65535),
    ],
)
def test_an_address_is_read_and_written_alike(text: str, host: str, port: int) -> None:
    address = addresses.parse(text)
    assert address == Address(host, port)
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7070",
        ":7070",
        "localhost:7070",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:0150042",
        "127.0.0.1:-1",
        "[::1",
        "1.2.3.4:٣",
    ],
)
def test_anything_else_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="is not an IP address and a port"):
        addresses.parse(text)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("198.51.100.1", False),
        ("10.0.0.1", False),
        ("::", False),
    ],
)
def test_only_the_loopback_is_loopback(host: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert Address(host, 1).is_loopback is expected


def test_a_taken_port_is_a_listen_error() -> None:
    with addresses.listen(Address("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=rf"cannot listen on 127.0.0.1:{port}: Address already in use"):
            addresses.listen(Address("127.0.0.1", port))


def test_an_address_of_another_machine_is_a_listen_error() -> None:
    with pytest.raises(ListenError, match=r"cannot listen on 192\.0\.2\.1:7070"):
        addresses.listen(Address("192.0.2.1", 7070))
