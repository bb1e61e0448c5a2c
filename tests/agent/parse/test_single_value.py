import pytest

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import single_value


def test_a_number_is_a_number() -> None:
    assert single_value.parse_number(b"913408\n", "memory.current") == 913408


def test_a_limit_may_be_the_word_max() -> None:
    assert single_value.parse_limit(b"max\n", "memory.max") == "max"
    assert single_value.parse_limit(b"0\n", "memory.max") == 0


@pytest.mark.parametrize("data", [b"", b"max", b"max\nmax\n", b" max\n", b"Max\n", b"max\n1\n", b"-1\n"])
def test_another_limit_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        single_value.parse_limit(data, "memory.max")


def test_max_is_no_number() -> None:
    with pytest.raises(ParseError, match=r"memory\.current, line 1"):
        single_value.parse_number(b"max\n", "memory.current")


@pytest.mark.parametrize(
    ("data", "value"), [(b"0\n", False), (b"1\n", True), (b"N\n", False), (b"Y\n", True)]
)
def test_a_flag_speaks_either_dialect(data: bytes, value: bool) -> None:  # noqa: FBT001 - a parameter of a test
    assert single_value.parse_flag(data, "memory.oom.group") is value


@pytest.mark.parametrize("data", [b"2\n", b"", b"\n", b"1", b"1\n1\n", b"\xff\n"])
def test_another_flag_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        single_value.parse_flag(data, "memory.oom.group")


@pytest.mark.parametrize("data", [b"", b"12\n13\n", b" 12\n", b"12 \n", b"-1\n", b"12", b"1\x002\n"])
def test_more_or_less_than_one_number_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        single_value.parse_number(data, "memory.current")


@pytest.mark.parametrize(("data", "bits"), [(b"0x0007\n", 7), (b"0x0000\n", 0), (b"0\n", 0)])
def test_bits_are_hexadecimal(data: bytes, bits: int) -> None:
    assert single_value.parse_flags(data, "enabled") == bits


@pytest.mark.parametrize("data", [b"7\n", b"0x\n", b"0xg\n", b"-0x1\n", b"0x1\n0x1\n"])
def test_other_bits_are_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        single_value.parse_flags(data, "enabled")


def test_a_word_is_printable() -> None:
    assert single_value.parse_word(b"node-1.example\n", "hostname") == "node-1.example"
    with pytest.raises(ParseError):
        single_value.parse_word(b"no\x1b[31mde\n", "hostname")
