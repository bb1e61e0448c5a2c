import pytest

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import smaps

SENTRY = b"""\
7f0000000000-7f0003000000 rw-s 00000000 00:01 2057                       /memfd:runsc-memory (deleted)
Size:              49152 kB
Rss:               40960 kB
Pss:               20480 kB
Anonymous:             0 kB
Shared_Hugetlb:        0 kB
Private_Hugetlb:       0 kB
VmFlags: rd wr sh mr mw me ms
7ffe00000000-7ffe00021000 rw-p 00000000 00:00 0                          [stack]
Size:                132 kB
Rss:                  12 kB
Pss:                  12 kB
Anonymous:            12 kB
VmFlags: rd wr mr mw me gd ac
"""


def test_each_mapping_has_its_range_its_file_and_its_sizes() -> None:
    memfd, stack = smaps.parse(SENTRY)
    assert (memfd.size, memfd.permissions, memfd.device, memfd.inode) == (48 << 20, "rw-s", "00:01", 2057)
    assert (memfd.flags, stack.flags) == ("rd wr sh mr mw me ms", "rd wr mr mw me gd ac")
    assert memfd.path == "/memfd:runsc-memory (deleted)"
    assert memfd.sizes["Pss"] == 20 << 20
    assert (stack.path, stack.sizes) == ("[stack]", {"Rss": 12288, "Pss": 12288, "Anonymous": 12288})


def test_a_path_may_hold_spaces_and_bytes_that_are_no_text() -> None:
    text = SENTRY.replace(b"/memfd:runsc-memory (deleted)", b"/a b\\012\xff (x)")
    assert next(smaps.parse(text)).path == "/a b\\012\\xff (x)"


def test_nothing_is_no_mappings() -> None:
    assert list(smaps.parse(b"")) == []


def test_a_kernel_that_tells_no_flags_gives_none() -> None:
    assert next(smaps.parse(SENTRY.replace(b"VmFlags", b"VmOther"))).flags == ""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"Rss: 4 kB\n", 1),
        (b"x" + SENTRY, 1),
        (SENTRY.replace(b"Pss:                  12 kB\n", b""), 9),
        (SENTRY.replace(b"Rss:                  12 kB\n", b""), 9),
        (SENTRY.replace(b"Rss:               40960 kB\n", b""), 1),
    ],
)
def test_what_is_no_smaps_is_refused_with_its_line(text: bytes, line: int) -> None:
    with pytest.raises(ParseError) as raised:
        list(smaps.parse(text))
    assert raised.value.line_number == line


def test_what_a_bounded_read_cut_loses_its_last_mapping_only() -> None:
    for length in range(SENTRY.index(b"[stack]") + 8, len(SENTRY)):
        (only,) = smaps.parse(smaps.whole_mappings(SENTRY[:length]))
        assert only.inode == 2057
