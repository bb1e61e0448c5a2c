import pytest

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import proc_stat


def test_the_boot_time_is_found_among_the_counters() -> None:
    assert (
        proc_stat.parse_boot_time(b"cpu  7429 0 3281\nintr 5 6\nbtime 1795377000\nprocesses 9\n")
        == 1795377000
    )


@pytest.mark.parametrize("data", [b"", b"cpu 1\n", b"btime x\n"])
def test_without_one_it_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        proc_stat.parse_boot_time(data)
