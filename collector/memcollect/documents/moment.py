"""The time as documents write it."""

from datetime import UTC, datetime


def now_text() -> str:
    """Return the time as documents write it: ISO 8601, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
