"""Plans and sources that come with memcollect, by name, and a user's own, by path."""

from __future__ import annotations

import errno
import os
from importlib import resources
from pathlib import Path

from memcollect.documents.files import read_written
from memcollect.errors import UsageError
from memcollect.sources.plain import plain

_PLANS = resources.files("memcollect.profile") / "plans"


def names(folder: str = "") -> list[str]:
    """Return the names of the shipped plans; with "sources" those of the sources."""
    found = (_PLANS / folder if folder else _PLANS).iterdir()
    return sorted(each.name.removesuffix(".toml") for each in found if each.name.endswith(".toml"))


def text_of(name: str, folder: str = "") -> tuple[bytes, Path]:
    """Return a plan's bytes, and the folder that its relative paths start from.

    A file goes before a shipped plan of the same name, a directory does not. Raises UsageError where there is
    neither, DocumentError where the file cannot be read.
    """
    path = Path(name)
    if name in names(folder) and not os.path.isfile(name):  # noqa: PTH113 # Path's raises where it cannot look
        place = _PLANS / folder if folder else _PLANS
        return (place / f"{name}.toml").read_bytes(), Path()
    kind = "source" if folder else "plan"
    if _is_there(path):
        return read_written(name, kind), path.parent
    raise UsageError(
        f"There is no file {plain(name)}, and no {kind} of that name comes with memcollect.",
        f"Shipped: {', '.join(names(folder))}.",
    )


def _is_there(path: Path) -> bool:
    """Return whether something is there, or may be: reading it then says why it cannot be read."""
    try:
        return path.exists()
    except ValueError:
        return False
    except OSError as error:
        return error.errno != errno.ENAMETOOLONG
