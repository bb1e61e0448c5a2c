"""The snapshot document itself: everything, for programs and for later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from memcollect.model import Snapshot


def render(snapshot: Snapshot) -> str:
    """Return the document as JSON, indented by two, with a last newline; `memcollect explain` reads it."""
    return msgspec.json.format(msgspec.json.encode(snapshot), indent=2).decode() + "\n"
