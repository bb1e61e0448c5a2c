import pytest

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import numa_stat


def test_each_field_is_split_by_node() -> None:
    data = b"anon N0=40960 N1=0\nfile N0=716800 N1=4096\n"
    assert numa_stat.parse(data, "memory.numa_stat") == {
        "anon": {"N0": 40960, "N1": 0},
        "file": {"N0": 716800, "N1": 4096},
    }


@pytest.mark.parametrize(
    "data", [b"anon N0=1 N0=2\n", b"anon N0=1\nanon N0=1\n", b"anon X0=1\n", b"anon N0\n", b""]
)
def test_other_columns_are_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        numa_stat.parse(data, "memory.numa_stat")
