"""Keeping secrets and control characters of command lines on the node.

Masking is by shape, so it errs to the safe side and is no proof that nothing secret is left: full
command lines are a privilege of agents that were started to allow them, and even those are masked.
"""

import re

MASK = "***"
DEFAULT_LENGTH = 512
"""Characters of a command line that are sent unless full ones were asked for and allowed."""
FULL_LENGTH = 32768

# Every repetition that may be tried from many places is bounded: whoever wrote the command line must
# not be able to make the masking slow.
_TELLING_NAME = (
    r"[\w.-]{0,100}(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|auth"
    r"|credentials?|cookie|signature|session[_-]?(?:id|key)|bearer|dsn|connection[_-]?string)[\w.-]{0,100}"
)
_ASSIGNED = re.compile(
    rf"(?i)(?P<name>(?:^|[\s\"'{{,;&?])-{{0,2}}\"?{_TELLING_NAME}\"?\s?[=:]\s?)(?P<value>\"[^\"]*\"|'[^']*'|[^\s&;,\"']+)"
)
_OPTION = re.compile(rf"(?i)-{{1,2}}{_TELLING_NAME}")
_HEADER = re.compile(r"(?i)\b(?P<name>(?:proxy-)?authorization\s*[:=]\s*)(?:(?P<scheme>[a-z]+)\s+)?[^\s\"']+")
_SCHEME = re.compile(r"(?i)\b(?P<name>bearer|basic)\s+[\w.~+/=-]{6,}")
_USERINFO = re.compile(r"(?P<name>[a-zA-Z][a-zA-Z0-9+.-]{0,30}://)[^\s/@]+@")
_SHAPES = re.compile(
    r"(?<![\w-])(?:"
    r"eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?"  # a JSON Web Token
    r"|sk-[\w-]{8,}|(?:sk|rk|pk)_(?:live|test)_\w{8,}"
    r"|gh[pousr]_\w{8,}|github_pat_\w{8,}|glpat-[\w-]{8,}|xox[abeoprs]-[\w-]{8,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{12,}|AIza[\w-]{20,}|ya29\.[\w-]{8,}|hf_\w{16,}|npm_\w{16,}"
    r")"
)
_PEM = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)", re.DOTALL
)


def command_line(arguments: list[str], length: int = DEFAULT_LENGTH) -> str:
    """Return the arguments joined by spaces, masked, visible, and at most `length` characters long.

    The value of an option that is named like a secret is masked whether it follows after "=" or as
    the next argument. What was cut off shows as "…".
    """
    # Bounded before the regular expressions see it; the second bound is for the reader.
    text = visible(masked(" ".join(_masked_options(arguments))[: 2 * FULL_LENGTH]))
    return text if len(text) <= length else text[: max(length - 1, 0)] + "…"


def masked(text: str) -> str:
    """Return `text` with everything that looks like a credential replaced by ***."""
    text = _PEM.sub(MASK, text)
    text = _USERINFO.sub(rf"\g<name>{MASK}@", text)
    text = _HEADER.sub(_masked_header, text)
    text = _SCHEME.sub(rf"\g<name> {MASK}", text)
    text = _ASSIGNED.sub(rf"\g<name>{MASK}", text)
    return _SHAPES.sub(MASK, text)


def visible(text: str) -> str:
    r"""Return `text` with what a terminal might obey written as an escape (\n, \x1b, \u202e).

    That is: every character that is not printable (str.isprintable: controls, format characters such
    as bidirectional overrides, lone surrogates, line separators); an ordinary space stays.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode("ascii")
        for char in text
    )


def _masked_options(arguments: list[str]) -> list[str]:
    shown = []
    value_follows = False
    for argument in arguments:
        if value_follows and not argument.startswith("-"):
            shown.append(MASK)
            value_follows = False
            continue
        value_follows = _OPTION.fullmatch(argument) is not None
        shown.append(argument)
    return shown


def _masked_header(match: re.Match[str]) -> str:
    scheme = f"{match['scheme']} " if match["scheme"] else ""
    return f"{match['name']}{scheme}{MASK}"
