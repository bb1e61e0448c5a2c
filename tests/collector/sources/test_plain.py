import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect.sources.plain import plain, plain_end


def test_control_characters_cannot_reach_the_terminal() -> None:
    assert plain("a\x1b[31mred\nnext\x00") == "a\\x1b[31mred next\\x00"


def test_a_long_text_is_cut() -> None:
    assert plain("x" * 1_000_000, 10) == "x" * 9 + "…"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("x" * 9 + "y", "x" * 9 + "y"),
        ("x" * 9 + "yz", "…xxxxxxxyz"),
        ("x" * 1_000_000 + "the\r\nend\n\n", "…xxthe end"),
        ("far away" + " " * 100 + "end", "…end"),
        ("end" + " " * 100, "end"),
    ],
)
def test_a_long_text_is_cut_before_its_end(text: str, shown: str) -> None:
    assert plain_end(text, 10) == shown


@given(st.text())
def test_any_text_becomes_one_printable_line(text: str) -> None:
    assert plain(text).isprintable()
    assert plain_end(text, 10).isprintable()
    assert len(plain_end(text, 10)) <= 10
