import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import flat_keyed
from memcollect_agent.parse.stat_fields import StatFields

TEXT = b"anon 40960\nfile 716800\nkernel 155648\nsock 0\n"


def fields() -> StatFields:
    return StatFields(("kernel", "anon"))


def taught() -> StatFields:
    """Return one that has learnt the layout, and so takes the fast way where it may."""
    picker = fields()
    picker.parse(TEXT, "memory.stat")
    assert picker._layout is not None
    return picker


def test_picks_the_fields_in_the_order_of_the_names() -> None:
    assert fields().parse(TEXT, "memory.stat") == [155648, 40960]


def test_the_second_text_of_the_same_kernel_gives_its_own_numbers() -> None:
    picker = taught()
    assert picker.parse(b"anon 1\nfile 2\nkernel 3\nsock 4\n", "memory.stat") == [3, 1]


def test_a_text_with_other_lines_is_read_by_its_names() -> None:
    picker = taught()
    assert picker.parse(b"kernel 3\nzswap 9\nanon 1\n", "memory.stat") == [3, 1]


def test_a_field_that_the_kernel_does_not_have_is_none() -> None:
    assert fields().parse(b"anon 1\nfile 2\n", "memory.stat") == [None, 1]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"anon 40960\nfile 716800\nkernel 155648\nsock",
        b"anon 40960\nfile 716800\nkernel 155648\nsock 0",
        b"anon 40960\nfile 716800\nkernel 1556x8\nsock 0\n",
        b"anon 40960\nfile -1\nkernel 155648\nsock 0\n",
        b"anon 40960\nfile 1\nkernel 99999999999999999999999\nsock 0\n",
        b"anon\n40960 file\n716800 kernel\n155648 sock\n0\n",
        b"anon  40960\nfile 716800\nkernel 155648\nsock 0\n",
        b"anon 40960\nfile 716800\nkernel 155648\nsock 0\n\n",
    ],
)
def test_damage_is_an_error_even_when_the_layout_is_known(text: bytes) -> None:
    picker = taught()
    with pytest.raises(ParseError):
        picker.parse(text, "memory.stat")


@given(st.binary() | st.lists(st.sampled_from([b"anon ", b"kernel ", b"7", b"\n", b" ", b"x"])).map(b"".join))
def test_the_fast_way_agrees_with_the_careful_one(text: bytes) -> None:
    picker = taught()
    try:
        careful = flat_keyed.parse(text, "memory.stat")
    except ParseError:
        with pytest.raises(ParseError):
            picker.parse(text, "memory.stat")
        return
    assert picker.parse(text, "memory.stat") == [careful.get("kernel"), careful.get("anon")]
