"""What `kubectl top` would say, from a file: how the demo hands over the numbers it sampled itself."""

from __future__ import annotations

from pathlib import Path

import msgspec

from memcollect.documents.files import read_written
from memcollect.documents.snapshot import Top
from memcollect.errors import DocumentError


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    timestamp: float
    memory_bytes: int
    working_set_at_sample_bytes: int | None = None
    tolerance_bytes: int | None = None


def read_tops(path: Path) -> dict[str, Top]:
    """Return the tops of {container id: {timestamp, memory_bytes}}, labelled "demo".

    Raises DocumentError where the file cannot be read or says something else.
    """
    try:
        entries = msgspec.json.decode(read_written(str(path), "list of tops"), type=dict[str, _Entry])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DocumentError(
            f"{path} is not a list of tops: {error}.",
            'It reads {"<container id>": {"timestamp": <seconds>, "memory_bytes": <bytes>}}.',
        ) from error
    return {
        container_id: Top(source="demo", **msgspec.structs.asdict(entry))
        for container_id, entry in entries.items()
    }
