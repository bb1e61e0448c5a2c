"""Releases made for tests, and clean places to install them in."""

import os
import sys
from pathlib import Path

from msgspec import Struct

from worlds import children

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 1500.0
"""Of a release on a busy machine; a quiet one takes two minutes, most of them for the image."""
WITH_IMAGE = os.getuid() == 0
"""Whether the agent's image is among them, which root alone can build."""
IMAGE_TWICE = WITH_IMAGE and bool(os.environ.get("MEMCOLLECT_IMAGE_TWICE"))
"""Whether it is built a second time, too, and compared: some minutes more."""
URL = "https://forge.example/team/memcollect"


class Released(Struct, frozen=True):
    """A directory with a release."""

    directory: Path

    def one(self, pattern: str) -> Path:
        """Return its one file of such a name."""
        (found,) = self.directory.glob(pattern)
        return found


def clone(into: Path) -> Path:
    """Return a clean clone of the commit that is checked out here."""
    children.run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, into], check=True)
    return into


def make(scratch: Path, *options: str, with_image: bool = WITH_IMAGE) -> Released:
    """Make a release from a clone of its own, with the repository's address URL."""
    repository = clone(scratch / "clone")
    into = scratch / "dist"
    if not with_image:
        options = (*options, "--without-image")
    done = children.run(
        [sys.executable, "-m", "release", into, "--this-python-alone", "--url", URL, *options],
        cwd=repository,
        timeout=LIMIT_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return Released(into)


def environment(directory: Path, *requirements: str) -> Path:
    """Return the programs of a new virtual environment with these installed, and what they need."""
    children.run([sys.executable, "-m", "venv", directory], check=True)
    pip = str(directory / "bin/pip")
    done = children.run([pip, "install", "--quiet", "--no-compile", *requirements], timeout=LIMIT_SECONDS)
    assert done.returncode == 0, done.stderr
    return directory / "bin"


def nothing_else(home: Path) -> dict[str, str]:
    """Return the environment of somebody who has nothing of ours."""
    home.mkdir(exist_ok=True)
    return {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
