"""What is known to be wrong today, by check and workload: strict, so that a mark goes with its fault."""

import re

import pytest

from lab_full.passes import PASSES

KNOWN: tuple[tuple[str, str, str, str], ...] = ()
"""(check, workloads, passes, reason); the first three are patterns of whole names."""


KNOWN_OF_RUNTIMES: tuple[tuple[str, str, str], ...] = ()
"""(check, runtimes, reason); the first two are patterns of whole names."""


def marks(check: str, runtime: str) -> list[pytest.MarkDecorator]:
    """Return the mark of a runtime that is known to fail the check."""
    return [
        pytest.mark.xfail(strict=True, raises=AssertionError, reason=reason)
        for checks, runtimes, reason in KNOWN_OF_RUNTIMES
        if re.fullmatch(checks, check) and re.fullmatch(runtimes, runtime)
    ][:1]


def cases(check: str, workloads: list[str], passes: tuple[str, ...]) -> list[object]:
    """Return every pass with every workload, those that are known to fail the check marked."""
    return [
        pytest.param((setting, workload), id=f"{setting}-{workload}", marks=_marks(check, workload, setting))
        for setting in passes
        for workload in workloads
    ]


def _marks(check: str, workload: str, setting: str) -> list[pytest.MarkDecorator]:
    assert setting in PASSES, f"{setting} is none of {', '.join(PASSES)}"
    return [
        pytest.mark.xfail(strict=True, raises=AssertionError, reason=reason)
        for checks, workloads, passes, reason in KNOWN
        if re.fullmatch(checks, check) and re.fullmatch(workloads, workload) and re.fullmatch(passes, setting)
    ][:1]
