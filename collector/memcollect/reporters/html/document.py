"""The page around what it shows: one file that asks nobody for anything. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

from memcollect.reporters.html.markup import Markup, element
from memcollect.reporters.html.style import STYLE

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""Were some name to become markup after all, the browser would still neither run nor fetch nor send it.

A script of ours runs by its hash, and no other beside it.
"""
HATCH = Markup(
    '<svg width="0" height="0" class="defs" aria-hidden="true"><defs>'
    '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="stripe" width="2.5" height="6"/></pattern></defs></svg>\n'
)


def document(title: str, body: Iterable[str], script: str = "") -> str:
    """Return the whole file; `script` is our own, and runs when all else is there."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(script)),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name_="color-scheme", content="light dark"),
        element("meta", name_="referrer", content="no-referrer"),
        element("title", title),
        element("style", Markup(STYLE)),
    )
    whole = element("body", HATCH, *body, element("script", Markup(script)) if script else "")
    return f'<!doctype html>\n<html lang="en">\n{head}{whole}\n</html>\n'


def _policy(script: str) -> str:
    if not script:
        return POLICY
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"{POLICY}; script-src 'sha256-{digest}'"
