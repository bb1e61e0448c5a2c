"""A shell that a test puts in place of sh: one line of shell waits, or all say more than they should."""

import os
import shlex
from pathlib import Path

WAITS = "exit 7"
"""The line that waits: the whole command of a check early in the row Commands."""


def waiting(directory: Path) -> tuple[Path, Path]:
    """Write a shell that waits at WAITS; return its directory, and the file with its id by then."""
    told = directory / "waits"
    tells = f"echo $$ > {told}.new; mv {told}.new {told}"
    return _written(directory, f'if [ "$2" = {shlex.quote(WAITS)} ]; then {tells}; exec sleep 600; fi'), told


def repeating(directory: Path, *secrets: str) -> Path:
    """Write a shell that says the secrets for every line, on both outputs, and does nothing else of it.

    Returns its directory.
    """
    said = shlex.quote(f"may not: {' '.join(secrets)}")
    return _written(directory, f"echo {said}; echo {said} >&2; exit 0")


def _written(directory: Path, first: str) -> Path:
    place = directory / "own-shell"
    place.mkdir()
    program = place / "sh"
    program.write_text(f'#!/bin/sh\n{first}\nexec /bin/sh "$@"\n')
    program.chmod(0o755)
    return place


def before_others(place: Path) -> dict[str, str]:
    """Return an environment in which the shell of `place` is found first."""
    return {**os.environ, "PATH": f"{place}:{os.environ['PATH']}"}
