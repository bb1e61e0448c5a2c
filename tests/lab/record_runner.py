"""Runs in the guest: a node with pods whose truth is known, told live and recorded.

    python -m lab.record_runner PROGRAM DIRECTORY

Leaves in DIRECTORY: truths.json; live.json, what `memcollect snapshot --local` said here; node.tar.gz, what
`memcollect record` made a moment later.
"""

import sys
import time
from pathlib import Path

import msgspec

from lab.stage import FLUSH_SECONDS, Stage
from lab.workloads import forked_copy_on_write, removed_container, several_at_once
from worlds import children

WORKLOADS = (several_at_once, removed_container, forked_copy_on_write)


def main(program: str, directory: Path) -> None:
    """Play, tell and record."""
    stage = Stage(program)
    truths = [truth for play in WORKLOADS for truth in play(stage)]
    time.sleep(FLUSH_SECONDS)
    live, recording = directory / "live.json", directory / "node.tar.gz"
    for words in (
        ["snapshot", "--local", "--include-processes", "--format", "json", "-o", str(live)],
        ["record", "-o", str(recording)],
    ):
        children.run([sys.executable, "-m", "memcollect", *words], check=True)
    (directory / "truths.json").write_bytes(msgspec.json.encode(truths))
    stage.clear()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
