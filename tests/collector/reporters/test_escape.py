import unicodedata
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect.reporters.escape import HIDDEN_CATEGORIES, html, markdown, markdown_code, visible


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\u202eb", r"a\u202eb"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("line\r\nline\t", r"line\r\nline\t"),
        ("\x9b2J", r"\x9b2J"),
        ("\udcff", r"\udcff"),
        ("\U000e0041", r"\U000e0041"),
        ("größe–日本", "größe–日本"),
    ],
)
def test_what_a_terminal_would_obey_or_hide_is_written_out(hostile: str, shown: str) -> None:
    assert visible(hostile) == shown


@given(st.text())
def test_visible_text_holds_nothing_hidden(text: str) -> None:
    assert not any(unicodedata.category(character) in HIDDEN_CATEGORIES for character in visible(text))


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("a|b", r"a\|b"),
        ("`code` *bold* _it_", r"\`code\` \*bold\* \_it\_"),
        ("[x](y) <script>", r"\[x\](y) \<script\>"),
        ("~~gone~~ #1 @all &lt; ![i](u) $x$", r"\~\~gone\~\~ \#1 \@all \&lt; \!\[i\](u) \$x\$"),
        ("see http://e.vil", r"see http\://e.vil"),
        ("www.e.vil", "ww&#119;.e.vil"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("3.0 GiB", "3.0 GiB"),
        ("    indented", "indented"),
        ("one\n| two |", r"one\\n\| two \|"),
        ("\x1b[0m", r"\\x1b\[0m"),
    ],
)
def test_markdown_shows_the_text_and_does_nothing_else(hostile: str, shown: str) -> None:
    assert markdown(hostile) == shown


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("plain", "`plain`"),
        ("a`b", "``a`b``"),
        ("``", "``` `` ```"),
        ("`", "`` ` ``"),
        ("a|b", r"`a\|b`"),
        ("", "` `"),
        ("a\nb", r"`a\nb`"),
    ],
)
def test_a_code_span_cannot_be_closed_from_inside(hostile: str, shown: str) -> None:
    assert markdown_code(hostile) == shown


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("<script>", "&lt;script&gt;"),
        ("\"onload='x'", "&quot;onload=&#39;x&#39;"),
        ("&lt;", "&amp;lt;"),
        ("a\u202eb\n", r"a\u202eb\n"),
        ("x`y", "x&#96;y"),
    ],
)
def test_html_shows_the_text_and_does_nothing_else(hostile: str, shown: str) -> None:
    assert html(hostile) == shown


@given(st.text())
def test_html_is_read_back_as_the_visible_text(text: str) -> None:
    assert not set("<>\"'`") & set(html(text))
    assert unescape(html(text)) == visible(text)
