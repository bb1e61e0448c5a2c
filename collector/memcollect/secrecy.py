"""The secrets that this process sends, and texts from elsewhere without them. Pure but for what it was told.

A server that refuses a key may repeat it in what it says, and that would stand on a terminal, in a log and in
a bundle that is handed around. Whoever is about to send a secret tells it here first; whatever text comes
back goes through `without_secrets` before it is cut, shown or kept.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import urllib.parse
from collections.abc import Iterator, Mapping

from memcollect_agent.masking.names import is_telling

MASK = "(not kept)"
SHORTEST_SECRET = 6
"""Characters. What is shorter cannot be told from any other text."""
_PIECE = 12
"""Characters: so many of a secret's beginning, or of its end, are known again where only a part is quoted."""

_forms: dict[str, None] = {}
_told: dict[str, None] = {}
"""Dictionaries for their order, and because adding to one is safe from any thread."""


def remember_secret(value: str) -> str:
    """Return `value`, which is about to be sent; from now on no text that is shown or kept may hold it.

    Of an Authorization header the part after the scheme is the secret, and of `Basic` the password too.
    """
    if value not in _told:
        for part in _parts(value):
            for form in _written(part):
                if len(form) >= SHORTEST_SECRET:
                    _forms[form] = None
        _told[value] = None
    return value


def remember_environment(environ: Mapping[str, str]) -> None:
    """Remember what a program gets with our environment: what it says may repeat any of it."""
    for name, value in environ.items():
        # A path says where a secret lies, and is none.
        if is_telling(name) and not value.startswith("/"):
            remember_secret(value)


def forget_secrets() -> None:
    """Forget all, for tests that share a process."""
    _forms.clear()
    _told.clear()


def without_secrets(text: str) -> str:
    """Return `text` with MASK in place of every secret, and of every longer piece of one, at either end."""
    forms = sorted(list(_forms), key=len, reverse=True)  # noqa: C414 # the list is made at once, in C
    for form in forms:
        text = text.replace(form, MASK)
    for form in forms:
        text = _without_pieces(text, form)
    return text


def _parts(value: str) -> Iterator[str]:
    yield value.strip()
    scheme, space, credentials = value.strip().partition(" ")
    if not space:
        return
    yield credentials.strip()
    if scheme.lower() == "basic":
        try:
            decoded = base64.b64decode(credentials, validate=True).decode()
        except (binascii.Error, ValueError):
            return
        yield decoded
        yield decoded.partition(":")[2]


def _written(secret: str) -> Iterator[str]:
    """Yield how a secret may stand in JSON, HTML and a URL."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield html.escape(secret)
    yield urllib.parse.quote(secret, safe="")
    yield urllib.parse.quote_plus(secret)


def _without_pieces(text: str, secret: str) -> str:
    head, tail = secret[:_PIECE], secret[-_PIECE:]
    if head in text:
        text = _masked(text, head, secret, MASK)
    if tail in text:
        text = _masked(text[::-1], tail[::-1], secret[::-1], MASK[::-1])[::-1]
    return text


def _masked(text: str, head: str, secret: str, mask: str) -> str:
    """Return `text` with `mask` for each run that begins with `head`, as far as it goes on as `secret`."""
    found, at = [], 0
    while (start := text.find(head, at)) >= 0:
        found += [text[at:start], mask]
        at = start + _common(text, start, secret)
    return "".join([*found, text[at:]])


def _common(text: str, start: int, secret: str) -> int:
    """Return how many characters of `secret` stand in `text` from `start` on, from its first one."""
    low, high = 0, len(secret) + 1
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if text.startswith(secret[:middle], start) else (low, middle)
    return low
