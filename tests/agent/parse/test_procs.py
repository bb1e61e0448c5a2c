import pytest

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import procs


def test_the_list_is_kept_as_it_stands() -> None:
    assert procs.parse(b"20\n3\n20\n0\n", "cgroup.procs") == [20, 3, 20, 0]


def test_a_cgroup_without_processes_has_an_empty_list() -> None:
    assert procs.parse(b"", "cgroup.procs") == []


@pytest.mark.parametrize("data", [b"12", b"-3\n", b"4194305\n", b"a\n", b"\n"])
def test_what_is_no_pid_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        procs.parse(data, "cgroup.procs")
