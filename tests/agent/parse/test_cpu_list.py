import pytest

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import cpu_list


@pytest.mark.parametrize(("data", "count"), [(b"0\n", 1), (b"0-3\n", 4), (b"0-3,8,10-11\n", 7)])
def test_ranges_are_counted(data: bytes, count: int) -> None:
    assert cpu_list.parse_count(data, "online") == count


@pytest.mark.parametrize("data", [b"", b"\n", b"3-0\n", b"0-3,2\n", b"0-\n", b"a\n", b"0,,1\n"])
def test_another_form_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        cpu_list.parse_count(data, "online")
