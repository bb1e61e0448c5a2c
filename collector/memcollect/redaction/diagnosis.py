"""What `memcollect doctor` said, without names. Pure, but for the key.

Its sentences are ours, and what they are about is not told from them by any field. So the words stay that our
own doctor is made of, which are public, and numbers; every other one is replaced.
"""

from __future__ import annotations

import functools
import re
from importlib.resources import files

import msgspec

from memcollect.doctor.result import Item, Report, Result
from memcollect.errors import UsageError
from memcollect.redaction import arguments
from memcollect.redaction.words import Words

_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*[A-Za-z0-9_]|[A-Za-z0-9_]")
_TOKEN = re.compile(r"[^\s\"'()\[\],;=<>{}|&]+")
_JOINTS = re.compile(r"([/@:…]+)")
_AROUND = ".:!?`*-–—…"


def redacted_report(report: Report, words: Words) -> Report:
    """Return the report with its names replaced. Raises UsageError where it is redacted already."""
    if report.redacted:
        raise UsageError("The diagnosis is redacted already.", "Redact the original, if it is there.")
    results = [_result(words, each) for each in report.results]
    return msgspec.structs.replace(report, redacted=True, results=results)


def _result(words: Words, result: Result) -> Result:
    return msgspec.structs.replace(
        result,
        sentence=_text(words, result.sentence),
        remedy=_text(words, result.remedy),
        commands=[_text(words, each) for each in result.commands],
        items=[_item(words, each) for each in result.items],
    )


def _item(words: Words, item: Item) -> Item:
    return msgspec.structs.replace(item, name=_text(words, item.name), detail=_text(words, item.detail))


def _text(words: Words, text: str) -> str:
    return _TOKEN.sub(lambda match: _token(words, match[0]), arguments.sentence(words, text))


def _token(words: Words, text: str) -> str:
    core = text.strip(_AROUND)
    return text.replace(core, _replaced(words, core)) if core else text


def _replaced(words: Words, core: str) -> str:
    if core.lower() in _vocabulary():
        return core
    parts = _JOINTS.split(core)
    return "".join(
        part if at % 2 or _stays(words, part) else words.name(part) for at, part in enumerate(parts)
    )


def _stays(words: Words, part: str) -> bool:
    return part.lower() in _vocabulary() or bool(arguments.QUANTITY.fullmatch(part)) or words.stays(part)


@functools.cache
def _vocabulary() -> frozenset[str]:
    places = (files("memcollect.doctor"), files("memcollect.doctor.checks"))
    sources = (file for place in places for file in place.iterdir() if file.name.endswith(".py"))
    text = " ".join(source.read_text("utf-8") for source in sources)
    return arguments.vocabulary() | {word.lower() for word in _WORD.findall(text)}
