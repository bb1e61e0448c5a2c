"""The evidence document: what one run tried on one backend, and what it saw. Pure.

`evidence/NAME.json` of a bundle, and a file that stands alone. Names are a contract: more may be added with
defaults, none changes its meaning. Text that a backend wrote is bounded, secrets of the plan are masked, and
beside it stand the size and the SHA-256 of the whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct, field

from memcollect.documents.snapshot import Tool
from memcollect.errors import DocumentError
from memcollect.evidence.exits import Exit
from memcollect.evidence.judging import Verdict
from memcollect.evidence.port import ErrorKind, Level, Match
from memcollect.evidence.seen import Came, Seen
from memcollect.secrecy import without_secrets

EVIDENCE_SCHEMA_VERSION = 1
EVIDENCE_FOLDER = "evidence"
KEPT_CHARACTERS = 2000
KEPT_PATHS = 50
KEPT_HEADERS = ("content-disposition",)


class KeptStep(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step, as much of it as is kept."""

    label: str
    came: Came = "answer"
    kind: ErrorKind | None = None
    why: str = ""
    exit: Exit | None = None
    text: str = ""
    """The beginning of what came, masked."""
    size_bytes: int | None = None
    sha256: str = ""
    """Of all of it, in hexadecimal digits."""
    stderr: str | None = None
    paths: list[str] | None = None
    matches: list[Match] | None = None
    """The first lines that a search found, bounded and masked. None also where an older memcollect tried."""
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    """Those that a check may ask for."""
    facts: dict[str, bool | int | str | list[str]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    waited: dict[str, float] = field(default_factory=dict)
    """By fact: the seconds after which it was gone, or for which it was looked for."""
    truncated: bool | None = None
    seconds: float | None = None
    level: Level | None = None


class CheckResult(Struct, frozen=True, kw_only=True):
    """What became of one check."""

    name: str
    verdict: Verdict
    asks: str
    expected: str
    source: str
    level: Level
    """Whose promise is expected."""
    observed: str
    """In one sentence."""
    levels: list[Level] = field(default_factory=list)
    """Who answered."""
    seconds: float | None = None
    steps: list[KeptStep] = field(default_factory=list)


class RowResult(Struct, frozen=True, kw_only=True):
    """What became of one row."""

    row: str
    checks: list[CheckResult] = field(default_factory=list)
    seconds: float | None = None
    notes: list[str] = field(default_factory=list)


class CatalogueUsed(Struct, frozen=True, kw_only=True):
    """By which checks it was tried."""

    sha256: str
    rows: list[str] = field(default_factory=list)
    """Those that were asked for; others are no gap."""


class TriedImage(Struct, frozen=True, kw_only=True):
    """What a container of a sandbox ran."""

    container: str
    image: str
    image_id: str
    """As the node resolved it; "" where it did not tell."""


class Evidence(Struct, frozen=True, kw_only=True):
    """The document."""

    evidence_schema_version: int = EVIDENCE_SCHEMA_VERSION
    tool: Tool = field(default_factory=Tool)
    run_id: str = ""
    backend: str = ""
    driver: str = ""
    catalogue: CatalogueUsed
    images: list[TriedImage] = field(default_factory=list)
    """Of the sandboxes that were tried. Empty also where an older memcollect tried them."""
    images_unknown: str = ""
    """Why those may not be all, as a sentence."""
    started_at: float | None = None
    finished_at: float | None = None
    """None: it was broken off."""
    rows: list[RowResult] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """Sentences: what of the run could not be removed."""
    notes: list[str] = field(default_factory=list)


def kept(seen: Seen) -> KeptStep:
    """Return what a document keeps of a step, without the secrets that were sent."""
    return KeptStep(
        label=seen.label,
        came=seen.came,
        kind=seen.kind,
        why=_bounded(without_secrets(seen.why)),
        exit=seen.exit,
        text=_bounded(_text(seen.data)),
        size_bytes=len(seen.data) if seen.came == "answer" else None,
        sha256=hashlib.sha256(seen.data).hexdigest() if seen.data else "",
        stderr=None if seen.stderr is None else _bounded(_text(seen.stderr)),
        paths=None
        if seen.paths is None
        else [without_secrets(each)[:300] for each in seen.paths[:KEPT_PATHS]],
        matches=None if seen.matches is None else [_match(each) for each in seen.matches[:KEPT_PATHS]],
        status=seen.status,
        headers={
            name: _bounded(without_secrets(value))
            for name, value in seen.headers.items()
            if name in KEPT_HEADERS
        },
        facts={name: _masked(value) for name, value in seen.facts.items()},
        absent={name: without_secrets(why) for name, why in seen.absent.items()},
        waited={name: round(seconds, 3) for name, seconds in seen.waited.items()},
        truncated=seen.truncated,
        seconds=round(seen.seconds, 3),
        level=seen.level,
    )


def _match(found: Match) -> Match:
    path, line = (_bounded(without_secrets(text)) for text in (found.path, found.line))
    return Match(path=path, number=found.number, line=line)


def _text(data: bytes) -> str:
    return without_secrets(data[: KEPT_CHARACTERS * 4].decode("utf-8", "backslashreplace"))


def _bounded(text: str) -> str:
    return text if len(text) <= KEPT_CHARACTERS else text[: KEPT_CHARACTERS - 1] + "…"


def _masked(value: bool | int | str | list[str]) -> bool | int | str | list[str]:  # noqa: FBT001 # a fact
    if isinstance(value, str):
        return without_secrets(value)
    return [without_secrets(each) for each in value] if isinstance(value, list) else value


def encode(evidence: Evidence) -> bytes:
    """Return the document's bytes."""
    return msgspec.json.format(msgspec.json.encode(evidence), indent=2) + b"\n"


def decode(data: bytes, name: str) -> Evidence:
    """Return the document that `data` is; `name` is what messages call it. Raises DocumentError."""
    try:
        found = msgspec.json.decode(data, type=Evidence)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DocumentError(
            f"{name} is not an evidence document: {error}.", "`memcollect evidence` writes them."
        ) from error
    if found.evidence_schema_version != EVIDENCE_SCHEMA_VERSION:
        raise DocumentError(
            f"{name} has evidence schema {found.evidence_schema_version}; this memcollect reads "
            f"{EVIDENCE_SCHEMA_VERSION}.",
            "Read it with the version that wrote it.",
        )
    return found


def counts(rows: Iterable[RowResult]) -> Mapping[Verdict, int]:
    """Return how many checks had each verdict."""
    found: dict[Verdict, int] = {}
    for row in rows:
        for check in row.checks:
            found[check.verdict] = found.get(check.verdict, 0) + 1
    return found
