"""Diagnoses that were saved with --format json. Pure."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from memcollect.doctor.result import SCHEMA_VERSION, Report
from memcollect.errors import DocumentError, SchemaError


class _Head(Struct):
    schema_version: Any = None
    tool: Any = None


def decode_report(data: bytes, shown_name: str) -> Report:
    """Return the report that `data` is the JSON of; `shown_name` is what messages call it.

    Raises DocumentError where it is none, and SchemaError where another version wrote it.
    """
    try:
        head = msgspec.json.decode(data, type=_Head)
        if isinstance(head.schema_version, int) and head.schema_version != SCHEMA_VERSION:
            raise SchemaError(
                f"{shown_name} is a diagnosis of schema {head.schema_version}, written by {head.tool!s:.80}; "
                f"this memcollect reads {SCHEMA_VERSION}.",
                "Upgrade memcollect here."
                if head.schema_version > SCHEMA_VERSION
                else "Ask the doctor again.",
            )
        return msgspec.json.decode(data, type=Report)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DocumentError(
            f"{shown_name} is not what the doctor said, or is cut short: {error}.",
            "Name what `memcollect doctor --format json -o FILE` wrote.",
        ) from error
