"""The program: see the package's description."""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from fuzz import forking
from fuzz.results import Result, told

LOGS = Path(__file__).parents[2] / ".lab" / "fuzz"


def main(arguments: Sequence[str]) -> int:
    """Return 0: nothing was found; 1: something was; 2: wrong usage, or no atheris for this Python."""
    options = _parser().parse_args(arguments)
    if (missing := forking.unavailable()) is not None:
        sys.stderr.write(f"fuzz: {missing}\n")
        return 2
    known = forking.names()
    unknown = sorted(set(options.targets) - set(known))
    if unknown:
        sys.stderr.write(f"fuzz: there is no target {unknown[0]}; there are {', '.join(sorted(known))}\n")
        return 2
    chosen = options.targets or known
    shutil.rmtree(LOGS, ignore_errors=True)
    seconds = options.minutes * 60 / 2
    each = max(1.0, seconds * options.jobs / len(chosen))
    run = forking.Run(folder=LOGS, inputs=options.inputs, seconds=each)
    found = forking.first_followed(chosen, run, options.jobs)
    rest = forking.Run(folder=LOGS, inputs=options.inputs, seconds=seconds)
    results: list[Result] = []
    for result in forking.then_unfollowed(found, rest, options.jobs):
        results.append(result)
        sys.stderr.write(f"{len(results)} of {len(chosen)}: {result.line()}\n")
    sys.stdout.write(told(sorted(results, key=lambda each: each.target), options.inputs))
    return int(any(each.fault for each in results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fuzz", description="Fuzz every parser and decoder.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="only these (default: all)")
    parser.add_argument("--minutes", type=float, default=10.0, help="for all together (%(default)g)")
    parser.add_argument(
        "--inputs", type=int, default=1_000_000, help="of each target at most (%(default)s)", metavar="N"
    )
    parser.add_argument("--jobs", type=int, default=2, help="targets at once (%(default)s)", metavar="N")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
