"""What a source of a plan may not say although its values can be read. Pure.

A provisioner's requests make and delete by what {id} stands for, so nearly all is about them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from urllib.parse import SplitResult, urlsplit

from memcollect.profile.plan.model import (
    MOST_SANDBOXES,
    AgentSandbox,
    Call,
    DeerFlow,
    E2b,
    OpenSandbox,
    Provisioned,
    Selected,
    Template,
    Trying,
)
from memcollect.profile.plan.rules import NAME, NAME_RULE, Rule, between, filled, fitting, positive
from memcollect.profile.plan.shown import shown, shown_address
from memcollect.sources.plain import plain

_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_POD = re.compile(r"[a-z0-9]([-a-z0-9.]{0,200}[a-z0-9])?", re.ASCII)
_HEADER_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?", re.ASCII)
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
_LABEL = re.compile(
    r"([a-z0-9]([-a-z0-9.]{0,250}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", re.ASCII
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_KNOWN = re.compile(r"\{(?:id|run|namespace|thread|user)\}", re.ASCII)
NO_COMMAND = (
    "command is missing; write what starts Python in DeerFlow's environment, for example "
    '["uv", "run", "--project", "deer-flow/backend", "python"].'
)
_NAMES = "{id}, {run}, {namespace}, {thread} and {user}"
_ANY = re.compile(r"\{[^{}]*\}|[{}]")
_WITHOUT_ID = {
    "create": "sandboxes could not be told apart",
    "delete": "it would delete we know not what",
    "release": "it would release we know not what",
    "reuse": "it would take we know not what",
}


def _file_or_clone(where: str, file: str, clone: str) -> Iterator[str]:
    if file and clone:
        yield f"{where}file and {where}clone are both there; remove one of them."
    if not file and not clone:
        yield f"{where}file (a Pod manifest) and {where}clone (a running pod) are missing; add one of them."


def _label(where: str, namespace: str, label: str) -> Iterator[str]:
    if namespace and not _LABEL.fullmatch(label):
        yield (
            f"{where}label is {shown(label)}; write the label of the sandboxes' pods whose value is the id "
            'that the package answers, for example "opensandbox.io/id".'
        )


def _no_pods(where: str, namespace: str, label: str) -> Iterator[str]:
    for key, value in (("namespace", namespace), ("label", label)):
        if value:
            yield f"{where}{key} is {shown(value)}; remove it: its sandboxes are no pods that we see."


def _no_label(where: str, label: str) -> Iterator[str]:
    if label:
        yield f"{where}label is {shown(label)}; remove it: the package tells the names of the pods."


def _headers(where: str, headers: Sequence[tuple[str, str]], of: str = "headers") -> Iterator[str]:
    for header, variable in headers:
        if not _HEADER.fullmatch(header):
            yield (
                f"{where}{of} has {shown(header)}, which is no header's name; "
                "use letters, digits and '-', as X-API-Key."
            )
        if not _VARIABLE.fullmatch(variable):
            yield (
                f"{where}{of}.{plain(header, 60)} must name an environment variable, as X_API_KEY; "
                "a secret itself does not belong into a plan."
            )


def _service(key: str, secrets: str, where: str, url: str) -> Iterator[str]:
    parts = _parts(url) if url else None
    if url and parts is None:
        yield f"{where}{key} is {shown_address(url)}; write http://HOST:PORT."
    elif parts is not None and (parts.username or parts.password):
        yield f"{where}{key} holds credentials; put them into an environment variable{secrets}."


def _prefix(where: str, prefix: str) -> Iterator[str]:
    if prefix and (not prefix.startswith("/") or prefix.endswith("/") or not prefix.isprintable()):
        yield f'{where}prefix is {shown(prefix)}; write a directory, for example "/home/user".'


def _command(where: str, driver: str, command: Sequence[str]) -> Iterator[str]:
    if driver == "deerflow" and not command:
        yield f"{where}{NO_COMMAND}"


def _two_users(where: str, users: Sequence[str]) -> Iterator[str]:
    if len(set(users)) != 2 or len(users) != 2:
        yield f"{where}users must be two different names; there are {len(users)}."


def _user(where: str, entries: Sequence[tuple[int, str]]) -> Iterator[str]:
    for number, name in entries:
        if not NAME.fullmatch(name):
            yield f"{where}users, entry {number}, is {shown(name)}; {NAME_RULE}."


def _names_id(call: str, why: str, where: str, url: str, body: str) -> Iterator[str]:
    """Say nothing of a misspelt {ID}: that it is not known is said already."""
    if "{id}" not in url + body and not any("id" in each.lower() for each in _strange(url)):
        yield f"{where}{call} names no {{id}}; put it into url or body, or {why}."


def _url(where: str, url: str) -> Iterator[str]:
    parts = _parts(url)
    if parts is None:
        yield f"{where}url is {shown_address(url)}; write http://HOST:PORT/PATH."
    elif parts.username or parts.password:
        yield f"{where}url holds credentials; put them into an environment variable and headers."


def _placeholders(where: str, url: str) -> Iterator[str]:
    """Look for what nobody fills; a body is not searched, since JSON has braces of its own."""
    for strange in _strange(url):
        # Before an "@" it may be a password.
        word = "{…}" if "@" in url else plain(strange, 60)
        yield f"{where}url has {word}; only {_NAMES} are known."


def _strange(url: str) -> list[str]:
    return list(dict.fromkeys(_ANY.findall(_KNOWN.sub("", url))))


def _fragment(where: str, url: str) -> Iterator[str]:
    if "#" in url:
        yield f"{where}url has a part after #, which is never sent; remove it."


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


CONTENT_TYPE = fitting(
    "content_type", _HEADER_VALUE.fullmatch, 'write a header\'s value, for example "application/json"'
)
_NAME_OF_A_NAMESPACE = "write a namespace's name: a-z, 0-9 and '-', at most 63"
_ANY_SOURCE = (
    fitting("namespace", lambda name: not name or _NAMESPACE.fullmatch(name), _NAME_OF_A_NAMESPACE),
    positive("ready_within", "write how long a sandbox may take to be ready"),
)
_COMMON = (*_ANY_SOURCE, filled("namespace", _NAME_OF_A_NAMESPACE))
_PACKAGED = (*_ANY_SOURCE, Rule(("namespace", "label"), _label))
SOURCE_RULES: Mapping[type, Sequence[Rule]] = {
    Selected: (
        *_COMMON,
        filled("selector", 'write a label selector, for example "app=deer-flow-sandbox"'),
        between("most", 1, MOST_SANDBOXES),
    ),
    Template: (
        *_COMMON,
        Rule(("file", "clone"), _file_or_clone),
        fitting(
            "runtime_class",
            lambda name: not name or _POD.fullmatch(name),
            "write the name of a RuntimeClass: a-z, 0-9, '-' and '.'",
        ),
    ),
    Provisioned: (
        *_COMMON,
        fitting(
            "pod",
            lambda pod: "{id}" in pod and _POD.fullmatch(pod.replace("{id}", "0")),
            'write a pod\'s name with {id} in it, for example "sandbox-{id}"',
        ),
        positive("request_timeout", "write how long an answer may take"),
        Rule(("headers[]",), _headers),
        *(
            Rule((f"{call}.url", f"{call}.body"), partial(_names_id, call, why))
            for call, why in _WITHOUT_ID.items()
        ),
    ),
    DeerFlow: (*_ANY_SOURCE, Rule(("namespace", "label"), _no_pods)),
    E2b: _PACKAGED,
    OpenSandbox: _PACKAGED,
    AgentSandbox: (*_COMMON, Rule(("label",), _no_label)),
    Trying: (
        Rule(("driver", "command"), _command),
        between("port", 1, 65535),
        Rule(("gateway",), partial(_service, "gateway", " and gateway_headers")),
        Rule(("gateway_headers[]",), partial(_headers, of="gateway_headers")),
        Rule(("users",), _two_users),
        Rule(("users[]",), _user),
        Rule(("api",), partial(_service, "api", " that the driver's package reads")),
        Rule(("prefix",), _prefix),
        between("replicas", 0, 100),
    ),
    Call: (Rule(("url",), _url), Rule(("url",), _placeholders), Rule(("url",), _fragment), CONTENT_TYPE),
}
