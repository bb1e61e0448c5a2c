import pytest

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import status
from worlds.agent_trees import FIXTURES


def test_sizes_come_in_bytes() -> None:
    parsed = status.parse((FIXTURES / "systemd-kernel-7.2/proc/1925/status").read_bytes())
    assert (parsed.state, parsed.threads) == ("S", 1)
    assert (parsed.sizes["VmPTE"], parsed.sizes["VmRSS"]) == (28 * 1024, 668 * 1024)


def test_a_zombie_has_no_sizes() -> None:
    assert status.parse(b"Name:\tx\nState:\tZ (zombie)\nThreads:\t1\n").sizes == {}


def test_a_name_cannot_pass_for_a_size() -> None:
    parsed = status.parse(b"Name:\tVmPTE: 99 kB\nState:\tS (sleeping)\nVmPTE:\t 28 kB\n")
    assert parsed.sizes == {"VmPTE": 28 * 1024}


def test_a_name_may_be_any_bytes() -> None:
    assert status.parse(b"Name:\t\xff\xfe)\nState:\tR (running)\n").state == "R"


@pytest.mark.parametrize(
    "data",
    [
        b"Name:\tx\n",
        b"State:\tS\nVmPTE:\t28\n",
        b"State:\tS\nVmPTE:\t28 kB\nVmPTE:\t28 kB\n",
        b"State:\tS\nodd\n",
        b"",
    ],
)
def test_another_form_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        status.parse(data)
