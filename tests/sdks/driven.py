"""Rows of the catalogue tried by a driver's program, for whatever backend a test points its package at."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from memcollect.evidence.catalogue import rows_named
from memcollect.evidence.document import CheckResult
from memcollect.trying.boxes import Ledger
from memcollect.trying.drivers.program import Program, ProgramProvider
from memcollect.trying.performing import Performer
from memcollect.trying.settings import Settings
from memcollect.trying.trial import Trial
from worlds.planted_faults import LONG

RUN = "mc-0123456789"
OPTIONS = {"run": RUN, "api": "", "template": "", "namespace": "deer-flow", "prefix": ""}
PRIVILEGED = frozenset({"read-only"})
"""Checks for which these tests' user may be too mighty: the stand-ins run as it."""


@contextmanager
def started(driver: str, package: Path, options: Mapping[str, str]) -> Iterator[Program]:
    """Start a driver's program with a package on its path."""
    program = Program(["env", f"PYTHONPATH={package}", sys.executable], driver, {**OPTIONS, **options})
    try:
        yield program
    finally:
        program.close()


def tried(
    program: Program, checks: Mapping[str, tuple[str, ...]], seconds: float | None = None
) -> tuple[dict[str, CheckResult], list[str]]:
    """Return what came of these checks, all of a row where it names none, and what is left."""
    performer = Performer(
        provider=ProgramProvider(program), settings=Settings(), ledger=Ledger(RUN), stopped=lambda: False
    )
    rows = [
        replace(
            row,
            checks=tuple(
                replace(each, seconds=seconds or each.seconds)
                for each in row.checks
                if _wanted(each.name, checks[row.name])
            ),
        )
        for row in rows_named(list(checks))
    ]
    trial = Trial(performer, lambda _sentence: None)
    return {f"{row.row}/{c.name}": c for row in trial.run(rows) for c in row.checks}, trial.left


def _wanted(name: str, chosen: tuple[str, ...]) -> bool:
    return name in chosen if chosen else name not in LONG | PRIVILEGED


def broken(found: Mapping[str, CheckResult]) -> dict[str, str]:
    """Return what a check that failed or differed has seen."""
    return {name: c.observed for name, c in found.items() if c.verdict in {"fails", "differs"}}
