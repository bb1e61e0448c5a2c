import pytest

from memcollect.schema.units import unit_of


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("pss_bytes", "bytes"),
        ("bytes", "bytes"),
        ("waited_seconds", "seconds"),
        ("read_at", "seconds since the Unix epoch"),
        ("total", "microseconds"),
        ("avg10", "percent"),
        ("threads", ""),
        ("inode", ""),
    ],
)
def test_the_name_says_the_unit(name: str, unit: str) -> None:
    assert unit_of(name) == unit
