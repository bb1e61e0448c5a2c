"""No bytes make a parser raise anything but ParseError."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import (
    chosen,
    cmdline,
    controllers,
    cpu_list,
    flat_keyed,
    meminfo,
    mounts,
    numa_stat,
    pid_stat,
    pressure,
    proc_stat,
    procs,
    single_value,
    smaps_rollup,
    status,
    swaps,
    version,
    vmstat,
)

PARSERS: list[Callable[[bytes, str], object]] = [
    chosen.parse,
    cmdline.parse,
    controllers.parse,
    cpu_list.parse_count,
    flat_keyed.parse,
    meminfo.parse,
    mounts.parse,
    numa_stat.parse,
    pid_stat.parse,
    pressure.parse,
    proc_stat.parse_boot_time,
    procs.parse,
    single_value.parse_flag,
    single_value.parse_limit,
    single_value.parse_number,
    single_value.parse_word,
    smaps_rollup.parse,
    status.parse,
    swaps.parse_count,
    version.parse_release,
    vmstat.parse,
]
# Words of the real files, so that the search gets past the first check of each parser.
WORDS = st.sampled_from(
    b"anon|max|0|17|kB|:|=|N0=1|some|avg10=0.00|(|)|S|-|,|0-3|State:|Vm|btime |Linux version |Filename|[a]|"
    b"[rollup]|Rss:|Pss:| |\n|\t|\0|\xff|1111111111111111111111111111111".split(b"|")
)
TEXTS = st.one_of(st.binary(), st.lists(WORDS, max_size=40).map(b"".join))


def _ids(parser: Callable[[bytes, str], object]) -> str:
    return f"{parser.__module__.rpartition('.')[2]}.{parser.__name__}"


@pytest.mark.parametrize("parser", PARSERS, ids=_ids)
@given(data=TEXTS)
def test_any_bytes_give_a_value_or_a_parse_error(parser: Callable[[bytes, str], object], data: bytes) -> None:
    with suppress(ParseError):
        parser(data, "some file")
