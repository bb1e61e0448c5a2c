"""Compiles the truthful program."""

import shutil
from pathlib import Path

from worlds import children

SOURCE = Path(__file__).parent / "workload.c"


def compiler() -> str:
    """Return the C compiler's path. Raises FileNotFoundError without one."""
    found = shutil.which("gcc") or shutil.which("cc")
    if found is None:
        raise FileNotFoundError("no C compiler; on Debian: apt-get install gcc libc6-dev")
    return found


def compiled(directory: Path, *further: Path) -> Path:
    """Return the program, with words of further sources, compiled into `directory`.

    Raises FileNotFoundError without a compiler.
    """
    target = directory / "workload"
    children.run([compiler(), "-O1", "-static", "-pthread", "-s", "-o", target, SOURCE, *further], check=True)
    return target
