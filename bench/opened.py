"""Which files a program opens, as strace tells: what a floor has to read that reads the same."""

import re
import subprocess
from pathlib import Path

_OPENED = re.compile(r"open(?:at|at2)?\b.* = \d+<(/.*)>$")


def files(command: list[str], within: list[str], log: Path) -> list[str]:
    """Return the files in these directories that `command` opens, each as often as it does, in its order.

    Directories are left out, and what is gone once it ended: its own /proc/self.
    Raises CalledProcessError where it fails, FileNotFoundError without strace.
    """
    traced = ["strace", "-f", "-y", "-e", "trace=open,openat,openat2", "-o", str(log), *command]
    subprocess.run(traced, stdout=subprocess.DEVNULL, check=True)
    found = (_OPENED.search(line) for line in log.read_text(encoding="utf-8").splitlines())
    paths = [each[1] for each in found if each and each[1].startswith(tuple(within))]
    return [each for each in paths if Path(each).is_file()]
