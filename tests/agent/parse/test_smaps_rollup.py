import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import smaps_rollup
from worlds.agent_trees import FIXTURES, smaps

REAL = (FIXTURES / "systemd-kernel-7.2/proc/1925/smaps_rollup").read_bytes()


def test_every_line_comes_in_bytes() -> None:
    fields = smaps_rollup.parse(REAL)
    assert len(fields) == REAL.count(b"\n") - 1
    assert (fields["Rss"], fields["Pss"], fields["Pss_Anon"]) == (668 * 1024, 196 * 1024, 40 * 1024)


def test_the_fast_way_says_what_the_careful_one_says() -> None:
    smaps_rollup._layouts.forget()
    careful = smaps_rollup.parse(REAL)
    assert smaps_rollup._layouts.numbers(REAL, 1024) == careful
    assert smaps_rollup.parse(REAL) == careful == smaps_rollup._carefully(REAL, "smaps_rollup")


def test_a_kernel_of_another_layout_is_understood_too() -> None:
    old = b"\n".join(line for line in REAL.split(b"\n") if not line.startswith((b"Pss_Dirty", b"KSM")))
    fields = smaps_rollup.parse(old)
    assert "Pss_Dirty" not in fields
    assert fields["Pss"] == 196 * 1024


@given(st.lists(st.integers(0, 1 << 50), min_size=12, max_size=12))
def test_what_the_kernel_would_write_comes_back(values: list[int]) -> None:
    text = smaps(1)
    head, *lines = text.splitlines()
    written = [f"{line.split()[0]} {value} kB" for line, value in zip(lines, values, strict=True)]
    fields = smaps_rollup.parse("\n".join([head, *written, ""]).encode())
    assert list(fields.values()) == [value * 1024 for value in values]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (b"Pss:                 196 kB", b"Pss:                 196 MB", 3),
        (b"Pss:                 196 kB", b"Pss:                -196 kB", 3),
        (b"Pss:                 196 kB", b"Pss:                 1_6 kB", 3),
        (b"Pss:                 196 kB", b"Pss:                 196", 3),
        (b"Pss:                 196 kB", b"Pss:    9999999999999999 kB", 3),
        (b"Pss_Dirty:            40 kB", b"Pss:                  40 kB", 4),
        (b"[rollup]", b"[heap]", 1),
        (b"KSM:", b"K\0M:", 14),
        (b"Locked:                0 kB\n", b"Locked:                0 kB", 23),
    ],
)
@pytest.mark.parametrize("seen_before", [True, False])
def test_a_broken_line_is_blamed(old: bytes, new: bytes, line: int, seen_before: bool) -> None:  # noqa: FBT001
    smaps_rollup._layouts.forget()
    if seen_before:
        smaps_rollup.parse(REAL)
    assert old in REAL
    with pytest.raises(ParseError) as caught:
        smaps_rollup.parse(REAL.replace(old, new))
    assert caught.value.line_number == line


@pytest.mark.parametrize("name", [b"Rss", b"Pss"])
def test_without_its_rss_or_pss_it_says_nothing(name: bytes) -> None:
    lacking = b"".join(line for line in REAL.splitlines(keepends=True) if not line.startswith(name + b":"))
    with pytest.raises(ParseError, match="has no Rss or no Pss"):
        smaps_rollup.parse(lacking)


@given(st.integers(0, len(REAL) - 1), st.binary(max_size=3))
def test_a_damaged_one_is_never_misread(position: int, damage: bytes) -> None:
    """Both ways agree on every damaged text: the fast one accepts nothing that the careful one refuses."""
    smaps_rollup._layouts.forget()
    smaps_rollup.parse(REAL)
    data = REAL[:position] + damage + REAL[position + len(damage) :]
    try:
        careful = smaps_rollup._carefully(data, "smaps_rollup")
    except ParseError:
        with pytest.raises(ParseError):
            smaps_rollup.parse(data)
    else:
        assert smaps_rollup.parse(data) == careful


def test_layouts_are_not_collected_without_end() -> None:
    smaps_rollup._layouts.forget()
    for number in range(50):
        smaps_rollup.parse(REAL.replace(b"KSM", b"F%d" % number))
    assert len(smaps_rollup._layouts) <= 8
