"""DeerFlow's directories of the lab's sandboxes: user data by backend, user and thread, and shared ones."""

import shutil
from pathlib import Path

from memcollect.lab.sandboxes import BACKENDS, SHARED

DIRECTORIES = ("workspace", "uploads", "outputs")
SKILLS = ("public", "custom", "legacy")


class UserData:
    """Below a directory on a real disk, and one in shared memory for backends that keep theirs there."""

    def __init__(self, disk: Path, memory: Path) -> None:
        self._disk, self._memory = disk, memory
        self.shared = {name: disk / "shared" / name for name in SHARED}
        """What every sandbox sees, by the volume's name."""

    def make_shared(self) -> None:
        """Make the directories that all sandboxes see."""
        for name in SKILLS:
            (self.shared["skills"] / name).mkdir(parents=True, exist_ok=True)
        self.shared["acp-workspace"].mkdir(parents=True, exist_ok=True)

    def of(self, backend: str, user: str, thread: str) -> Path:
        """Return where a thread's data are, made if need be."""
        owner = "everybody" if "shared-threads" in BACKENDS[backend].faults else user
        return self._place("user-data", backend, owner, thread)

    def held_back(self, backend: str, thread: str) -> Path:
        """Return where uploads are kept that do not come into a thread's sandbox (the gateway's fault)."""
        return self._place("held-back", backend, thread)

    def _place(self, what: str, backend: str, *parts: str) -> Path:
        place = self._memory if BACKENDS[backend].in_memory else self._disk
        found = place.joinpath(what, backend, *parts)
        for name in DIRECTORIES:
            (found / name).mkdir(parents=True, exist_ok=True)
        return found

    def remove(self, place: Path) -> None:
        """Remove a thread's data."""
        shutil.rmtree(place, ignore_errors=True)
