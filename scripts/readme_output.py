"""Put a demo's real output of one pod between the README's markers.

usage: .venv/bin/python scripts/readme_output.py SNAPSHOT POD
"""

import os
import subprocess
import sys
from pathlib import Path

BEGIN, END = "<!-- begin: real output -->", "<!-- end: real output -->"
LADDER_ENDS = "\n  = "


def main(snapshot: str, pod: str) -> None:
    """Show the pod of a saved demo as `memcollect explain` prints it, to its ladder's end."""
    program = Path(sys.executable).with_name("memcollect")
    shown = subprocess.run(  # noqa: S603 # our own program
        [program, "explain", snapshot, pod],
        env={**os.environ, "COLUMNS": "80"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    body = shown[: shown.index("\n", shown.index(LADDER_ENDS) + 1)]
    block = "\n".join(f"    {line}".rstrip() for line in body.splitlines())
    readme = Path("README.md")
    head, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    tail = rest.partition(END)[2]
    readme.write_text(f"{head}{BEGIN}\n\n{block}\n\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
