import math
from typing import Any

import pytest

from memcollect.profile.plan import Seconds, Size
from memcollect.profile.values import leaf


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("500ms", 0.5),
        ("20s", 20.0),
        ("1.5 s", 1.5),
        ("2m", 120.0),
        ("2min", 120.0),
        ("24h", 86_400.0),
        (3, 3.0),
    ],
)
def test_a_length_of_time_is_read_in_its_unit(written: Any, seconds: float) -> None:
    assert leaf(Seconds, written) == seconds


@pytest.mark.parametrize(
    ("written", "size"),
    [("7B", 7), ("512Ki", 512 << 10), ("1 MiB", 1 << 20), ("1.5Gi", 3 << 29), (4096, 4096), (0, 0)],
)
def test_a_size_is_read_in_its_unit(written: Any, size: int) -> None:
    assert leaf(Size, written) == size


def test_what_is_read_has_its_own_type() -> None:
    assert (type(leaf(Seconds, 1)), type(leaf(Size, 1))) == (Seconds, Size)


@pytest.mark.parametrize(
    "written", ["", "20", "20 S", "1e3s", "-1s", "20s ", "1d", "٣s", True, None, [1], math.inf, math.nan]
)
def test_what_is_no_length_of_time_is_told_what_to_write(written: Any) -> None:
    with pytest.raises(ValueError, match='is no length of time; write "20s"'):
        leaf(Seconds, written)


@pytest.mark.parametrize("written", ["", "1", "1M", "1mi", "1 Mb", "-1Mi", "1Mi\n", False, 1.0, None, {}])
def test_what_is_no_size_is_told_what_to_write(written: Any) -> None:
    with pytest.raises(ValueError, match='is no size; write "1Mi"'):
        leaf(Size, written)


@pytest.mark.parametrize(
    ("kind", "written"), [(Seconds, "25h"), (Seconds, -1), (Size, "1048577Gi"), (Size, -1)]
)
def test_what_is_out_of_range_is_told_the_range(kind: type, written: Any) -> None:
    with pytest.raises(ValueError, match="must be between 0 and"):
        leaf(kind, written)


def test_another_type_is_none_of_its_business() -> None:
    with pytest.raises(NotImplementedError):
        leaf(str, "20s")
