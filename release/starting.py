"""Say in one sentence where this Python cannot run what comes next.

The single file runs it before the program, on whatever Python there is: so it is written for old ones, too.
"""

from __future__ import annotations

import importlib.util
import platform
import re
import sys
from pathlib import Path


def reason() -> str | None:
    """Return why this interpreter cannot run it; None where it can."""
    name = f"{platform.python_implementation()} {platform.python_version()}"
    here = f"this is {name} on {platform.system()} {platform.machine()}"
    if sys.version_info < (3, 11):  # noqa: UP036 (that it is older is what is looked for)
        return f"it needs Python 3.11 or later, and {here}"
    if importlib.util.find_spec("msgspec._core") is None:
        return f"it has compiled parts for {_fit()}, and {here}"
    return None


def _fit() -> str:
    """Return which Pythons the compiled parts beside this file are for."""
    parts = Path(__file__).parent.parent.glob("msgspec/_core.cpython-*.so")
    found = [re.match(r"_core\.cpython-3(\d+)-(.+)\.so", part.name) for part in parts]
    versions = sorted({int(each[1]) for each in found if each})
    machines = sorted({each[2] for each in found if each})
    if not versions:
        return "no Python"
    return f"CPython {', '.join(f'3.{each}' for each in versions)} on {', '.join(machines)}"


if __name__ == "__main__":
    fault = reason()
    if fault:
        # Whoever unpacks the file gives its name; `sys.argv` has this one's while it runs.
        file = globals().get("archive", sys.argv[0])
        sys.exit(f"memcollect: {fault}. Try: python3.11 {file} …, or: pip install 'memcollect[collector]'")
