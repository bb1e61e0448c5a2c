"""Text from outside made harmless for the place it is shown in. Pure.

Names of pods, processes, paths and images are chosen by strangers: a process may call itself an escape
sequence, a right-to-left override or half a table row. Nothing is dropped, it is made visible instead.
"""

import re
import unicodedata
from functools import lru_cache

HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode's control, format (bidi overrides, zero-width), surrogate, private, unassigned, separators."""

NAMED_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
HTML_SPECIAL = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "`": "&#96;"}
)
MARKDOWN_START = re.compile(r"^\s*(?:([-+=])|(\d+)(?=[.)](?:\s|$)))")
MARKDOWN_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#@&!$])|(:)(?=//)|\b(www)(?=\.)", re.IGNORECASE)


def visible(text: str) -> str:
    r"""Return `text` with every character that a terminal would obey or hide written out, e.g. "\x1b"."""
    if text.isprintable():
        return text
    return "".join(_visible_character(character) for character in text)


def _visible_character(character: str) -> str:
    if unicodedata.category(character) not in HIDDEN_CATEGORIES:
        return character
    if character in NAMED_ESCAPES:
        return NAMED_ESCAPES[character]
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


@lru_cache(4096)  # a page says the same few words some hundred thousand times
def html(text: str) -> str:
    """Return `text` as HTML that shows exactly it, between tags and in a quoted attribute alike."""
    return visible(text).translate(HTML_SPECIAL)


def markdown(text: str) -> str:
    """Return `text` as Markdown that shows exactly it: no markup, no link, no mention, no new row."""
    escaped = MARKDOWN_SPECIAL.sub(_markdown_escape, visible(text)).strip()
    return MARKDOWN_START.sub(lambda found: f"\\{found[1]}" if found[1] else f"{found[2]}\\", escaped)


def _markdown_escape(match: re.Match[str]) -> str:
    if match[3]:
        return f"{match[3][:2]}&#{ord(match[3][2])};"
    return f"\\{match[0]}"


def markdown_code(text: str) -> str:
    """Return `text` as a Markdown code span that is also safe inside a table's cell.

    The fence is one backtick longer than the longest run inside, as CommonMark asks; a pipe is escaped
    because GitHub splits a row into cells before it looks for code.
    """
    shown = visible(text).replace("|", r"\|") or " "
    runs = [len(run) for run in re.findall(r"`+", shown)]
    fence = "`" * (max(runs, default=0) + 1)
    padding = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{padding}{shown}{padding}{fence}"
