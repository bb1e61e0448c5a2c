import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import pid_stat
from worlds.agent_trees import FIXTURES
from worlds.agent_trees import pid_stat as stat_line


def test_a_real_line() -> None:
    parsed = pid_stat.parse((FIXTURES / "systemd-kernel-7.2/proc/1925/stat").read_bytes())
    layout = (
        b"4198400 4689089 140187726945824 4851416 4874864 4902912 140187726946209 140187726946216"
        b" 140187726946216 140187726946289"
    )
    assert parsed == pid_stat.PidStat(1925, "pause", "S", 1846, 1, 3733, 167, False, layout)


@pytest.mark.parametrize("comm", ["a b", "a) S 1 (b", "x\ny", ")", "", "((", "1 (x) Z 0"])
def test_a_name_cannot_move_the_fields(comm: str) -> None:
    parsed = pid_stat.parse(stat_line(7, comm, ppid=3, threads=4, start=55).encode())
    assert (parsed.comm, parsed.state, parsed.ppid, parsed.threads, parsed.start_ticks) == (
        comm,
        "S",
        3,
        4,
        55,
    )


@given(st.binary(max_size=15))
def test_no_name_can(comm: bytes) -> None:
    line = stat_line(7, "COMM", ppid=3, start=55).encode().replace(b"COMM", comm)
    parsed = pid_stat.parse(line)
    assert (parsed.pid, parsed.ppid, parsed.start_ticks) == (7, 3, 55)
    assert parsed.comm == comm.decode("utf-8", "backslashreplace")


def test_kernel_threads_and_zombies_are_told_apart() -> None:
    assert pid_stat.parse(stat_line(2, flags=0x00200040).encode()).is_kernel_thread
    assert pid_stat.parse(stat_line(2, state="Z").encode()).is_zombie
    assert not pid_stat.parse(stat_line(2).encode()).is_zombie


def test_resident_pages_caught_below_zero_are_none() -> None:
    assert pid_stat.parse(stat_line(2, rss_pages=-3).encode()).rss_pages == 0


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is not a pid"),
        (b"1 (x", "is not a pid"),
        (b"1 x) S 1\n", "is not a pid"),
        (b"(x) S 1\n", "is not a pid"),
        (b"1 (x) S 1 2 3\n", "is not a pid"),
        (b"1 (x) S" + b" 1" * 20, "is not a pid"),
        (b"x (x) S" + b" 1" * 40, "x"),
        (b"1 (x) SS" + b" 1" * 40, "the state is not a letter"),
        (b"1 (x) 5" + b" 1" * 40, "the state is not a letter"),
        (b"1 (x) S" + b" 1" * 20 + b" -y", "-y"),
    ],
)
def test_another_form_is_refused_with_its_line(data: bytes, why: str) -> None:
    with pytest.raises(ParseError, match=re.escape(why)) as raised:
        pid_stat.parse(data)
    assert raised.value.line_number == 1


@pytest.mark.parametrize(("tail", "layout"), [(b"", b""), (b" 1 1 0 10", b""), (b" 7 8 9 10", b"7 8 9")])
def test_where_the_kernel_hides_or_lacks_the_places_there_is_no_layout(tail: bytes, layout: bytes) -> None:
    """Without the right to see them startcode and endcode are 1, and startstack is 0 (fs/proc/array.c)."""
    assert pid_stat.parse(b"1 (x) S" + b" 1" * 21 + b" 6" + tail).layout == layout
