"""The comparison document itself."""

from __future__ import annotations

import msgspec

from memcollect.compare.model import Comparison


def render(comparison: Comparison) -> str:
    """Return the document as JSON, indented by two, with a last newline."""
    return msgspec.json.format(msgspec.json.encode(comparison), indent=2).decode() + "\n"
