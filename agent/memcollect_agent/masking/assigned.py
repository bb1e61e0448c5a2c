r"""Secrets by the name before them: NAME=V, "NAME": "V", --NAME V, Header: V, <NAME>V. Pure."""

import re

from memcollect_agent.masking.names import LONGEST, is_telling
from memcollect_agent.masking.shapes import MASK

_VALUE = (
    r"(?:[bu]?\\?\"(?:[^\"\\]|\\[^\"])*(?:\\?\"|\\?$)"
    r"|[bu]?\\?'(?:[^'\\]|\\[^'])*(?:\\?'|\\?$)"
    r"|[^\s&;,\"'{}\[\]<>][^\s&;,\"'}\]<>]*)"
)
_SEPARATOR = re.compile(r"\\?[\"']?\]?\s{0,4}(?:=>|:=|[=:])\s{0,4}")
_ITS_VALUE = re.compile(_VALUE)
_ELEMENT = re.compile(r"<(?P<name>[\w.:-]{1,100})>(?P<value>[^<]{1,1000})(?=</|$)")
_ATTRIBUTE = re.compile(rf"<(?P<name>[\w.:-]{{1,100}})\s{{1,4}}value=(?P<value>{_VALUE})")
_NAMED = re.compile(
    r"(?:name|key)\\?[\"']?\s{0,4}[:=]\s{0,4}\\?[\"']?(?P<name>[\w.-]{1,100})\\?[\"']?[\s,]{1,40}\\?[\"']?"
    rf"value\\?[\"']?\s{{0,4}}[:=]\s{{0,4}}(?P<value>{_VALUE})"
)
"""{"name": "NAME", "value": "V"}, as a container's variables have it, and <add key="NAME" value="V"/>."""
_SET = re.compile(
    rf"\bset\s{{1,8}}(?P<name>[\w./:-]{{1,100}})\s{{1,8}}(?P<value>(?![-=:]){_VALUE})", re.IGNORECASE
)
_OPTION = re.compile(
    rf"(?<!\S)(?P<name>--?[\w.-]{{1,100}})\s+(?P<value>(?!--?[a-zA-Z][\w-]*(?:[\s=]|$)|-\w(?:\s|$)){_VALUE})"
)
_ENDS_WITH_NAME = re.compile(r"[\w.-]+")
_ARGUMENT = re.compile(rf"(?P<name>-{{0,2}}[\w.-]{{1,{LONGEST}}}=)(?P<value>.+)", re.DOTALL)
_OPTION_ALONE = re.compile(rf"-{{1,2}}[\w.-]{{1,{LONGEST}}}")
_NEXT_OPTION = re.compile(r"--[a-z][a-z0-9-]*(?:=.*)?|-[a-zA-Z]", re.DOTALL)
_NO_SECRET = re.compile(r"(?i)true|false|yes|no|on|off|none|null|nil|\d{1,2}|\*+|\$\w+|\$\{\w+\}|\$\(\w+\)")
_QUOTES = "\\\"'"

_HEADER = re.compile(
    r"(?P<name>(?:proxy-)?authorization|(?:set-)?cookie2?)(?P<colon>[\"']?\s{0,4}[:=]\s{0,4})", re.IGNORECASE
)
_AUTH_SCHEME = re.compile(
    r"[\"']?(?:basic|bearer|digest|token|negotiate|ntlm|aws4-hmac-sha256|apikey)\s+", re.IGNORECASE
)
_BEARER = re.compile(r"(?i)\b(?P<name>bearer|basic)\s+[\w.~+/=-]{6,}")


def masked_arguments(arguments: list[str]) -> list[str]:
    """Return the arguments with the values of those masked whose name tells: NAME=V, and --NAME and then V.

    Here the borders are known, so a value is masked whole whatever stands in it.
    """
    shown = []
    value_follows = False
    for argument in arguments:
        if value_follows and not _NEXT_OPTION.fullmatch(argument):
            shown.append(_masked_value(argument))
            value_follows = False
            continue
        value_follows = _OPTION_ALONE.fullmatch(argument) is not None and is_telling(argument)
        assigned = _ARGUMENT.fullmatch(argument)
        if assigned is not None and _is_secret(assigned["name"], assigned["value"]):
            shown.append(f"{assigned['name']}{MASK}")
        else:
            shown.append(argument)
    return shown


def mask_headers(text: str) -> str:
    """Mask credentials and cookies: to the quote that closes what the header opened, or to the line's end."""
    pieces, done = [], 0
    for match in _HEADER.finditer(text):
        if match.start() < done:
            continue
        quote = text[match.start() - 1 : match.start()]
        if match["colon"][0] in _QUOTES:
            # A field of an object: its value has quotes of its own.
            continue
        start = match.end()
        scheme = _AUTH_SCHEME.match(text, start)
        start = scheme.end() if scheme else start
        end = text.find(quote if quote and quote in _QUOTES else "\n", start)
        end = len(text) if end < 0 else end
        if end > start:
            pieces += [text[done:start], MASK]
            done = end
    return _BEARER.sub(rf"\g<name> {MASK}", "".join([*pieces, text[done:]]))


def mask_options(text: str) -> str:
    """Mask --NAME V in a line of a shell."""
    return _OPTION.sub(_masked_match, text)


def mask_assigned(text: str) -> str:
    """Mask NAME=V, "NAME": "V", 'NAME' => 'V', NAME: V and <NAME>V, in whatever text."""
    pieces, done = [], 0
    for separator in _SEPARATOR.finditer(text):
        name = _name_before(text, separator.start())
        if separator.start() < done or not is_telling(name):
            continue
        match = _ITS_VALUE.match(text, separator.end())
        if match is not None and _is_secret(name, match[0]):
            pieces += [text[done : match.start()], _with_quotes(match[0])]
            done = match.end()
    text = "".join([*pieces, text[done:]])
    for pattern in (_ELEMENT, _ATTRIBUTE, _NAMED, _SET):
        text = pattern.sub(_masked_match, text)
    return text


def _name_before(text: str, end: int) -> str:
    backwards = text[max(0, end - LONGEST) : end][::-1]
    match = _ENDS_WITH_NAME.match(backwards)
    return match[0][::-1] if match else ""


def _masked_match(match: re.Match[str]) -> str:
    if not _is_secret(match["name"], match["value"]):
        return match[0]
    before = match.start("value") - match.start()
    after = match.end("value") - match.start()
    return f"{match[0][:before]}{_with_quotes(match['value'])}{match[0][after:]}"


def _is_secret(name: str, value: str) -> bool:
    if name.rstrip("=") == "PWD" and value.startswith("/"):
        # The shell's own: where it is.
        return False
    return is_telling(name) and not _NO_SECRET.fullmatch(value.strip(_QUOTES))


def _masked_value(value: str) -> str:
    return value if _NO_SECRET.fullmatch(value) else MASK


def _with_quotes(value: str) -> str:
    """Return the mask between the quotes that the value had."""
    inner = value.strip(_QUOTES)
    at = value.find(inner) if inner else 0
    return f"{value[:at]}{MASK}{value[at + len(inner) :]}" if inner else value
