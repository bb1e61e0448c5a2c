import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memcollect.units import GIB, KIB, MIB, human_bytes

SCALE = {"B": 1, "KiB": KIB, "MiB": MIB, "GiB": GIB, "TiB": GIB << 10}


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (12, "12 B"),
        (1023, "1023 B"),
        (KIB, "1 KiB"),
        (388 * MIB, "388 MiB"),
        (1012 * MIB, "1012 MiB"),
        (14 * GIB + 400 * MIB, "14.4 GiB"),
        (5 * MIB + 700 * KIB, "5.7 MiB"),
        (-5 * MIB, "−5 MiB"),
        (5000 * (GIB << 10), "5000 TiB"),
    ],
)
def test_a_size_reads_as_briefly_as_in_the_tables(size_bytes: int, text: str) -> None:
    assert human_bytes(size_bytes) == text


@given(st.integers(1, 1 << 55))
@settings(derandomize=True)
def test_what_is_read_is_within_a_twentieth_of_the_size(size_bytes: int) -> None:
    number, unit = human_bytes(size_bytes).split()

    assert float(number) * SCALE[unit] == pytest.approx(size_bytes, rel=0.05)
