"""The program: see the package's description."""

import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from memcollect.lab import matrix
from suites import plan, report
from suites.plan import Lane
from suites.running import ROOT, Runner

_MOST_LINES = 400
"""Of the log of a suite that failed; the whole of it stays in its file."""


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Run what is asked for in `root`; 0: all passed, 1: not all, 2: wrong usage."""
    lanes = _lanes(arguments)
    if lanes is None:
        sys.stderr.write("usage: python -m suites all [PYTEST FLAG…] | truth [VERSION…]\n")
        return 2
    signal.signal(signal.SIGTERM, _leave)
    logs = root / ".lab" / "tests"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    began = time.monotonic()
    runner = Runner(logs, _say(began), root)
    results = runner.run(lanes)
    for result in results:
        if result.verdict == "FAILED" or result.fault:
            sys.stdout.write(_end_of(runner.log(result.suite)))
    sys.stdout.write(f"\n{report.told(results)}")
    sys.stdout.write(f"all tests took {(time.monotonic() - began) / 60:.1f} min\n")
    return 0 if all(each.verdict == "passed" for each in results) else 1


def _lanes(arguments: Sequence[str]) -> list[Lane] | None:
    match list(arguments):
        case ["all", *flags]:
            return plan.everything(flags)
        case ["truth", *versions]:
            return [plan.truth(versions or matrix.versions(matrix.Suite.TRUTH))]
    return None


def _say(began: float) -> Callable[[str], None]:
    def say(line: str) -> None:
        sys.stdout.write(f"{(time.monotonic() - began) / 60:5.1f} min  {line}\n")
        sys.stdout.flush()

    return say


def _end_of(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    left_out = max(0, len(lines) - _MOST_LINES)
    head = f"\n---- {log}" + (f", without its first {left_out} lines" if left_out else "")
    return "\n".join([head, *lines[left_out:], ""])


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
