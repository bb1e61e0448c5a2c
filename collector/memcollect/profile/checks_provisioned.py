"""What a provisioner's requests in a plan may not say: they make and delete by what {id} stands for. Pure."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from memcollect.profile.plan import Call, Provisioned
from memcollect.profile.shown import shown, shown_address
from memcollect.profile.tables import Mistakes
from memcollect.sources.plain import plain

POD = re.compile(r"[a-z0-9]([-a-z0-9.]{0,200}[a-z0-9])?", re.ASCII)
HEADER_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?", re.ASCII)
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_KNOWN = re.compile(r"\{(?:id|run|namespace)\}", re.ASCII)
_ANY = re.compile(r"\{[^{}]*\}|[{}]")
_WITHOUT_ID = {
    "create": "sandboxes could not be told apart",
    "delete": "it would delete we know not what",
    "release": "it would release we know not what",
    "reuse": "it would take we know not what",
}


def check_provisioned(source: Provisioned, mistakes: Mistakes) -> None:
    """Add a sentence for each mistake."""
    for name, why in _WITHOUT_ID.items():
        call: Call | None = getattr(source, name)
        if call is not None:
            _call(f"source.{name}", call, why, mistakes)
    if "{id}" not in source.pod or not POD.fullmatch(source.pod.replace("{id}", "0")):
        mistakes.append(f"source.pod is {shown(source.pod)}; write a pod's name with {{id}} in it.")
    if source.request_timeout <= 0:
        mistakes.append("source.request_timeout is 0; write how long an answer may take.")
    for header, variable in source.headers.items():
        if not _HEADER.fullmatch(header):
            mistakes.append(f"source.headers has {shown(header)}; that is no header's name.")
        if not _VARIABLE.fullmatch(variable):
            mistakes.append(
                f"source.headers.{plain(header, 60)} must name an environment variable, as X_API_KEY; "
                "a secret itself does not belong into a plan."
            )


def _call(where: str, call: Call, why: str, mistakes: Mistakes) -> None:
    parts = _parts(call.url)
    if parts is None:
        mistakes.append(f"{where}.url is {shown_address(call.url)}; write http://HOST:PORT/PATH.")
    elif parts.username or parts.password:
        mistakes.append(f"{where}.url holds credentials; put them into an environment variable and headers.")
    _placeholders(where, call.url, mistakes)
    if "{id}" not in call.url + call.body:
        mistakes.append(f"{where} names no {{id}}; put it into url or body, or {why}.")
    if not HEADER_VALUE.fullmatch(call.content_type):
        mistakes.append(f"{where}.content_type is {shown(call.content_type)}; that is no header's value.")


def _parts(url: str) -> SplitResult | None:
    """Return the parts of an address of an HTTP service; None where it is none."""
    if any(c.isspace() or not c.isprintable() for c in url):
        return None
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if good else None


def _placeholders(where: str, url: str, mistakes: Mistakes) -> None:
    """Look for what nobody fills; a body is not searched, since JSON has braces of its own."""
    strange = _ANY.search(_KNOWN.sub("", url))
    if strange is not None:
        # Before an "@" it may be a password.
        word = "{…}" if "@" in url else plain(strange[0], 60)
        mistakes.append(f"{where}.url has {word}; only {{id}}, {{run}} and {{namespace}} are known.")
    if "#" in url:
        mistakes.append(f"{where}.url has a part after #, which is never sent; remove it.")
