"""Compiling the bench's C programs, and running a program with its cost taken."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).parent


@dataclass(frozen=True)
class Run:
    """What one run of a program printed and cost, from its start to its end."""

    output: str
    cpu_seconds: float
    peak_rss_bytes: int


class Programs:
    """The compiled programs, in a directory that is the caller's to remove."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.floor = self._compiled("floor")
        self.herd = self._compiled("herd")
        self._measured = self._compiled("measured")

    def run(self, *command: str, stdin: str = "") -> Run:
        """Run `command` to its end. Raises CalledProcessError where it fails."""
        result = self._directory / "result"
        done = subprocess.run(
            [self._measured, str(result), *command],
            input=stdin,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        cpu, peak = result.read_text().split()
        return Run(done.stdout, float(cpu), int(peak))

    def _compiled(self, name: str) -> str:
        target = self._directory / name
        source = SOURCES / f"{name}.c"
        subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-o", str(target), str(source)], check=True)
        return str(target)
