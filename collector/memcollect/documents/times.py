"""Times as documents write them, and as Kubernetes does. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from memcollect.documents.snapshot import Snapshot


def written_time(text: str) -> datetime:
    """Return the time that a document writes in ISO 8601, in UTC. ValueError where it is none."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone")
    try:
        return time.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is out of range") from error


def taken_at(snapshot: Snapshot) -> float:
    """Return when it was begun, in seconds since the Unix epoch. ValueError where it does not say."""
    return written_time(snapshot.captured_at).timestamp()


def seconds_of(text: str | None) -> float | None:
    """Return an RFC 3339 time of Kubernetes in seconds since the epoch; None where it is something else.

    One without a zone is none: RFC 3339 has one always.
    """
    try:
        parsed = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return parsed.timestamp() if parsed.tzinfo else None
