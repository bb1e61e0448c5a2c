from hypothesis import given, settings
from hypothesis import strategies as st

from memcollect.live.spark import BARS, sparkline

MIB = 1 << 20
values = st.lists(st.none() | st.integers(0, 1 << 50), max_size=20)


def test_steady_growth_is_a_staircase() -> None:
    assert sparkline([n * MIB for n in range(8)]) == BARS


def test_noise_does_not_look_like_growth() -> None:
    assert sparkline([100 * MIB, 100 * MIB + 4096, 100 * MIB]) == "▁▁▁"


def test_a_fall_ends_low() -> None:
    assert sparkline([80 * MIB, 40 * MIB, 10 * MIB]) == "█▄▁"


def test_what_is_not_known_is_left_out() -> None:
    assert sparkline([None, None, 0, 0]) == "  ▁▁"
    assert sparkline([None, None]) == "  "
    assert sparkline([]) == ""


@settings(derandomize=True)
@given(values)
def test_there_is_one_sign_for_each_value_whatever_they_are(sizes: list[int | None]) -> None:
    line = sparkline(sizes)
    assert len(line) == len(sizes)
    assert [sign == " " for sign in line] == [size is None for size in sizes]
