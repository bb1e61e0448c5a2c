"""Command lines, paths, images and free text, taken apart into names. Pure."""

from __future__ import annotations

import functools
import re

from memcollect.redaction.known import KUBERNETES, OPTIONS, OWNERS
from memcollect.redaction.words import Words
from memcollect.schema.shipped import shipped

_DELETED = " (deleted)"
_CUT = "…"
_KEPT = frozenset({"***", "", "&&", "||", "|", ";", "-", "--"})
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*[A-Za-z0-9_]|[A-Za-z0-9_]")
_JOINTS = re.compile(r"([/@:]+)")
_TOKEN = re.compile(r"[^\s\"'()\[\],;=<>{}|&]+")
QUANTITY = re.compile(r"[-+−]?\d[\d.,:]*(?:[KMGTPE]i?)?B?s?%?|\d{4}-\d\d-\d\dT[\d:.]+Z?")
_SHOWN = re.compile(
    r"(?P<uuid>\b[0-9a-fA-F]{8}[-_][0-9a-fA-F]{4}[-_][0-9a-fA-F]{4}[-_][0-9a-fA-F]{4}[-_][0-9a-fA-F]{12}\b)"
    r"|(?P<path>(?<![\w.)\]])/[^\s\"'(),;:=]+(?::[^\s\"'(),;]+)?)"
    r"|(?P<address>\b\d{1,3}(?:\.\d{1,3}){3}\b|\b(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}\b)"
    r"|(?P<id>\b(?=[0-9]*[a-f])[0-9a-f]{12,128}\b)"
    r"|(?P<host>\b(?:[A-Za-z0-9-]+\.){2,}[A-Za-z][A-Za-z0-9-]*\b"
    r"|\b[A-Za-z0-9-]+\.(?:com|net|org|io|dev|local|internal|svc|cloud)\b)"
)
"""What free text may hold that is no name known from elsewhere."""
_CALLED = re.compile(r"(?<=\ban entry called )[^\s,;]+")
"""The name of what the metrics API lists and no pod has (memcollect.join.toplist): it stands nowhere else."""

_SETTINGS_OPTIONS = frozenset({"--eviction-hard", "--eviction-soft", "--eviction-soft-grace-period"})
_SETTINGS = re.compile(
    r"""(?> [\s{},:"'<=] | evictionHard | evictionSoftGracePeriod | evictionSoft
    | mergeDefaultEvictionSettings | true | false
    | (?:memory|allocatableMemory|nodefs|imagefs|containerfs|pid)\.(?:available|inodesFree)
    | [0-9][0-9.]*(?:%|[KMGTPE]i?|ms|[hms])? )*+""",
    re.VERBOSE,
)
"""Each part begins like no other, and is never taken apart again."""


def path(words: Words, text: str) -> str:
    """Return a file's path or the name of a mapping, each part replaced."""
    if text.endswith(_DELETED):
        return path(words, text.removesuffix(_DELETED)) + _DELETED
    if text.startswith("[") and text.endswith("]"):
        inner = re.split(r"([:\s]+)", text[1:-1])
        return f"[{''.join(part if at % 2 else words.name(part) for at, part in enumerate(inner))}]"
    if text.startswith("/memfd:"):
        return f"/memfd:{words.names(text.removeprefix('/memfd:'))}"
    return words.names(text)


def settings(_words: Words, text: str) -> str:
    """Return the kubelet's settings of evictions where they are nothing but that, else ""."""
    return text if _SETTINGS.fullmatch(text) else ""


def command(words: Words, text: str) -> str:
    """Return a command line as the wire has it, arguments joined by spaces."""
    return " ".join(argument(words, each) for each in text.split(" "))


def argument(words: Words, text: str) -> str:
    """Return one argument."""
    if text in _KEPT or text in OPTIONS:
        return text
    if text.endswith(_CUT):
        return argument(words, text.removesuffix(_CUT)) + _CUT
    name, sign, value = text.partition("=")
    if name in _SETTINGS_OPTIONS:
        return f"{name}{sign}{settings(words, value)}"
    if sign:
        return f"{argument(words, name)}={argument(words, value)}"
    if text.startswith("-"):
        bare = text.lstrip("-")
        short = len(bare) <= 1
        return text if short else text[: len(text) - len(bare)] + words.name(bare)
    return path(words, text)


def image(words: Words, text: str) -> str:
    """Return an image's name: registry, repository, tag and digest each replaced."""
    return "".join(part if at % 2 else words.name(part) for at, part in enumerate(_JOINTS.split(text)))


def owner(words: Words, text: str) -> str:
    """Return KIND/NAME."""
    kind, _, name = text.partition("/")
    return f"{kind if kind in OWNERS else words.name(kind)}/{words.name(name)}"


def kernel(words: Words, text: str) -> str:
    """Return a kernel's release: its numbers, and of what its builder added what many have."""
    return "".join(
        part if at % 2 or not part or re.fullmatch(r"[a-z]{0,3}\d+[a-z]?\d*", part) else words.name(part)
        for at, part in enumerate(re.split(r"([-.+_~]+)", text))
    )


def sentence(words: Words, text: str) -> str:
    """Return a sentence of ours, without names known from elsewhere, paths, ids and addresses."""
    for odd in words.odd():
        text = text.replace(odd, words.replaced[odd])
    called = _CALLED.sub(lambda match: words.names(match[0]), text)
    shown = _SHOWN.sub(lambda match: _shape(words, match), called)
    return _WORD.sub(lambda match: _known_name(words, match[0]), shown)


def foreign(words: Words, text: str) -> str:
    """Return what somebody else wrote: of that only numbers and words that our own pages use are kept."""
    return _TOKEN.sub(lambda match: _foreign_token(words, match[0]), sentence(words, text))


def _shape(words: Words, match: re.Match[str]) -> str:
    kind, text = match.lastgroup, match[0]
    if kind == "path":
        whole = text.rstrip(".:")
        return path(words, whole) + text[len(whole) :]
    if kind == "host" and text.lower() in vocabulary():
        return text
    if kind == "address":
        return words.name(f"address {text}")
    return words.name(text)


def _known_name(words: Words, text: str) -> str:
    return text if text.lower() in vocabulary() else words.replaced.get(text, text)


def _foreign_token(words: Words, text: str) -> str:
    core = text.strip(".:!?`*")
    if core.lower() in vocabulary() or QUANTITY.fullmatch(core) or words.stays(core):
        return text
    return text.replace(core, words.hidden(core))


@functools.cache
def vocabulary() -> frozenset[str]:
    """Return the words of the schemas and of Kubernetes' messages, in small letters: all is public."""
    text = " ".join(shipped(kind) for kind in ("snapshot", "sample", "doctor"))
    return frozenset(word.lower() for word in _WORD.findall(text)) | KUBERNETES
