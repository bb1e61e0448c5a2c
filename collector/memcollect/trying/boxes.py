"""The sandboxes of a trial by the catalogue's letters, and the ledger of all that it has made."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

from memcollect.evidence.port import Box, Owner


@dataclass
class Held:
    """One letter's sandbox."""

    key: str
    owner: Owner
    box: Box | None = None
    """None: it was released or deleted."""
    gone: bool = False
    """Whether it was deleted."""


@dataclass
class Ledger:
    """Everything that the trial has made, in the order in which it was made."""

    run: str
    """What its files begin with, and its threads and sandboxes too."""
    keys: list[str] = field(default_factory=list)
    """Of sandboxes."""
    uploads: list[tuple[str, str]] = field(default_factory=list)
    """(thread, name) of what the gateway was given."""
    threads: list[str] = field(default_factory=list)
    """Those that the gateway was asked to make."""

    def new_key(self) -> str:
        """Return a key that no other sandbox has, and note it."""
        return self.note(f"{self.run}-{secrets.token_hex(3)}")

    def key_for(self, owner: Owner) -> str:
        """Return the key that a thread's sandbox always has, and note it."""
        digest = hashlib.sha256(f"{owner.user}:{owner.thread}".encode()).hexdigest()
        return self.note(f"{self.run}-{digest[:8]}")

    def note(self, key: str) -> str:
        """Note a sandbox before it is asked for."""
        if key not in self.keys:
            self.keys.append(key)
        return key
