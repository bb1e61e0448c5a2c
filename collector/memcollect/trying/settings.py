"""What the trial must know of a backend, that its operations do not tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field


class Settings(Struct, frozen=True, kw_only=True):
    """Of one backend; what is None or empty leaves the checks that need it untried, and says so."""

    users: tuple[str, str] = ("memcollect-one", "memcollect-two")
    """Names under which the backend knows two users."""
    idle_seconds: float | None = None
    """When a released sandbox must be gone."""
    replicas: int | None = None
    restart: Sequence[str] = ()
    """A command of this machine that restarts what makes the sandboxes."""
    download_limit_bytes: int | None = None
    api_port: int = 8080
    """On which another sandbox's interface would be reached."""
    declared: Mapping[str, str] = field(default_factory=dict)
