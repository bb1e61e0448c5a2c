"""How a suite ended: read from the XML that pytest leaves, and judged."""

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

from msgspec import Struct


class Case(Struct, frozen=True, kw_only=True):
    """One test."""

    name: str
    seconds: float
    """With its fixtures."""
    outcome: str
    """ "passed", "failed", "skipped" or "xfailed"."""
    reason: str = ""


class Result(Struct, frozen=True, kw_only=True):
    """One suite, when it has ended."""

    suite: str
    seconds: float
    cases: list[Case]
    fault: str = ""
    """What is wrong beside failed tests, as a sentence; empty: nothing."""
    hung: bool = False
    """Whether it was ended, and so left no word of its tests."""

    def count(self, outcome: str) -> int:
        """Return how many tests ended so."""
        return sum(each.outcome == outcome for each in self.cases)

    @property
    def has_run(self) -> bool:
        """Whether anything in it was tried."""
        return self.count("skipped") < len(self.cases)

    @property
    def verdict(self) -> str:
        """Return "passed", "FAILED" or "NOT RUN"; only the first is good."""
        if not self.has_run and not self.hung:
            return "NOT RUN"
        return "FAILED" if self.fault or self.count("failed") else "passed"

    def reasons(self, outcome: str) -> "Counter[str]":
        """Return why tests ended so, and of each reason how many."""
        return Counter(each.reason for each in self.cases if each.outcome == outcome)


def judged(suite: str, seconds: float, exit_code: int, cases: list[Case]) -> Result:
    """Return the result of a run of pytest that ended with `exit_code`."""
    result = Result(suite=suite, seconds=seconds, cases=cases)
    fault = ""
    if not result.has_run:
        fault = "every test was skipped" if cases else f"no test was run (pytest ended with {exit_code})"
    elif exit_code != 0 and not result.count("failed"):
        fault = f"pytest ended with {exit_code}"
    return Result(suite=suite, seconds=seconds, cases=cases, fault=fault)


def cases_of(file: Path) -> list[Case]:
    """Return the tests of a JUnit XML file; none where there is no whole one."""
    try:
        root = ET.parse(file).getroot()  # noqa: S314 -- of our own pytest
    except (OSError, ET.ParseError):
        return []
    return [_case(each) for each in root.iter("testcase")]


def _case(element: ET.Element) -> Case:
    name = f"{element.get('classname', '')}::{element.get('name', '')}"
    outcome, reason = "passed", ""
    for child in element:
        if child.tag in {"failure", "error"}:
            outcome, reason = "failed", child.get("message", "")
        elif child.tag == "skipped" and outcome == "passed":
            outcome = "xfailed" if child.get("type") == "pytest.xfail" else "skipped"
            reason = child.get("message", "")
    return Case(name=name, seconds=float(element.get("time", 0)), outcome=outcome, reason=reason)
