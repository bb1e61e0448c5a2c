import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import flat_keyed

NAMES = st.text("abcdefghijklmnopqrstuvwxyz_0123456789", min_size=1, max_size=30)


def test_every_field_is_kept_under_the_kernels_name() -> None:
    data = b"anon 40960\nfile 716800\nzswpin 0\na_field_of_tomorrow 7\n"
    assert flat_keyed.parse(data, "memory.stat") == {
        "anon": 40960,
        "file": 716800,
        "zswpin": 0,
        "a_field_of_tomorrow": 7,
    }


@given(st.dictionaries(NAMES, st.integers(0, (1 << 64) - 1), min_size=1))
def test_what_the_kernel_would_write_comes_back(fields: dict[str, int]) -> None:
    text = "".join(f"{key} {value}\n" for key, value in fields.items())
    assert flat_keyed.parse(text.encode(), "memory.stat") == fields


@pytest.mark.parametrize(
    ("data", "line", "problem"),
    [
        (b"", 0, "is empty"),
        (b"anon 1\nanon 2\n", 2, "anon comes a second time"),
        (b"anon 1\nfile -2\n", 2, "is not a number the kernel can write"),
        (b"anon +1\n", 1, "is not a number the kernel can write"),
        (b"anon 1_000\n", 1, "is not a number the kernel can write"),
        (b"anon 18446744073709551616\n", 1, "is not a number the kernel can write"),
        (b"anon " + b"9" * 5000 + b"\n", 1, "is not a number the kernel can write"),
        (b"anon\n", 1, "is not a name and a number"),
        (b"anon 1\n\n", 2, "is not a name and a number"),
        (b"anon 1 kB\n", 1, "is not a number the kernel can write"),
        (b"anon 1\nfi\0le 2\n", 2, "holds a NUL byte"),
        (b"an\xffon 1\n", 1, "is not a field's name"),
        (b"anon 4096\nfile 71", 2, "ends in the middle of a line"),
    ],
)
def test_anything_else_is_blamed_on_its_line(data: bytes, line: int, problem: str) -> None:
    with pytest.raises(ParseError) as caught:
        flat_keyed.parse(data, "memory.stat")
    assert (caught.value.source, caught.value.line_number) == ("memory.stat", line)
    assert problem in str(caught.value)


TEXT = b"anon 40960\nfile 716800\nkernel_stack 9223372036854775807\n"


@given(st.integers(0, len(TEXT) - 1), st.binary(max_size=3))
def test_a_damaged_one_is_never_misread(position: int, damage: bytes) -> None:
    """Both ways agree on every damaged text: the fast one accepts nothing that the careful one refuses."""
    flat_keyed._layouts.forget()
    assert flat_keyed.parse(TEXT, "memory.stat") == flat_keyed._layouts.numbers(TEXT)
    data = TEXT[:position] + damage + TEXT[position + len(damage) :]
    try:
        careful = flat_keyed._carefully(data, "memory.stat")
    except ParseError:
        with pytest.raises(ParseError):
            flat_keyed.parse(data, "memory.stat")
    else:
        assert flat_keyed.parse(data, "memory.stat") == careful
