"""A program whose wall clock can be set: python -m worlds.stepped FILE MODULE ARGUMENT…

FILE has the seconds by which `time.time()` is ahead; whoever writes it sets the clock of the running program.
The monotonic clock goes on as it did, as the kernel's does when somebody sets the time.
"""

import os
import runpy
import sys
import time
from pathlib import Path


def main() -> None:
    """Run the module as a program, with this clock."""
    file, module, *arguments = sys.argv[1:]
    real = time.time

    def stepped() -> float:
        return real() + float(Path(file).read_text())

    time.time = stepped
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


class SetClock:
    """The clock of a program that is started with `program(MODULE)`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(0.0)

    def set(self, ahead_seconds: float) -> None:
        """Let it be ahead of ours by so much from now on."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{ahead_seconds}")
        os.replace(new, self._file)  # noqa: PTH105 -- whole or not at all, for whoever reads it meanwhile

    def program(self, module: str) -> list[str]:
        """Return how to start a module with this clock."""
        return [sys.executable, "-m", "worlds.stepped", str(self._file), module]


if __name__ == "__main__":
    main()
