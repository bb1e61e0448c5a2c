import math
from typing import Any, Literal

import pytest

from memcollect.profile.plan.model import Call, Seconds, Size
from memcollect.profile.plan.values import example, leaf


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
    with pytest.raises(ValueError, match='it must be a length of time, as "500ms"'):
        leaf(Seconds, written)


@pytest.mark.parametrize("written", ["", "1", "1M", "1mi", "1 Mb", "-1Mi", "1Mi\n", False, 1.0, None, {}])
def test_what_is_no_size_is_told_what_to_write(written: Any) -> None:
    with pytest.raises(ValueError, match='it must be a size, as "1Mi"'):
        leaf(Size, written)


@pytest.mark.parametrize(
    ("kind", "written"),
    [(Seconds, "25h"), (Seconds, -1), (Size, "1048577Gi"), (Size, -1), (Seconds, 10**400)],
)
def test_what_is_out_of_range_is_told_the_range(kind: type, written: Any) -> None:
    with pytest.raises(ValueError, match='it must be from 0 to "'):
        leaf(kind, written)


@pytest.mark.parametrize(
    ("kind", "written", "must"),
    [
        (str, 1, "text in quotes"),
        (str, ["a"], "text in quotes"),
        (int, "1", "a whole number"),
        (int, True, "a whole number"),
        (int, 1.0, "a whole number"),
        (Literal["GET", "POST"], "FETCH", "one of GET, POST"),
        (Literal["GET", "POST"], "get", "one of GET, POST"),
        (Literal["GET", "POST"], ["GET"], "one of GET, POST"),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_what_it_must_be(kind: Any, written: Any, must: str) -> None:
    with pytest.raises(ValueError, match=f"^it must be {must}$"):
        leaf(kind, written)


def test_a_value_of_the_right_kind_is_what_was_written() -> None:
    assert [leaf(str, "a"), leaf(int, 16**4000), leaf(Literal["GET", "POST"], "POST")] == [
        "a",
        16**4000,
        "POST",
    ]


@pytest.mark.parametrize(
    ("kind", "written"),
    [(str, '"…"'), (list[str], '["…"]'), (list[int], "[1]"), (Seconds, '"20s"'), (Call, '{ url = "…" }')],
)
def test_an_example_is_toml(kind: Any, written: str) -> None:
    assert example(kind) == written


def test_another_type_is_none_of_its_business() -> None:
    with pytest.raises(NotImplementedError):
        leaf(bytes, "20s")
