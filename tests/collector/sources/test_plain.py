from hypothesis import given
from hypothesis import strategies as st

from memcollect.sources.plain import plain


def test_control_characters_cannot_reach_the_terminal() -> None:
    assert plain("a\x1b[31mred\nnext\x00") == "a\\x1b[31mred next\\x00"


def test_a_long_text_is_cut() -> None:
    assert plain("x" * 1_000_000, 10) == "x" * 9 + "…"


@given(st.text())
def test_any_text_becomes_one_printable_line(text: str) -> None:
    assert plain(text).isprintable()
