import pytest

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import cmdline


@pytest.mark.parametrize(
    ("data", "arguments"),
    [
        (b"/bin/sh\0-c\0sleep 1\0", ["/bin/sh", "-c", "sleep 1"]),
        (b"", []),
        (b"\0\0", []),
        (b"nginx: worker process\0\0\0\0", ["nginx: worker process"]),
        (b"a\0\0b\0", ["a", "", "b"]),
        (b"caf\xe9\0", ["caf\\xe9"]),
    ],
)
def test_arguments_are_ended_by_nul(data: bytes, arguments: list[str]) -> None:
    assert cmdline.parse(data) == arguments


def test_an_endless_one_is_refused() -> None:
    with pytest.raises(ParseError):
        cmdline.parse(b"x" * (cmdline.MAX_BYTES + 1))
