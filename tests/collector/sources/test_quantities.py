import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect.sources.quantities import LARGEST, QuantityError, nanos, quantity, whole


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("1k", 1000),
        ("1Ki", 1024),
        ("256Mi", 256 << 20),
        ("1.5Gi", 3 << 29),
        ("1Ti", 1 << 40),
        ("1Pi", 1 << 50),
        ("2Ei", 2 << 60),
        ("3M", 3_000_000),
        ("3G", 3 * 10**9),
        ("3T", 3 * 10**12),
        ("3P", 3 * 10**15),
        ("3E", 3 * 10**18),
        ("129e6", 129_000_000),
        ("129E6", 129_000_000),
        ("12e+3", 12_000),
        ("5.", 5),
        ("+5", 5),
        ("-5Ki", -5120),
    ],
)
def test_a_quantity_in_bytes_is_exact(text: str, number: int) -> None:
    assert whole(text) == number


@pytest.mark.parametrize(
    ("text", "number"), [("100m", 1), (".5", 1), ("1.5", 2), ("1n", 1), ("-1.5", -2), ("0.0m", 0)]
)
def test_a_fraction_of_a_byte_is_rounded_away_from_zero(text: str, number: int) -> None:
    assert whole(text) == number


@pytest.mark.parametrize(
    ("text", "nanocores"),
    [("1166452n", 1_166_452), ("250u", 250_000), ("100m", 10**8), ("2", 2 * 10**9), ("0", 0)],
)
def test_cpu_is_in_nanocores(text: str, nanocores: int) -> None:
    assert nanos(text) == nanocores


@pytest.mark.parametrize("text", ["12Ei", "1e9999", "99999999999999999999"])
def test_what_exceeds_an_int64_is_cut_off_there(text: str) -> None:
    assert whole(text) == LARGEST
    assert whole(f"-{text}") == -LARGEST


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "1_000",
        "1K",
        "1ki",
        "1mi",
        "1ni",
        "1Kib",
        "1e3Mi",
        "1e",
        "e3",
        "Mi",
        "NaN",
        "Infinity",
        "0x10",
        "--1",
        "1..2",
        ".",
        "+",
        "1e99999",
        "١",
        "1\n",
        "9" * 200,
    ],
)
def test_what_kubernetes_refuses_is_refused(text: str) -> None:
    with pytest.raises(QuantityError):
        quantity(text)


@given(st.text(max_size=40))
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        number = quantity(text)
    except QuantityError:
        return
    assert re.match(r"[+-]?[.0-9]", text)
    assert -LARGEST <= number <= LARGEST


@given(st.integers(0, 2**40), st.sampled_from(["", "k", "M", "Ki", "Mi"]))
def test_whole_numbers_survive(number: int, suffix: str) -> None:
    unit = {"": 1, "k": 1000, "M": 10**6, "Ki": 1024, "Mi": 1 << 20}[suffix]
    assert quantity(f"{number}{suffix}") == min(Decimal(number * unit), Decimal(LARGEST))
