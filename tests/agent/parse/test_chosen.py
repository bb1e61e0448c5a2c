import pytest

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import chosen


def test_the_word_in_brackets_is_the_choice() -> None:
    assert chosen.parse(b"always [madvise] never\n", "thp") == "madvise"


@pytest.mark.parametrize("data", [b"always madvise never\n", b"[always] [never]\n", b"", b"[]\n"])
def test_no_single_choice_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        chosen.parse(data, "thp")
