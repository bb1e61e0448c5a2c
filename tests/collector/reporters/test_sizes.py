import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect.reporters.sizes import interval, share, short_size, signed_size, size

MIB = 1 << 20


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "?"),
        (0, "0 B"),
        (1, "1 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1048575, "1.0 MiB"),
        (388 * MIB, "388.0 MiB"),
        (1012 * MIB, "1012.0 MiB"),
        (1100 * MIB, "1100.0 MiB"),
        (10_000 * MIB, "9.8 GiB"),
        (-104 * MIB, "−104.0 MiB"),
        (1 << 70, "1024.0 EiB"),
    ],
)
def test_a_size_has_one_decimal_in_the_unit_a_ladder_can_be_added_up_in(
    value: int | None, shown: str
) -> None:
    assert size(value) == shown


@given(st.integers())
def test_only_nought_reads_as_nought(value: int) -> None:
    digits = {character for character in size(value) if character.isdigit()}
    assert (digits == {"0"}) == (value == 0)


@given(st.integers(min_value=1, max_value=1 << 60))
def test_a_size_is_within_a_twentieth_of_its_unit_of_the_truth(value: int) -> None:
    number, unit = size(value).split()
    scale = 1024 ** ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"].index(unit)
    assert abs(round(float(number) * 10) * scale - value * 10) <= scale / 2


def test_a_signed_size_always_shows_its_sign() -> None:
    assert [signed_size(value) for value in (MIB, -MIB, 0, None)] == ["+1.0 MiB", "−1.0 MiB", "0 B", "?"]


def test_a_short_size_fits_a_narrow_column() -> None:
    sizes = (1012 * MIB, 100 * MIB - 1, -(99 * MIB) - MIB // 2, -(388 * MIB), 7, None)
    assert [short_size(value) for value in sizes] == ["1012Mi", "100Mi", "−99.5Mi", "−388Mi", "7B", "?"]


@given(st.integers(min_value=-(1 << 69), max_value=1 << 69))
def test_a_short_size_never_needs_more_than_seven_columns(value: int) -> None:
    assert len(short_size(value)) <= 7


def test_an_interval_names_a_shared_unit_once() -> None:
    assert interval(120 * MIB, 128 * MIB) == "120.0–128.0 MiB"


def test_an_interval_of_two_units_names_both() -> None:
    assert interval(4096, 128 * MIB) == "4.0 KiB–128.0 MiB"


def test_an_interval_of_one_number_is_that_number() -> None:
    assert interval(4096, 4096) == "4.0 KiB"


def test_no_dash_of_an_interval_can_be_read_as_a_minus() -> None:
    assert interval(-MIB, MIB) == "−1.0 MiB to 1.0 MiB"
    assert interval(0, MIB, signed=True) == "0 B to +1.0 MiB"


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (38, 100, "38 %"),
        (0, 100, "0 %"),
        (1, 1000, "<1 %"),
        (-1, 1000, "<1 %"),
        (-38, 100, "−38 %"),
        (999, 1000, ">99 %"),
        (1000, 1000, "100 %"),
        (1, 0, ""),
    ],
)
def test_a_share_never_rounds_a_trace_to_nothing_nor_most_to_all(part: int, whole: int, shown: str) -> None:
    assert share(part, whole) == shown
