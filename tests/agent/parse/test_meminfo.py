import pytest

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import meminfo
from worlds.agent_trees import FIXTURES


def test_kilobytes_become_bytes_and_huge_pages_stay_counts() -> None:
    data = b"MemTotal:        6168220 kB\nHugePages_Total:       3\nHugepagesize:       2048 kB\n"
    assert meminfo.parse(data) == {"MemTotal": 6168220 * 1024, "HugePages_Total": 3, "Hugepagesize": 2 << 20}


def test_a_real_one_is_taken_whole() -> None:
    data = (FIXTURES / "systemd-kernel-7.2/proc/meminfo").read_bytes()
    fields = meminfo.parse(data)
    assert len(fields) == data.count(b"\n")
    assert fields["Inactive(file)"] == 391808 * 1024


@pytest.mark.parametrize(
    "data",
    [
        b"MemTotal: 5 MB\n",
        b"MemTotal: 5\n",
        b"MemTotal 5 kB\n",
        b"MemTotal: -5 kB\n",
        b"MemTotal: 5 kB\nMemTotal: 5 kB\n",
        b"MemTotal: 99999999999999999 kB\n",
    ],
)
def test_another_unit_or_form_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        meminfo.parse(data)
