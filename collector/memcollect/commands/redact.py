"""`memcollect redact`: a snapshot, a recording or a diagnosis without its names."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec import Struct

from memcollect.commands import complete
from memcollect.commands.contradictions import numbers_of
from memcollect.commands.help_page import GroupedCommand
from memcollect.commands.options import FORCE, OUTPUT, TargetOptions, option, typed, verbose_option
from memcollect.commands.output import check_output, deliver_pieces, say
from memcollect.documents.files import read_bytes, shown
from memcollect.errors import UsageError

KEY_BYTES = 32
_GZIP = b"\x1f\x8b"

EPILOG = """\b
Examples:
  memcollect redact before.json -o public.json
  memcollect redact recording.tar.gz -o public.tar.gz
  memcollect redact doctor.json -o public-doctor.json
  memcollect redact --known

Replaced: names of nodes, namespaces, pods, containers, programs and services, paths, arguments of command
lines, images, labels, addresses, UIDs and ids. Kept: every number and time, the kernel's release,
Kubernetes' own words, the names that --known lists, and the doctor's own words. Read the result before you
share it.

Exit codes: 0 written; 1 failed, with nothing written; 2 wrong usage.
"""


class RedactOptions(Struct, frozen=True, kw_only=True):
    """What `memcollect redact` was told."""

    document: str | None
    known: bool
    target: TargetOptions


@click.command("redact", cls=GroupedCommand, epilog=EPILOG)
@click.argument("document", required=False, metavar="FILE", shell_complete=complete.files)
@option("--known", is_flag=True, help="List the well-known names that stay.")
@FORCE
@OUTPUT
@verbose_option
@typed(RedactOptions)
def command(options: RedactOptions) -> int:
    """Replace the names in FILE, so that you can share it.

    FILE is a saved snapshot, a recording, or the output of `doctor --format json`.

    A name is replaced in the same way everywhere, with a key that is new for each run and kept nowhere.
    Numbers stay, so the explanation stays the same too.
    """
    check_output(options.target.output, force=options.target.force)
    if options.known == (options.document is not None):
        raise UsageError(
            "Name a snapshot, a recording or a diagnosis, or give --known.", "See `memcollect redact --help`."
        )
    data = _known() if options.document is None else _redacted(options.document)
    deliver_pieces([data], options.target.output, force=options.target.force)
    if options.document is not None:
        say("names are replaced; look it through before you show it.")
    return 0


def _redacted(document: str) -> bytes:
    from memcollect.recording.archive import is_recording, read_recording  # noqa: PLC0415 # --help need not wait

    if _is_packed(document) or (os.path.isdir(document) and is_recording(document)):  # noqa: PTH112 -- any text
        from memcollect.recording.archive import encode  # noqa: PLC0415
        from memcollect.recording.redacted import redacted_recording  # noqa: PLC0415
        from memcollect.redaction.words import Words  # noqa: PLC0415

        return encode(redacted_recording(read_recording(document), Words(secrets.token_bytes(KEY_BYTES))))
    data = read_bytes(document, what="snapshot, a recording or a diagnosis")
    return (_diagnosis if _is_diagnosis(data) else _snapshot)(data, shown(document))


class _Head(Struct):
    """What tells a diagnosis from a snapshot."""

    checked_at: Any = None


def _is_diagnosis(data: bytes) -> bool:
    try:
        return msgspec.json.decode(data, type=_Head).checked_at is not None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # It is no snapshot either: who reads it says so.
        return False


def _diagnosis(data: bytes, document: str) -> bytes:
    from memcollect.doctor.saved import decode_report  # noqa: PLC0415
    from memcollect.redaction.diagnosis import redacted_report  # noqa: PLC0415
    from memcollect.redaction.words import Words  # noqa: PLC0415
    from memcollect.reporters.doctor import render_json  # noqa: PLC0415

    report = decode_report(data, document)
    return render_json(redacted_report(report, Words(secrets.token_bytes(KEY_BYTES)))).encode()


def _snapshot(data: bytes, document: str) -> bytes:
    from memcollect.documents.files import decode_snapshot  # noqa: PLC0415
    from memcollect.redaction.snapshot import redacted_snapshot  # noqa: PLC0415
    from memcollect.redaction.words import Words  # noqa: PLC0415
    from memcollect.reporters import json  # noqa: PLC0415

    with numbers_of(document):
        hidden = redacted_snapshot(decode_snapshot(data, document), Words(secrets.token_bytes(KEY_BYTES)))
    return json.render(hidden).encode()


def _is_packed(document: str) -> bool:
    try:
        # Looked at before it is opened: a pipe would be waited for.
        if not Path(document).is_file():
            return False
        with Path(document).open("rb") as file:
            return file.read(len(_GZIP)) == _GZIP
    except (OSError, ValueError):
        # Whoever reads it says what is wrong with it.
        return False


def _known() -> bytes:
    from importlib.resources import files  # noqa: PLC0415

    return files("memcollect.redaction").joinpath("known.toml").read_bytes()
