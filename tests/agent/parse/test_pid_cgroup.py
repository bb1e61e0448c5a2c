import pytest

from memcollect_agent.errors import ParseError
from memcollect_agent.parse.pid_cgroup import parse


def test_the_path_is_that_of_the_v2_hierarchy() -> None:
    assert parse(b"0::/system.slice/a.service\n") == "/system.slice/a.service"
    assert parse(b"4:memory:/x\n0::/../../y:z\n") == "/../../y:z"


@pytest.mark.parametrize("data", [b"", b"4:memory:/x\n", b"0::x\n"])
def test_without_it_there_is_no_path(data: bytes) -> None:
    with pytest.raises(ParseError):
        parse(data)
