"""Programs that a release is made with, and what is said where one fails."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_WARNINGS = ("WARNING:", "[notice]", "DEPRECATION:")
"""How pip begins what is no reason to fail."""


class ReleaseError(Exception):
    """A release cannot be made; the message says what, where, and what to do."""


def run(
    words: Sequence[str | Path], directory: Path | None = None, environment: Mapping[str, str] | None = None
) -> str:
    """Run a program to its end and return what it prints.

    `environment` is added to our own. Raises ReleaseError with the end of what it said where it fails, and
    where there is no such program.
    """
    try:
        done = subprocess.run(  # noqa: S603 (the words are ours)
            words,
            cwd=directory,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise ReleaseError(f"{words[0]} is needed and not here: install it, and run it again") from error
    if done.returncode != 0:
        raise ReleaseError(f"{' '.join(map(str, words[:4]))} … failed: {_reasons(done.stderr + done.stdout)}")
    return done.stdout


def _reasons(said: str) -> str:
    """Return the last lines of what a program said: those that only warn are left out where others are."""
    lines = [line for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if not line.lstrip().startswith(_WARNINGS)]
    return "\n  ".join((errors or lines)[-6:])
